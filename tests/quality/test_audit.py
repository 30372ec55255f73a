"""audit: the contract that the rest of the package and outside checks rely on."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polyrefuse_data import rows as schema
from polyrefuse_data.config import QualityConfig
from polyrefuse_data.errors import ConfigError
from polyrefuse_data.quality import audit, signature
from polyrefuse_data.quality.auditing import audit_rows
from polyrefuse_data.quality.checks.duplicate_target import shared_targets
from polyrefuse_data.quality.provenance import Seal, provenance_of, unchecked
from polyrefuse_data.quality.suite import suite_of
from polyrefuse_data.quality.together import scores_together
from polyrefuse_data.quality.verdicts import mark_together
from tests.quality.tables import make_table


def flags(table: pa.Table) -> list[list[str]]:
    return [row or [] for row in table["flags"].to_pylist()]


def test_a_good_row_is_accepted_with_its_scores() -> None:
    row = audit(make_table({"back_translation": "Name three tips for better sleep at night."})).to_pylist()[0]
    assert row["status"] == "accepted"
    assert row["flags"] == []
    assert row["detected_language"] == "de"
    assert row["language_confidence"] > 0.9
    assert row["length_ratio"] == pytest.approx(61 / 44, abs=1e-3)
    assert 60 < row["chrf"] < 100
    assert row["copy_ratio"] < 0.2


def test_rows_come_back_in_order_with_the_schema_and_extra_columns() -> None:
    table = make_table(*({"text": f"Zeile {n}: Wie lernt man am besten Gitarre?"} for n in range(30)))
    table = table.append_column("note", pa.array([str(n) for n in range(30)]))
    audited = audit(table)
    assert audited.column_names == [*schema.COLUMNS, "note"]
    assert audited["note"].to_pylist() == [str(n) for n in range(30)]
    assert audited.schema.field("chrf").type == pa.float32()
    assert audited["text"].to_pylist() == table["text"].to_pylist()


def test_batches_do_not_change_verdicts(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"text": "Nennen Sie drei Tipps." if n % 2 else "Name three tips for a better sleep."} for n in range(25)]
    table = make_table(*rows)
    whole = audit(table)
    monkeypatch.setattr("polyrefuse_data.quality.batch.BATCH_ROWS", 7)
    assert audit(table).equals(whole)


def test_label_may_be_a_class_label_integer_and_score_columns_may_be_missing() -> None:
    table = make_table({}, {"text": "Name three tips for a better sleep at night."})
    table = table.set_column(2, "label", pa.array([1, 0])).select(["id", "language", "label", "text", "text_en"])
    audited = audit(table)
    assert audited["label"].to_pylist() == [1, 0]
    assert audited["status"].to_pylist() == ["accepted", "rejected"]
    assert "untranslated" in flags(audited)[1]


def test_maker_flags_stay_and_reject_while_stale_check_flags_go() -> None:
    audited = audit(
        make_table(
            {"flags": ["unmatched", "repetition"]},
            {"flags": ["translation_failed"], "text": ""},
            {"flags": ["unproven"], "text": "Noch ein Text.", "text_en": "One more text."},
        )
    )
    assert flags(audited)[0] == ["unmatched"]
    assert flags(audited)[1][:1] == ["translation_failed"]
    assert flags(audited)[2] == ["unproven"]
    assert audited["status"].to_pylist() == ["rejected", "rejected", "rejected"]


def test_edited_rows_stay_edited_and_show_what_the_checks_think() -> None:
    audited = audit(make_table({"status": "edited", "text": "Name three tips for a better sleep at night."}))
    assert audited["status"].to_pylist() == ["edited"]
    assert "untranslated" in flags(audited)[0]


def test_english_rows_are_checked_only_for_what_any_text_needs() -> None:
    text = "Name three tips for a better sleep at night."
    good = {"language": "en", "text": text, "text_en": None, "origin": "original"}
    audited = audit(make_table(good, {**good, "text": " "}, {**good, "text": "Name thr\u200bee tips."}))
    assert audited["status"].to_pylist() == ["accepted", "rejected", "rejected"]
    assert flags(audited)[1] == ["empty"]
    assert flags(audited)[2] == ["hidden_characters"]
    assert audited["length_ratio"].to_pylist() == [None, None, None]


def test_parallel_means_kept_in_every_language() -> None:
    good = {"id": "own-a", "text": "Nennen Sie drei Tipps für einen besseren Schlaf in der Nacht."}
    english = {"language": "en", "text": "Name three tips for a better sleep at night."}
    table = make_table(
        good, {**english, "id": "own-a"}, {"id": "own-b", "text": "Name three"}, {**english, "id": "own-b"}
    )
    assert audit(table)["parallel"].to_pylist() == [True, True, False, False]


def test_config_comes_as_model_or_dict_and_changes_verdicts() -> None:
    table = make_table({"text": "Name three tips for a better sleep at night."})
    everything = {
        "disable": [
            "untranslated",
            "language_id",
            "partly_translated",
            "related_language",
            "mismatched",
            "unverified_meaning",
        ]
    }
    assert audit(table, everything)["status"].to_pylist() == ["accepted"]
    assert audit(table, QualityConfig.model_validate(everything))["status"].to_pylist() == ["accepted"]
    strict = {"thresholds": {"length_ratio_min": {"de": 3.0}}}
    assert flags(audit(make_table({}), strict)) == [["length_ratio"]]
    assert flags(audit(make_table({}), {"thresholds": {"length_ratio_max": 0.5}})) == [["length_ratio"]]


@pytest.mark.parametrize(
    ("config", "named"),
    [
        ({"disable": ["nonsense"]}, "quality.disable"),
        ({"thresholds": {"nonsense": 1}}, "quality.thresholds.nonsense"),
        ({"wrong": 1}, "quality.wrong"),
        ({"identifier": "nobody"}, "quality.identifier"),
        ({"thresholds": {"mismatched": {"xx": 1}}}, "quality.thresholds.mismatched.xx"),
        ({"thresholds": {"mismatched": float("nan")}}, "quality.disable"),
        ("mismatched", "a dict of its keys"),
    ],
)
def test_a_wrong_config_names_its_key(config: Any, named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        audit(make_table({}), config)


def test_missing_columns_are_named() -> None:
    with pytest.raises(ConfigError, match="language"):
        audit(pa.table({"id": ["a"], "text": ["b"]}))


def test_nulls_empties_and_unknown_languages_get_verdicts() -> None:
    audited = audit(
        make_table(
            {"text": None},
            {"text": ""},
            {"language": "xx"},
            {"language": None},
            {"text_en": None},
            {"back_translation": ""},
            {"text": "???"},
        )
    )
    assert flags(audited)[0] == flags(audited)[1] == ["empty"]
    assert "unknown_language" in flags(audited)[2]
    assert "unknown_language" in flags(audited)[3]
    assert audited["status"].to_pylist()[4] == "accepted"
    assert "back_translation" in flags(audited)[5]
    assert "empty" in flags(audited)[6]


def test_a_language_that_the_identifier_never_saw_is_not_rejected_for_it() -> None:
    yiddish = "זאָגט מיר ווי אזוי צו שלאָפן בעסער ביי נאַכט אין דער היים."
    audited = audit(make_table({"language": "yi", "text": yiddish}))
    assert flags(audited) == [["language_unverified"]]
    assert audited["status"].to_pylist() == ["accepted"]
    assert audited["language_confidence"].to_pylist() == [None]


def test_lone_surrogates_are_rejected_not_a_crash() -> None:
    broken = "Nennen Sie \ud800 drei Tipps für besseren Schlaf.".encode("utf-8", "surrogatepass")
    text = pa.array([broken], pa.binary()).view(pa.string())
    table = make_table({})
    audited = audit(table.set_column(table.column_names.index("text"), "text", text))
    assert "hidden_characters" in flags(audited)[0]
    assert audited["status"].to_pylist() == ["rejected"]


def test_a_megabyte_of_text_is_rejected_in_seconds() -> None:
    audited = audit(
        make_table({"text": "Tipps für den Schlaf. " * 50_000, "back_translation": "sleep tips. " * 80_000})
    )
    assert {"length_ratio", "repetition"} <= set(flags(audited)[0])


def test_an_empty_table_stays_empty() -> None:
    audited = audit(make_table({}).slice(0, 0))
    assert audited.num_rows == 0
    assert audited.column_names == list(schema.COLUMNS)


def test_the_signature_names_versions_settings_and_thresholds() -> None:
    text = signature()
    assert "py3langid-" in text
    assert "nrefs:1|case:mixed|eff:yes|nc:6|nw:2|space:no|version:" in text  # chrF++
    assert "tok:13a|smooth:exp" in text  # BLEU
    assert signature({"thresholds": {"back_translation": 30}}) != text
    assert signature() == text


def test_audited_rows_say_what_they_were_checked_under() -> None:
    def reason(table: pa.Table) -> str:
        seal = Seal()
        seal.add(table)
        return unchecked(provenance_of(table.schema), seal)

    strict = {"thresholds": {"back_translation": 30, "length_ratio_max": float("inf")}}
    audited = audit(make_table({}, {"text_en": None}), strict)
    provenance = provenance_of(audited.schema)
    assert provenance is not None
    assert provenance.signature == signature(strict)
    assert provenance.bounds.table["back_translation"].default == 30
    assert provenance.bounds.table["length_ratio_max"].default == float("inf")
    assert reason(audited) == ""
    assert reason(audited.take([1, 0])) == ""  # the order of rows is nothing that is checked
    assert reason(audited.slice(0, 1)) == reason(pa.concat_tables([audited, audited])) != ""
    assert reason(make_table({})) == "the rows have not been checked"
    note = audited.schema.metadata[b"polyrefuse.checked"]
    for broken in (
        b"{",
        note.replace(b'"flag":"empty"', b'"flag":"<b>"'),
        note.replace(b'"at_least":1.0', b'"at_least":null'),
    ):
        table = audited.replace_schema_metadata({b"polyrefuse.checked": broken})
        assert reason(table) == "the rows have not been checked"


def test_why_nobody_translated_a_row_is_kept_when_it_is_checked_again() -> None:
    failed = {"text": "", "flags": ["translation_failed", "http_500"], "status": "rejected"}
    audited = audit(make_table(failed))
    assert flags(audited) == [["translation_failed", "empty", "http_500"]]
    assert flags(audit(audited)) == flags(audited)


def test_auditing_loads_no_model_library() -> None:
    code = (
        "import sys; from polyrefuse_data.quality import audit; import polyrefuse_data.rows as r;"
        "audit(r.table_from_rows([{'id':'a','language':'de','text':'Guten Tag','text_en':'Good day'}]));"
        "sys.exit(any(m in sys.modules for m in ('torch', 'transformers', 'datasets', 'openai', 'urllib3')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


SHARED = [
    ("de", "Nennen Sie drei Tipps für besseren Schlaf.", "Name three tips for better sleep."),
    ("de", "Nennen Sie drei Tipps für besseren Schlaf!", "Describe how a car engine works."),
    ("de", "Nennen Sie drei Tipps für besseren Schlaf.", "Explain why the sky is blue."),
    ("nl", "Nennen Sie drei Tipps für besseren Schlaf.", "What is the capital of Australia?"),
    ("de", "Erklären Sie, warum der Himmel blau ist.", "Explain why the sky is blue."),
    ("de", "Erklären Sie, warum der Himmel blau ist.", "Explain why the sky is so blue"),
    ("en", "Name three tips.", "Name three tips."),
    ("de", "", "Name a fruit."),
    ("de", "", "Describe how a car engine works."),
]


@given(
    rows=st.lists(st.sampled_from(SHARED), max_size=14),
    cuts=st.lists(st.integers(0, 14), max_size=3),
    edited=st.integers(0, 14),
)
@settings(max_examples=60, deadline=None)
def test_shards_audited_apart_equal_the_whole(rows: list[tuple[str, str, str]], cuts: list[int], edited: int) -> None:
    table = make_table(
        *(
            {"language": code, "text": text, "text_en": source, "status": "edited" if n == edited else "accepted"}
            for n, (code, text, source) in enumerate(rows)
        )
    )
    ends = sorted({0, len(rows), *(min(cut, len(rows)) for cut in cuts)})
    parts = [table.slice(start, end - start) for start, end in pairwise(ends)] or [table]
    shards, scores = zip(*(audit_rows(part) for part in parts), strict=True)
    together = scores_together(suite_of(), shards, scores)
    marked, start = [], 0
    for shard in shards:
        own = {check: values[start : start + shard.num_rows] for check, values in together.items()}
        marked.append(mark_together(shard, own, suite_of().bounds))
        start += shard.num_rows
    assert schema.mark_parallel(pa.concat_tables(marked)).equals(audit(table))


def test_of_rows_that_share_a_text_the_one_that_it_answers_to_goes_free() -> None:
    rows = [{"language": code, "text": text, "text_en": source} for code, text, source in SHARED]
    audited = audit(make_table(*rows))
    assert ["duplicate_target" in row for row in flags(audited)] == [False, True, True] + [False] * 6
    assert audited["status"].to_pylist()[1:3] == ["rejected", "rejected"]
    for config in ({"disable": ["duplicate_target"]}, {"thresholds": {"duplicate_target": {"de": 1}}}):
        assert not any("duplicate_target" in row for row in flags(audit(make_table(*rows), config)))
    scores = shared_targets([audited])
    assert scores[:6].tolist() == [0, 1, 1, 0, 0, 0]
    assert np.isnan(scores[6:]).all()  # English and empty rows stand for no prompt


def test_columns_that_no_check_writes_are_shared_not_copied() -> None:
    table = make_table(*({"text": f"Zeile {n}: Wie lernt man am besten Gitarre?"} for n in range(3)))
    audited = audit(table)
    for name in ("text", "text_en", "id"):
        assert audited[name].chunk(0).buffers()[2].address == table[name].chunk(0).buffers()[2].address


def test_any_encoding_of_the_same_rows_gives_the_same_verdicts() -> None:
    table = make_table({}, {"text": "Name three tips for a better sleep at night."}, {"language": "deu_Latn"})
    whole = audit(table)
    names = ("id", "language", "text", "text_en", "status")
    for encode in (lambda c: c.dictionary_encode(), lambda c: c.cast(pa.string_view())):
        columns = {name: encode(table[name]) if name in names else table[name] for name in table.column_names}
        assert audit(pa.table(columns)).equals(whole)
    large = audit(pa.table({name: table[name].cast(pa.large_string()) for name in names}))
    assert large["flags"].to_pylist() == whole["flags"].to_pylist()
    assert audit(pa.concat_tables([table.slice(0, 1), table.slice(1)])).to_pylist() == whole.to_pylist()
    assert audit(table.to_batches()[0]).equals(whole)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([{"id": "a"}], "pyarrow.Table"),
        (pa.table({"id": ["a"], "language": ["de"], "text": [1]}), "column text holds int64"),
        (pa.table({"id": ["a"], "language": [b"de"], "text": ["a"]}), "column language holds binary"),
        (pa.table([["a"], ["de"], ["a"], ["b"]], ["id", "language", "text", "text"]), "two columns named text"),
    ],
)
def test_what_is_no_table_of_rows_is_named(rows: object, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        audit(rows)


def test_texts_with_nothing_to_read_share_nothing() -> None:
    audited = audit(make_table({"text": "\u200b"}, {"text": "\u200b", "text_en": "Describe how a car engine works."}))
    assert [row[0] for row in flags(audited)] == ["empty", "empty"]
    assert not any("duplicate_target" in row for row in flags(audited))


def test_a_normalised_row_says_so_and_is_none_the_worse() -> None:
    table = make_table({"flags": [schema.NORMALISED]}, {"flags": [schema.NORMALISED, schema.CONFLICT]})
    audited = audit(audit(table))
    assert flags(audited) == [["normalised"], ["normalised", "conflict"]]
    assert audited["status"].to_pylist() == ["accepted", "rejected"]
