from __future__ import annotations

from polyrefuse_data.demo.seeds import seed_prompts, seed_texts
from polyrefuse_data.languages.lexicon import lexicon_for
from polyrefuse_data.sources.matching import EnglishList, Match, match_by_position
from polyrefuse_data.sources.prompts import Prompt

ENGLISH = list(seed_texts("en").prompts.values())
GERMAN = list(seed_texts("de").prompts.values())


def prompt(text: str, category: str | None = None) -> Prompt:
    return {
        "id": f"a-{text}", "label": "harmful", "split": "train", "text": text,
        "category": category, "source": "a", "license": "MIT",
    }  # fmt: skip


def english(where: str, texts: list[str]) -> EnglishList:
    return EnglishList(where, tuple(map(prompt, texts)))


def matched(texts: list[str], *lists: EnglishList) -> Match:
    return match_by_position(texts, [None] * len(texts), lists, lexicon_for("de"))


def asked(match: Match) -> list[str | None]:
    return [prompt and prompt["text"] for prompt in match.prompts]


def test_of_lists_that_fit_the_one_with_most_proven_rows_is_taken() -> None:
    lists = [english("other", ENGLISH[60:100]), english("turned", ENGLISH[1:41]), english("own", ENGLISH[:40])]
    match = matched(GERMAN[:40], *lists)
    assert asked(match) == ENGLISH[:40]
    assert (match.how, match.proven) == ("parallel with own", 40)


def test_a_list_of_another_length_counts_for_the_rows_that_it_proves() -> None:
    match = matched(GERMAN[:40], english("longer", ENGLISH))
    assert asked(match) == ENGLISH[:40]
    assert match.how == "parallel with longer"
    fewer = matched([*GERMAN[:20], *GERMAN[21:40]], english("own", ENGLISH[:40]))
    assert asked(fewer)[:19] == ENGLISH[:19]
    assert asked(fewer)[20:] == [None] * 19
    none = matched(GERMAN[40:70], english("other", ENGLISH[:40]))
    assert (asked(none), none.how) == ([None] * 30, "no English file with 30 rows; name its folder with --english")


def test_a_list_of_other_prompts_is_named_with_what_speaks_against_it() -> None:
    match = matched(GERMAN[40:80], english("other", ENGLISH[:40]))
    assert asked(match) == [None] * 40
    assert match.how.startswith("not parallel with other: rows 1-40 fit no run of the list")


def test_rows_of_another_category_have_no_english() -> None:
    categories = [prompt.category for prompt in seed_prompts()]
    lists = [EnglishList("own", tuple(map(prompt, ENGLISH, categories)))]
    changed: list[str | None] = ["elsewhere" if place < 5 else category for place, category in enumerate(categories)]
    match = match_by_position(GERMAN, changed, lists, lexicon_for("de"))
    assert asked(match) == [None] * 5 + ENGLISH[5:]
    assert match.how.endswith("; categories differ in 5 rows")
