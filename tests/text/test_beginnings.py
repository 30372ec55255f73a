"""Where matches may begin is told from the pattern alone, and never misses one."""

from __future__ import annotations

import re
from itertools import product

import pytest

from polyrefuse_data.languages import LANGUAGES
from polyrefuse_data.languages.replies import Replies
from polyrefuse_data.text.beginnings import Beginnings, beginnings, few, first_of

TEXTS = [
    "i'm sorry, but as an ai i cannot help you with that. we can't. is it (unable)?",
    "es tut mir leid, dabei kann ich ihnen nicht helfen: ich darf das nicht",
    "죄송하지만 도와드릴 수 없습니다. 저는 ai라서 답변할 수 없어요",
    "对不起，我不能提供这样的帮助。作为一个人工智能助手，我无法回答",
    "xi cannot _i cannot (i cannot \n i can",
]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("cannot", {"cann"}),
        (r"\b(?:i|we) can", {"i ca", "we c"}),
        ("(?:very )?sorry", {"very", "sorr"}),
        (r"(?:\w+ )?sorry", {"", "sorr"}),
        ("a?b+c", {"abc", "abbc", "abbb", "bc", "bbc", "bbbc", "bbbb"}),
        ("(?:ab){2,}", {"abab"}),
        ("[ab]c|d.", {"ac", "bc", "d"}),
        ("(?!not)no(?=w)", {"no"}),
        ("(?>ha){1,3}!", {"ha!", "haha"}),
        (r"(x)\1", {"x"}),
        ("", {""}),
    ],
)
def test_beginnings_of_a_pattern(pattern: str, expected: set[str]) -> None:
    assert beginnings(pattern) == expected


@pytest.mark.parametrize("lead", ["", "but ", r"(?:but|so)?\W*", "(?:o )?", r"(?<!\w)"])
def test_a_lead_is_read_as_a_part_of_the_pattern(lead: str) -> None:
    assert beginnings("(?:i can|no)", lead) == beginnings(f"{lead}(?:i can|no)")


@pytest.mark.parametrize("code", LANGUAGES)
def test_no_match_of_a_packs_tables_begins_where_none_is_looked_for(code: str) -> None:
    replies = LANGUAGES[code].replies
    assert isinstance(replies, Replies)
    for openings in (replies.refuses, replies.declines, replies.answers, replies.cannot_openings):
        for text in TEXTS:
            every = [place for place in range(len(text)) if openings.expression.match(text, place)]
            found = Beginnings([row.pattern for row in openings.rows], at_words=False).places(text, len(text))
            assert set(every) <= set(found)
            if openings is not replies.cannot_openings:  # which are only ever found
                assert all(openings.first_look.match(text, place) for place in every)
                assert all(any(openings.at(text, place)) for place in every)


@pytest.mark.parametrize("code", LANGUAGES)
def test_found_are_the_leftmost_matches_that_do_not_overlap(code: str) -> None:
    replies = LANGUAGES[code].replies
    assert isinstance(replies, Replies)
    for openings in (replies.declines, replies.cannot_openings):
        for text in TEXTS:
            expected = [match.span() for match in openings.expression.finditer(text) if match.start() < 30]
            assert [match.span() for match in openings.find(text, 30)] == expected


def test_of_many_beginnings_fewer_characters_are_told_apart() -> None:
    every = frozenset("".join(letters) for letters in product("abcdef", repeat=4))
    assert few(every) == frozenset("".join(letters) for letters in product("abcdef", repeat=3))
    assert few(frozenset({"abcd", "x"})) == {"abcd", "x"}


@pytest.mark.parametrize("starts", [{"ab", "ac", "b", "x.y"}, {"a", ""}, set()])
def test_one_expression_stands_for_the_first_character_of_all(starts: set[str]) -> None:
    expression = re.compile(first_of(starts))
    for text in ("ab", "ad", "b", "x.y", "xay", "q"):
        found = expression.match(text)
        assert (found is not None) == text.startswith(tuple(starts))
        assert found is None or found.end() == 1


def test_only_beginnings_of_words_are_looked_at_where_patterns_ask_for_them() -> None:
    some = Beginnings([r"\bi can", r"\bwe"], at_words=True)
    assert list(some.places("i can, xi can; (we", 99)) == [0, 16]
    assert list(some.places("i can, we can", 7)) == [0]
    assert list(Beginnings(["(?:.)x"], at_words=True).places("ab", 2)) == [0, 1]


def test_a_pattern_is_tried_as_it_is() -> None:
    text = "as for me, i cannot help"
    (place,) = Beginnings([r"(?<!\w)i cannot"], at_words=True).places(text, len(text))
    assert re.compile("i cannot").match(text, place)
