"""p_good: scores that were not computed say nothing, the others add up, and what speaks against a row lowers it."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest

from polyrefuse_data.languages import LANGUAGES, SOURCE_LANGUAGE, TARGET_LANGUAGES
from polyrefuse_data.languages.probability import ProbabilityTable
from polyrefuse_data.quality import audit
from polyrefuse_data.quality.auditing import audit_rows
from polyrefuse_data.quality.probability.evidence import P_GOOD, probability, pulls, pulls_on
from tests.quality.tables import ENGLISH, GERMAN, make_table


def scores_of(**row: str | None) -> dict[str, float]:
    """The scores of one row."""
    [found] = audit_rows(make_table({"text": GERMAN, "text_en": ENGLISH, **row}))[1].to_pylist()
    return {name: value for name, value in found.items() if isinstance(value, float)}


def p_good(**row: str | None) -> float:
    return scores_of(**row)[P_GOOD]


@pytest.mark.parametrize("code", [SOURCE_LANGUAGE, *TARGET_LANGUAGES])
def test_every_pack_says_what_its_table_was_fitted_on(code: str) -> None:
    table = LANGUAGES[code].probability
    assert table is not None and table.source
    assert ("length_ratio" in table.curves) == (code != SOURCE_LANGUAGE)


def test_a_curve_has_as_many_nats_as_values_in_order() -> None:
    good = {"source": "here", "intercept": 0.0, "slope": 1.0}
    for at, nats in (([0, 1], [0]), ([1, 0], [0, 1]), ([1, 1], [0, 1]), ([], [])):
        with pytest.raises(ValueError, match="at"):
            ProbabilityTable.model_validate({**good, "curves": {"chrf": {"at": at, "nats": nats}}})


def test_what_speaks_against_a_row_lowers_its_probability() -> None:
    good = p_good()
    assert good > 0.6
    assert p_good(back_translation=ENGLISH) > good
    for fault in (
        {"text": GERMAN[:20]},
        {"text": f"{GERMAN} " * 6},
        {"text": "Nennen Sie drei Tipps für einen besseren Schlaf."},
        {"text_en": f"{ENGLISH} Name 7 of them."},
        {
            "text": GERMAN.replace("sich", "sich nicht"),
            "back_translation": "Explain how the sun is not different from other stars.",
        },
        {"back_translation": "Name three tips for a better sleep."},
    ):
        assert p_good(**fault) < good, fault


def test_the_pulls_of_a_row_add_up_to_its_probability() -> None:
    scores = scores_of(back_translation="Explain why stars differ.")
    table = LANGUAGES["de"].probability
    assert table is not None
    every = pulls({name: np.array([value]) for name, value in scores.items()}, ["de"])
    total = table.intercept + sum(float(nats[0]) for nats in every.values())
    assert math.log(scores[P_GOOD] / (1 - scores[P_GOOD])) == pytest.approx(total)
    told = pulls_on(scores, "de")
    assert told == {name: every[name][0] for name in told}  # the least are not told
    assert all(abs(every[name][0]) < 0.1 for name in every.keys() - told.keys())
    assert [*pulls_on(scores, "de").values()] == sorted(pulls_on(scores, "de").values(), key=lambda nats: -abs(nats))


def test_scores_that_were_not_computed_say_nothing() -> None:
    scores = audit_rows(make_table({"text": GERMAN, "text_en": ENGLISH}))[1]
    whole = probability(scores)
    unsaid = scores.set_column(scores.column_names.index("lost"), "lost", pa.nulls(1, pa.float64()))
    [lost] = [nats for name, nats in pulls_on({"lost": 0.0}, "de").items() if name == "lost"]
    odds = [math.log(p / (1 - p)) for p in (whole[0], probability(unsaid)[0])]
    assert odds[0] - odds[1] == pytest.approx(lost)
    assert probability(scores.drop_columns(["lost"])) == probability(unsaid)


def test_only_translations_of_a_prompt_have_a_probability() -> None:
    rows = make_table(
        {"language": "en", "text": ENGLISH, "text_en": ENGLISH},
        {"language": "de", "text": GERMAN, "text_en": ""},
        {"language": "sv", "text": "Förklara hur solen skiljer sig från andra stjärnor.", "text_en": ENGLISH},
        {"language": "deu_Latn", "text": GERMAN, "text_en": ENGLISH},
        {"language": "xx", "text": GERMAN, "text_en": ENGLISH},
    )
    found = audit_rows(rows)[1][P_GOOD].to_numpy(zero_copy_only=False)
    assert np.isnan(found).tolist() == [True, True, False, False, False]
    assert found[3] == p_good()


def test_the_probability_rejects_nothing_and_is_a_remark_only_with_a_bound() -> None:
    rows = make_table({"text": "Nennen Sie drei Tipps für einen besseren Schlaf.", "text_en": ENGLISH})
    assert "improbable" not in audit(rows)["flags"].to_pylist()[0]
    marked = audit(rows, {"thresholds": {"improbable": 0.99}})
    assert "improbable" in marked["flags"].to_pylist()[0]
    assert marked["status"].to_pylist() == audit(rows)["status"].to_pylist() == ["accepted"]
