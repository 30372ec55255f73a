"""The chain: who is asked when, which text wins, and what is kept of each try."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from polyrefuse_data.languages import language
from polyrefuse_data.translation import Failure, Request, Result, Translation
from polyrefuse_data.translation.chain import Candidate, Outcome, Step, Verdict, propose, settle

EN, DE = language("en"), language("de")


@dataclass
class Fake:
    name: str
    table: dict[str, Result]
    asked: list[str] = field(default_factory=list)


def run(texts: str, *steps: Fake, back: Sequence[Fake] = ()) -> list[Outcome]:
    """Run the chain; a text is accepted where it ends in "!", and the longer one is the better of the rejected."""

    def translate(translator: Fake, requests: Sequence[Request]) -> list[Result]:
        translator.asked += [request.text for request in requests]
        return [translator.table[request.text] for request in requests]

    def judge(candidates: Sequence[tuple[int, Candidate]]) -> list[Verdict]:
        assert len({row for row, _ in candidates}) == len(candidates)  # never two of one row at once
        return [
            Verdict("accepted", True, (), (0.0,))
            if candidate.text.endswith("!")
            else Verdict("rejected", False, ("quiet",), (float(len(candidate.text)),))
            for _, candidate in candidates
        ]

    requests = [Request(text, EN, DE) for text in texts]
    outcomes = [Outcome() for _ in requests]
    for step in steps:
        settle(outcomes, propose(outcomes, requests, Step(step), list(map(Step, back)), translate), judge)  # type: ignore[arg-type]
    return outcomes


def tries(outcome: Outcome) -> list[tuple[int, str, str, tuple[str, ...]]]:
    return [(attempt.number, attempt.translator, attempt.outcome, attempt.reasons) for attempt in outcome.attempts]


def test_row_goes_on_until_a_text_is_accepted() -> None:
    first = Fake("api", {"a": Translation("A!"), "b": Translation("B"), "c": Failure("refused", "no")})
    second = Fake("nllb", {"b": Translation("BB!"), "c": Translation("C!")})
    a, b, c = run("abc", first, second)
    assert second.asked == ["b", "c"]
    assert [outcome.chosen.text for outcome in (a, b, c) if outcome.chosen] == ["A!", "BB!", "C!"]
    assert [outcome.chosen.attempt for outcome in (a, b, c) if outcome.chosen] == [1, 2, 2]
    assert tries(b) == [(1, "api", "rejected", ("quiet",)), (2, "nllb", "accepted", ())]
    assert tries(c) == [(1, "api", "failed", ("refused",)), (2, "nllb", "accepted", ())]
    assert c.attempts[0].detail == "no"


def test_where_all_are_rejected_the_best_is_kept_with_its_own_try() -> None:
    outcome = run("a", Fake("x", {"a": Translation("longest")}), Fake("y", {"a": Translation("mid")}))[0]
    assert outcome.chosen == Candidate("longest", "machine", "x", 1)
    assert len(outcome.attempts) == 2


def test_best_of_several_candidates_wins() -> None:
    several = Fake("x", {"a": Translation("1", alternatives=("22", "3!", "4!")), "b": Translation("1")})
    a, b = run("ab", several)
    assert a.chosen
    assert a.chosen.text == "3!"  # the first of two accepted
    assert b.chosen
    assert b.chosen.text == "1"
    assert tries(a) == [(1, "x", "accepted", ())]


def test_where_all_fail_nothing_is_chosen_and_every_reason_is_kept() -> None:
    outcome = run("a", Fake("x", {"a": Failure("refused")}), Fake("y", {"a": Failure("truncated")}))[0]
    assert outcome.chosen is None
    assert tries(outcome) == [(1, "x", "failed", ("refused",)), (2, "y", "failed", ("truncated",))]


def test_memory_without_a_match_is_no_try() -> None:
    memory = Fake("memory", {"a": Failure("no_match"), "b": Translation("B!", origin="human")})
    a, b = run("ab", memory, Fake("x", {"a": Translation("A!")}))
    assert a.chosen
    assert a.chosen.attempt == 1
    assert tries(a) == [(1, "x", "accepted", ())]
    assert b.chosen
    assert b.chosen.origin == "human"


def test_every_candidate_is_translated_back_and_a_failed_one_is_null() -> None:
    forward = Fake("x", {"a": Translation("A", alternatives=("B!",)), "b": Translation("C!")})
    back = Fake("back", {"A": Translation("a1"), "B!": Translation("a2"), "C!": Failure("timeout")})
    a, b = run("ab", forward, back=[back])
    assert back.asked == ["A", "B!", "C!"]
    assert a.chosen == Candidate("B!", "machine", "x", 1, "a2", "back")
    assert b.chosen == Candidate("C!", "machine", "x", 1, None, "back", ("timeout",))  # who was asked is known


def test_next_backend_translates_back_what_the_first_refuses() -> None:
    forward = Fake("x", {"a": Translation("A!"), "b": Translation("B!")})
    refusing = Fake("api", {"A!": Failure("refused"), "B!": Translation("b")})
    willing = Fake("nllb", {"A!": Translation("a")})
    a, b = run("ab", forward, back=[refusing, willing])
    assert willing.asked == ["A!"]
    assert [(o.chosen.back_translation, o.chosen.back_translator) for o in (a, b) if o.chosen] == [
        ("a", "nllb"),
        ("b", "api"),
    ]


def test_a_try_tells_what_all_of_it_took_and_why_nobody_translated_it_back() -> None:
    forward = Fake("x", {"a": Translation("A", alternatives=("B!",), usage={"input_tokens": 100, "cost_usd": 0.5})})
    refusing = Fake("y", {text: Failure("refused", usage={"input_tokens": 10}) for text in ("A", "B!")})
    slow = Fake("z", {"A": Translation("a"), "B!": Failure("timeout", ask_again=True, usage={"output_tokens": 1})})
    outcome = run("a", forward, back=[refusing, slow])[0]
    attempt = outcome.attempts[0]
    assert attempt.usage == {
        "input_tokens": 120,
        "output_tokens": 1,
        "cost_usd": 0.5,
    }  # of both candidates
    assert attempt.back_reasons == ("refused", "timeout")  # of the candidate that won
    assert outcome.ask_again


def test_what_nobody_sees_is_taken_out_before_a_text_is_translated_back_and_judged() -> None:
    given = Translation("Hal\u200blo\ufeff!", alternatives=("Hallo!",))
    step, back = Fake("nllb", {"a": given}), Fake("back", {"Hallo!": Translation("hello")})
    (outcome,) = run("a", step, back=[back])
    assert outcome.chosen is not None
    assert (outcome.chosen.text, outcome.chosen.normalised) == ("Hallo!", True)
    assert set(back.asked) == {"Hallo!"}
    (clean,) = run("a", Fake("nllb", {"a": Translation("Hallo!")}))
    assert clean.chosen is not None
    assert not clean.chosen.normalised


def test_what_a_model_wrapped_a_text_in_comes_off_and_is_noted() -> None:
    first = Fake("api", {"a": Translation("&quot;Hallo!&quot;", notes=("fence",)), "b": Translation('"Hallo!')})
    back = Fake("back", {"Hallo!": Translation("a"), '"Hallo!': Translation("b")})
    wrapped, lone = run("ab", first, back=[back])
    assert back.asked == ["Hallo!", '"Hallo!']  # it is translated back as the row will say it
    assert (wrapped.chosen.text, wrapped.chosen.normalised) == ("Hallo!", True)
    assert wrapped.attempts[0].notes == ("fence", "entities", "quotes")
    assert (lone.chosen.text, lone.attempts[0].notes) == ('"Hallo!', ())
