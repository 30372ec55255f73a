"""Language packs: what is in them, how one is made, what one lacks, and how one comes from outside."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from pydantic import BaseModel

from polyrefuse_data.config import config_hash, load_config, parse_config
from polyrefuse_data.errors import ConfigError
from polyrefuse_data.languages import LANGUAGES, add_pack, find_language, language, language_packs, registry
from polyrefuse_data.languages.numbers import NumberWords
from polyrefuse_data.languages.packs import TEMPLATE, new_pack, write_bounds
from polyrefuse_data.languages.replies import SIGNS, ReplyTables, excuses
from polyrefuse_data.languages.traits import Bound, Polarity, Traits
from polyrefuse_data.languages.transliteration import NameLetters
from polyrefuse_data.pipeline.fitting import fit_pack
from polyrefuse_data.quality import audit, signature
from polyrefuse_data.quality.auditing import audit_rows
from polyrefuse_data.quality.checks import THRESHOLDS
from polyrefuse_data.quality.probability.evidence import probability
from polyrefuse_data.quality.strength import FULL, strength
from polyrefuse_data.rows import table_from_rows
from tests.faults.launcher import Call
from tests.languages.conftest import SWEDISH
from tests.languages.test_lexicon import invented_pairs

PARTS = {
    "traits.toml": Traits,
    "numbers.toml": NumberWords,
    "replies.toml": ReplyTables,
    "polarity.toml": Polarity,
    "names.toml": NameLetters,
}


@pytest.mark.parametrize("code", LANGUAGES)
def test_a_pack_holds_what_is_read_and_nothing_else(code: str) -> None:
    pack = LANGUAGES[code].pack
    assert pack is not None and pack.name == code
    english = {"excuses.toml", "stems.tsv", "common.txt", "translated.txt", "opposites.tsv", "meaning.toml"}
    unneeded = {"names.toml"} if LANGUAGES[code].script == "Latn" else set()
    extra = english if code == "en" else {"lexicon.tsv", "words.jsonl"}
    assert (
        set(PARTS) - unneeded - ({"polarity.toml"} if code == "en" else set())
        <= {path.name for path in pack.iterdir()}
        <= {*PARTS, "probability.toml", "word_order.tsv", *extra}
    )
    assert LANGUAGES[code].traits.code == code
    for name, bound in LANGUAGES[code].traits.bounds.items():
        assert name in THRESHOLDS and bound.source


def keys_of(kind: type[BaseModel]) -> set[str]:
    """Every key that a file of this kind may have, those of its tables too."""
    keys = set(kind.model_fields)
    for field in kind.model_fields.values():
        for inner in (field.annotation, *getattr(field.annotation, "__args__", ())):
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                keys |= keys_of(inner)
    return keys


@pytest.mark.parametrize("name", PARTS)
def test_the_template_explains_every_key(name: str) -> None:
    text = (TEMPLATE / name).read_text(encoding="utf-8")
    for key in keys_of(PARTS[name]):
        assert re.search(rf"\b{key}\b", text), key
    if name == "replies.toml":
        for key in {*excuses(), *SIGNS} - {"alone"}:
            assert re.search(rf"\b{key}\b", text), key
    uncommented = re.sub(r"^# (?=(?:\[?[\w\" ]+\]?(?: = |$)))", "", text, flags=re.MULTILINE)
    if name != "replies.toml":  # whose examples go over several lines
        PARTS[name].model_validate(tomllib.loads(uncommented.replace('"CODE"', '"sv"')))


def test_a_new_pack_is_one_and_is_not_overwritten(tmp_path: Path) -> None:
    written = new_pack("swe_Latn", tmp_path / "sv")
    assert {path.name for path in written} == set(PARTS)
    known = add_pack(tmp_path / "sv")
    assert (known.code, known.flores, known.name) == ("sv", "swe_Latn", "Swedish")
    assert known.numbers is not None and known.replies is not None and known.lexicon is None
    (tmp_path / "sv" / "traits.toml").write_text('code = "sv"\n', encoding="utf-8")
    with pytest.raises(ConfigError, match=r"traits\.toml already exists"):
        new_pack("sv", tmp_path / "sv")
    assert (tmp_path / "sv" / "traits.toml").read_text(encoding="utf-8") == 'code = "sv"\n'
    with pytest.raises(ConfigError, match="neither a BCP-47 code"):
        new_pack("swedish", tmp_path / "other")


def test_a_language_beyond_nllb_says_its_codes_itself(tmp_path: Path) -> None:
    new_pack("nds", tmp_path)
    path = tmp_path / "traits.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("xxx_Latn", "nds_Latn").replace('name = "..."', 'name = "Low German"'), "utf-8")
    add_pack(tmp_path)
    assert language("nds_Latn").name == language("nds").name == "Low German"
    path.write_text('code = "nds"\n', encoding="utf-8")
    with pytest.raises(ConfigError, match=r"nds is not an NLLB-200 language: also give `flores` and `name`"):
        add_pack(tmp_path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('code = "sv"\n[writing]\nletter = "å"\n', r"traits\.toml: writing\.letter: unknown key"),
        ('code = "sv"\n[relatives]\npattern = "("\n', r"relatives\.pattern: not a regular expression"),
        ('code = "sv"\n[writing]\nencodings = ["x-none"]\n', r"writing\.encodings\.0: Python has no encoding"),
        ('code = "sv"\n[bounds]\nscript = { bound = 1 }\n', r"bounds\.script\.source"),
        ('code = "sv"\nwriting = {\n', "not readable as TOML"),
    ],
)
def test_a_broken_pack_names_its_file_and_key(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "traits.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=said):
        add_pack(tmp_path)


def test_a_bound_on_no_threshold_is_an_error_of_the_command_line(polyrefuse: Call, tmp_path: Path) -> None:
    (tmp_path / "traits.toml").write_text('code = "sv"\n[bounds]\nno = { bound = 1, source = "x" }\n', encoding="utf-8")
    result = polyrefuse("languages", "--check", tmp_path)
    assert result.returncode == 2
    assert "bounds.no: no such threshold" in result.stderr and "Traceback" not in result.stderr


def test_what_a_language_lacks_is_said_with_the_flags_that_rest_on_it(polyrefuse: Call) -> None:
    lacks = {row["part"]: row for row in strength(language("sv"))}
    assert lacks["(the identifier)"]["strength"] == FULL
    assert lacks["lexicon.tsv"]["flags"].startswith("unverified_meaning, mismatched")
    assert all(row["strength"] != FULL for part, row in lacks.items() if part != "(the identifier)")
    own = {row["part"]: row["strength"] for row in strength(add_pack(SWEDISH))}
    for part in ("lexicon.tsv", "numbers.toml", "replies.toml", "traits.toml: bounds.length_ratio_min"):
        assert own[part] == FULL
    assert json.loads(polyrefuse("languages", "--check", "de", "--json").stdout)[0]["strength"] == FULL


def test_bounds_are_written_in_place_and_leave_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "traits.toml"
    path.write_text(
        'code = "sv"  # kept\n\n[bounds]\n# why\nscript = { bound = 0.5, source = "a" }\n\n[writing]\n', "utf-8"
    )
    write_bounds(
        tmp_path, {"script": Bound(bound=0.25, source='"b"'), "unverified_meaning": Bound(bound=-3, source="c")}
    )
    text = path.read_text(encoding="utf-8")
    assert "# kept" in text and "# why" in text and text.count("script") == 1
    found = add_pack(tmp_path).traits.bounds
    assert {name: (own.bound, own.source) for name, own in found.items()} == {
        "script": (0.25, '"b"'),
        "unverified_meaning": (-3, "c"),
    }


def test_a_fit_writes_a_lexicon_and_bounds_with_their_source(tmp_path: Path) -> None:
    rows = tmp_path / "pairs.tsv"
    rows.write_text("en\tsv\n" + "\n".join("\t".join(pair) for pair in invented_pairs(300)), encoding="utf-8")
    new_pack("sv", tmp_path / "sv")
    written = fit_pack(add_pack(tmp_path / "sv"), rows)
    assert [row["written"] for row in written][:3] == [
        "lexicon.tsv",
        "bounds.length_ratio_min",
        "bounds.length_ratio_max",
    ]
    fitted = language("sv")
    english, text = invented_pairs(1)[0]
    assert fitted.lexicon is not None and fitted.lexicon.log_odds(text, english) > 2
    assert "300 rows of pairs.tsv" in fitted.traits.bounds["length_ratio_min"].source
    assert {row["part"]: row for row in strength(fitted)}["lexicon.tsv"]["strength"] == FULL
    assert written[-1]["written"] == "probability.toml" and fitted.probability is not None
    unseen = invented_pairs(400)[300:]
    good, swapped = map(np.median, p_good(unseen))
    assert good > 0.6 and swapped < good - 0.15
    (tmp_path / "sv" / "probability.toml").unlink()
    fitted = add_pack(tmp_path / "sv")
    assert np.median(p_good(unseen)[0]) < 0.2  # no text that the other languages' table would take for Swedish
    with pytest.raises(ConfigError, match="has no language pack: create one"):
        fit_pack(language("da"), rows)
    with pytest.raises(ConfigError, match="part of this package"):
        fit_pack(LANGUAGES["de"], rows)
    rows.write_text("en\tsv\nDog\tHund\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="only 1 different row of sv with English; a fit needs 200"):
        fit_pack(fitted, rows)


def p_good(pairs: list[tuple[str, str]]) -> list[npt.NDArray[np.float64]]:
    """Of these pairs, and of each prompt with the text of the next."""
    texts = [text for _, text in pairs]
    tables = (
        table_from_rows(
            [{"id": str(n), "language": "sv", "text_en": pair[0], "text": own} for n, (pair, own) in enumerate(rows)]
        )
        for rows in (list(zip(pairs, texts, strict=True)), list(zip(pairs, texts[1:] + texts[:1], strict=True)))
    )
    return [probability(audit_rows(table)[1]) for table in tables]


def test_a_fit_loosens_no_bound_past_the_faults_that_it_is_there_for(tmp_path: Path) -> None:
    """Good rows that keep much English would have a bound that no half of English is beyond."""
    pairs = invented_pairs(300)
    halves = [
        {"id": str(place), "language": "sv", "text_en": english,
         "text": " ".join([*text.split()[:2], *english.split()[2:]])}
        for place, (english, text) in enumerate(pairs)
    ]  # fmt: skip

    def found() -> float:
        flags = audit(table_from_rows(halves))["flags"].to_pylist()
        return sum("partly_translated" in some for some in flags) / len(flags)

    new_pack("sv", tmp_path / "sv")
    known = add_pack(tmp_path / "sv")
    before = found()
    keeping = [(english, " ".join([*text.split()[:1], *english.split()[1:]])) for english, text in pairs[:10]]
    rows = tmp_path / "pairs.tsv"
    lines = ["\t".join(pair) for pair in [("en", "sv"), *keeping, *pairs[10:]]]
    rows.write_text("\n".join(lines), encoding="utf-8")
    fit_pack(known, rows)
    assert before > 0.9
    assert found() >= before - 0.02
    bound = language("sv").traits.bounds.get("partly_translated_run")
    assert bound is None or "no looser, so that it finds" in bound.source


REFUSED = {
    "language": "sv",
    "text": "Tyvärr kan jag inte hjälpa till med det.",
    "text_en": "Name three birds.",
}


def flags_of(workers: int = 1) -> list[list[str]]:
    rows = [REFUSED] * 2000  # two batches: the second goes to another process
    table = pa.table({"id": list(map(str, range(len(rows)))), **{key: [row[key] for row in rows] for key in REFUSED}})
    found: list[list[str]] = audit(table, workers=workers)["flags"].to_pylist()
    return found


def test_a_pack_of_the_config_is_used_here_and_in_other_processes(tmp_path: Path) -> None:
    assert "translator_refused" not in flags_of()[0]
    unsigned = signature()
    path = tmp_path / "polyrefuse.toml"
    folder = os.path.relpath(SWEDISH, tmp_path)
    path.write_text(f'[languages]\ncodes = ["sv", "de"]\npacks = ["{folder}"]\n', encoding="utf-8")
    config = load_config(path)
    assert config.languages == ["sv", "de"] and config.language_packs == [tmp_path / folder]
    assert all("translator_refused" in flags for flags in flags_of(workers=2))
    assert signature() != unsigned
    assert config_hash(config) != config_hash(parse_config({"languages": ["sv", "de"]}))


def test_a_config_says_what_is_wrong_with_its_packs(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"language_packs: .*traits\.toml does not exist"):
        parse_config({"languages": {"packs": ["none"]}}, tmp_path / "polyrefuse.toml")
    with pytest.raises(ConfigError, match=r"languages\.folders: unknown key"):
        parse_config({"languages": {"folders": []}})
    with pytest.raises(ConfigError, match="unknown language 'qaa'"):
        parse_config({"languages": {"codes": ["qaa"]}})


def test_an_entry_point_brings_a_pack(tmp_path: Path) -> None:
    package, metadata = tmp_path / "low_german", tmp_path / "low_german-1.dist-info"
    package.mkdir()
    metadata.mkdir()
    (package / "__init__.py").write_text("", encoding="utf-8")
    (package / "traits.toml").write_text('code = "nds"\nflores = "nds_Latn"\nname = "Low German"\n', encoding="utf-8")
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: low-german\nVersion: 1\n", encoding="utf-8")
    (metadata / "entry_points.txt").write_text("[polyrefuse.languages]\nnds = low_german\n", encoding="utf-8")

    def said(program: str) -> str:
        path = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
        environment = {**os.environ, "PYTHONPATH": path}
        run = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False
        )
        return run.stdout + run.stderr

    look = (
        "from polyrefuse_data.languages import language, language_packs; "
        "print(language('nds').name, len(language_packs()))"
    )
    assert said(look) == "Low German 15\n"
    (package / "__init__.py").write_text("1 / 0", encoding="utf-8")
    assert "plug-in nds: cannot be loaded: ZeroDivisionError: division by zero (__init__.py, line 1)" in said(look)


def test_a_pack_of_a_language_of_this_package_takes_its_place(tmp_path: Path) -> None:
    (tmp_path / "traits.toml").write_text('code = "de"\naliases = ["bar"]\n', encoding="utf-8")
    add_pack(tmp_path)
    for code in ("de", "deu_Latn"):
        known = find_language(code)
        assert known is not None and known.identifiers == {"de", "bar"}
    assert language_packs()["de"].lexicon is None
    assert registry.LANGUAGES["de"].lexicon is not None


def test_a_process_reads_no_more_packs_than_its_rows_need() -> None:
    program = (
        "import pyarrow as pa; from polyrefuse_data.languages import LANGUAGES; "
        "from polyrefuse_data.quality import audit; "
        "row = {'id': 'a', 'language': 'de', 'text': 'Nenne drei Vögel.', 'text_en': 'Name three birds.'}; "
        "audit(pa.Table.from_pylist([row])); "
        "print(*(f'{code}:{part}' for part in ('lexicon', 'replies', 'numbers') "
        "for code, known in LANGUAGES.items() if part in vars(known)))"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert set(run.stdout.split()) == {"de:lexicon", "de:replies", "en:replies", "de:numbers", "en:numbers"}
