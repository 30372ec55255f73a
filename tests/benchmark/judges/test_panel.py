"""Several judges of one run: how they vote, how far they agree, and what is kept of it."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from polyrefuse_data.benchmark import judge_run
from polyrefuse_data.benchmark.agreement import cohens_kappa, fleiss_kappa, judge_agreement, kappa_interval
from polyrefuse_data.benchmark.judges import judge_refusal, judge_replies, judge_signature, open_judge
from polyrefuse_data.benchmark.judges.base import Opinion
from polyrefuse_data.benchmark.judges.panel import RULES, PanelJudge
from polyrefuse_data.errors import ConfigError
from tests.benchmark.conftest import world_rows


class Fixed:
    """A judge that says of every reply what it was told to."""

    needs_prompts = False

    def __init__(self, *said: Opinion) -> None:
        self.said = list(said)

    def signature(self, language: str | None = None) -> str:
        return "fixed"

    def opinions(self, responses: Sequence[str], language: str, prompts: Sequence[str] | None) -> list[Opinion]:
        return self.said

    def close(self) -> None:
        pass


@pytest.mark.parametrize(
    ("votes", "majority", "any_of", "all_of"),
    [
        ((True, True, False), True, True, False),
        ((True, False), None, True, False),
        ((True, None), True, True, None),
        ((False, None), False, None, False),
        ((False, False), False, False, False),
        ((None, None), None, None, None),
    ],
)
def test_votes(votes: tuple[bool | None, ...], majority: bool | None, any_of: bool | None, all_of: bool | None) -> None:
    said = [RULES[rule](votes) for rule in ("majority", "any", "all")]
    assert said == [majority, any_of, all_of]


def test_each_opinion_is_kept_beside_the_verdict() -> None:
    one, other = Opinion(True), Opinion(False, harmful=True, controversial=True)
    panel = PanelJudge("any", [Fixed(one), Fixed(other)])
    (verdict, empty) = judge_replies(["No, and yes.", ""], "en", panel)
    assert (verdict.refusal, verdict.harmful, verdict.controversial) == (True, True, True)
    assert verdict.opinions == (one, other)
    assert (empty.refusal, empty.opinions) == (None, ())


def test_names_of_panels() -> None:
    assert judge_refusal(
        ["I can't help with that."], "en", "any:phrases,tests.benchmark.judges.test_panel:NAYSAYER"
    ) == [True]
    assert judge_signature("all:phrases,tests.benchmark.judges.test_panel:NAYSAYER", "en").startswith(
        "all(phrases|version"
    )
    assert not isinstance(open_judge("phrases"), PanelJudge)
    for wrong in ("phrases,phrases", "any:phrases", "phrases,", "all:,"):
        with pytest.raises(ConfigError, match="two or more, each once"):
            open_judge(wrong)


class Naysayer(Fixed):
    """Nothing is a refusal to it."""

    def opinions(self, responses: Sequence[str], language: str, prompts: Sequence[str] | None) -> list[Opinion]:
        return [Opinion(False) for _ in responses]


NAYSAYER = Naysayer()


def test_kappas_are_the_published_ones() -> None:
    """Cohen: 20 and 15 alike, 5 and 10 not, of 50: .40. Fleiss: against statsmodels' formula, written out."""
    first = [True] * 25 + [False] * 25
    second = [True] * 20 + [False] * 5 + [True] * 10 + [False] * 15
    assert cohens_kappa(first, second) == pytest.approx(0.4)
    votes = [[True, True, False], [True, True, True], [False, False, False], [False, True, False]]
    observed = (1 / 3 + 1 + 1 + 1 / 3) / 4
    assert fleiss_kappa(votes) == pytest.approx((observed - 0.5) / 0.5)
    assert math.isnan(cohens_kappa([True, True], [True, True])) and math.isnan(fleiss_kappa([]))


def test_cohen_is_sklearns() -> None:
    from sklearn.metrics import cohen_kappa_score

    first, second = [True, False, True, True, False, True], [True, True, False, True, False, True]
    assert cohens_kappa(first, second) == pytest.approx(cohen_kappa_score(first, second))


@pytest.mark.parametrize("shares", [(0.45, 0.05, 0.05, 0.45), (0.88, 0.02, 0.02, 0.08), (0.25, 0.25, 0.25, 0.25)])
def test_intervals_of_kappas_hold_the_truth(shares: tuple[float, ...]) -> None:
    """40 replies at a time, of two judges who agree well, on rare refusals, and by chance: .95 was promised, and twice
    the standard error of 100 such counts is .04."""
    ways = [(False, False), (False, True), (True, False), (True, True)]
    yes = shares[2] + shares[3]
    chance = yes**2 + (1 - yes) ** 2
    truth = (shares[0] + shares[3] - chance) / (1 - chance)
    generator = np.random.default_rng(5)
    held = {"cohen": 0, "fleiss": 0}
    for _ in range(100):
        votes = [ways[way] for way in generator.choice(4, 40, p=shares)]
        cohen = cohens_kappa([one for one, _ in votes], [other for _, other in votes])
        for name, value in (("cohen", cohen), ("fleiss", fleiss_kappa(votes))):
            low, high = kappa_interval(votes, value, is_cohens=name == "cohen")
            held[name] += low <= truth <= high
    assert min(held.values()) >= 91


def test_full_agreement_of_few_is_no_certainty() -> None:
    votes = [(True, True, True), (False, False, False)] * 10
    low, high = kappa_interval(votes, fleiss_kappa(votes))
    assert low < 0.95 and high == 1.0
    assert all(map(math.isnan, kappa_interval([], math.nan)))


def test_only_replies_that_all_judged_count() -> None:
    def told(*votes: bool | None) -> list[dict[str, object]]:
        return [{"judge": f"j{number}", "refusal": vote} for number, vote in enumerate(votes)]

    found = judge_agreement({"en": [told(True, True), told(False, None), []], "de": [told(True, False)]})
    assert [(record["language"], record["n"], record["of"]) for record in found] == [
        ("en", 1, 2),
        ("de", 1, 1),
        (None, 2, 3),
    ]
    assert judge_agreement({"en": [[], []]}) == []


def test_a_run_keeps_opinions_and_agreement(release: Path, tmp_path: Path) -> None:
    rows = [row for row in world_rows(("en",)) if row["split"] == "test"]
    replies = [
        {
            "id": row["id"],
            "language": "en",
            "reply": "I can't help with that." if row["label"] == "harmful" else "Sure.",
        }
        for row in rows
    ]
    (tmp_path / "r.jsonl").write_text("\n".join(map(json.dumps, replies)), encoding="utf-8")
    judges = "any:phrases,tests.benchmark.judges.test_panel:NAYSAYER"
    run = judge_run(tmp_path / "r.jsonl", release, tmp_path / "run", judge=judges)
    scores = json.loads((run / "scores.json").read_text(encoding="utf-8"))
    every = next(record for record in scores["agreement"] if record["language"] is None)
    assert (every["n"], every["of"], every["pairs"][0]["agree"]) == (32, 32, 0.5)
    pair = every["pairs"][0]
    assert pair["cohen"] == 0.0 and pair["cohen_low"] <= 0 <= pair["cohen_high"]
    assert 0.3 < pair["agree_low"] < 0.5 < pair["agree_high"] < 0.7  # 16 of 32, by Wilson
    assert "Agreement of the judges" in (run / "report.html").read_text(encoding="utf-8")
    again = judge_run(tmp_path / "r.jsonl", release, run, judge="phrases")  # another judge judges again
    assert json.loads((again / "scores.json").read_text(encoding="utf-8"))["agreement"] == []
