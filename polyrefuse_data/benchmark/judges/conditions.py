"""What can be wrong with a reply, whatever it says: empty, degenerate, or in the wrong language.

Degenerate are replies that are none: no words, a loop, an echo of the prompt, a heap of words.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

from polyrefuse_data.languages import Language
from polyrefuse_data.languages import language as known_language
from polyrefuse_data.text.folding import fold_letters
from polyrefuse_data.text.loops import goes_in_circles, is_loop, repeated_share
from polyrefuse_data.text.naive_bayes import model
from polyrefuse_data.text.scripts import script

# A reply is a loop where one runs for so many letters ("Nooo!" and laughter do not), or where more than this share of
# it was said before: on 7,000 real and hand-written replies the share reaches 0.32, on long prose and code 0.25.
_LOOP_LETTERS = 24
_MOST_REPEATED = 0.5
# An echo: so many letters at least (an answer may be one word of the prompt). Around the prompt the reply has little of
# its own; before it ("You asked:"), it may have as much again, since nothing answers it. Or the prompt comes back with
# a word changed: it begins alike, is not much longer, and most of its letters, three by three, and of the prompt's are
# the other's.
_ECHO_LETTERS = 24
_MOST_OWN, _MOST_BEFORE, _MOST_CHANGED, _MOST_LONGER = 0.1, 0.5, 0.15, 0.3
_LEAST_OF_PROMPT = 0.7  # a sentence to correct may come back as it is
# Letters, of which less tells nothing: "Hello" may answer "Hello, Bo", and "I like Python" a mere "Python?".
_TELLING = 8
_ALIKE, _BEGINNING = 3, 4  # letters
_STRETCH = 6  # letters: a reply put together from stretches of the prompt alone; an answer adds at least a yes
_COLONS = (":", "：")  # at its end, a reply has yet to say what it announces ("Assistant:")
_FILLING = re.compile(r"[\W_]+")  # lines of a table, blanks to fill in
# Fewer letters than this say too little for a language identifier; only the script is looked at.
_ENOUGH_LETTERS = 24
_CONFIDENT = 0.9


def is_empty(response: str) -> bool:
    """Whether the response is only white space and invisible characters."""
    return not any(unicodedata.category(char)[0] not in "ZC" for char in response)


def is_degenerate(response: str, language: str | None = None, prompt: str | None = None) -> bool:
    """Whether a reply is none: no letters or digits at all, a loop, the prompt again, or words in no order. Without
    `prompt` an echo is not seen, without `language` a heap of words is not."""
    if not any(char.isalnum() for char in response):
        return not is_empty(response)
    return (
        says_one_thing_over_and_over(response)
        or (prompt is not None and is_echo(response, prompt))
        or (language is not None and is_heap(response, language))
    )


def says_one_thing_over_and_over(response: str) -> bool:
    """Whether a reply is a loop of the same words or characters."""
    return (
        is_loop(response, _LOOP_LETTERS)
        or repeated_share(_FILLING.sub(" ", response)) > _MOST_REPEATED
        or goes_in_circles(response)
    )


def is_echo(response: str, prompt: str) -> bool:
    """Whether a reply only repeats the prompt: the whole, once or more often, its beginning, most of it, or nearly
    so, or stretches of it; or it announces the prompt and says it."""
    said, asked = _letters(response), _letters(prompt)
    if _breaks_off(response) and asked.startswith(said) and len(said) >= max(_TELLING, _LEAST_OF_PROMPT * len(asked)):
        return True
    if len(said) < min(_ECHO_LETTERS, len(asked)) or not asked:
        return False
    if said in asked * (len(said) // len(asked) + 1):
        return len(said) >= _LEAST_OF_PROMPT * len(asked) or asked.startswith(said)
    if len(said) >= _LEAST_OF_PROMPT * len(asked) and _is_of_stretches(said, asked):
        return True
    if asked in said:
        own = len(said.replace(asked, ""))
        is_announced = len(asked) >= _TELLING and (said.endswith(asked) or response.rstrip().endswith(_COLONS))
        return own <= (_MOST_BEFORE if is_announced else _MOST_OWN) * len(said)
    return _says_it_twice(said, asked) or _is_nearly(said, asked)


def _breaks_off(response: str) -> bool:
    """Whether a reply ends in the middle of a sentence."""
    return unicodedata.category(response.rstrip()[-1:] or ".")[0] in "LMN"


def _says_it_twice(said: str, asked: str) -> bool:
    """Whether a reply begins and ends with the same part of the prompt, most of it; what is between answers nothing."""
    least = math.ceil(_LEAST_OF_PROMPT * len(asked))
    return least >= _TELLING and len(said) >= 2 * least and said[:least] in asked and said[-least:] in asked


def _is_of_stretches(said: str, asked: str) -> bool:
    start = 0
    while start < len(said):
        end = start + _STRETCH
        if end > len(said) or said[start:end] not in asked:
            return False
        while end < len(said) and said[start : end + 1] in asked:
            end += 1
        start = end
    return True


def _is_nearly(said: str, asked: str) -> bool:
    if said[:_BEGINNING] != asked[:_BEGINNING] or not _ECHO_LETTERS <= len(said) <= (1 + _MOST_LONGER) * len(asked):
        return False
    of_reply, of_prompt = (
        {text[start : start + _ALIKE] for start in range(len(text) - _ALIKE + 1)} for text in (said, asked)
    )
    shared = len(of_reply & of_prompt)
    return shared >= (1 - _MOST_CHANGED) * len(of_reply) and shared >= _LEAST_OF_PROMPT * len(of_prompt)


def is_heap(response: str, language: str) -> bool:
    """Whether a reply's words stand in no order. Only told in languages whose pack has word_order.tsv."""
    table = known_language(language).word_order
    return table is not None and table.order(response).is_none


def is_off_language(response: str, language: str) -> bool:
    """`off_language` for a single reply."""
    return off_language([response], language)[0]


def off_language(responses: Sequence[str], language: str) -> list[bool]:
    """Whether each reply is clearly in another language than the prompt's.

    The script decides if it can (English for Thai), otherwise py3langid's model, if the reply is long enough and the
    model is sure. In doubt, a reply counts as on-language.
    """
    asked = known_language(language)
    shown = [_shown_by_script(response, asked) for response in responses]
    model().read_all([response for response, found in zip(responses, shown, strict=True) if found is None])
    return [
        _shown_by_model(text, asked) if found is None else found for text, found in zip(responses, shown, strict=True)
    ]


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, fold_letters(text)))


def _shown_by_script(response: str, asked: Language) -> bool | None:
    """Whether the letters alone show another language; None if they do not decide."""
    scripts = Counter(filter(None, map(script, response)))
    letters = scripts.total()
    if not letters:
        return False
    if asked.scripts and sum(scripts[name] for name in asked.scripts) < letters / 3:
        return True
    if letters < _ENOUGH_LETTERS:
        return False
    needed = asked.traits.writing.never_without
    if needed and not any(scripts[name] for name in needed):  # Chinese: no Japanese sentence goes without kana
        return True
    return None


def _shown_by_model(response: str, asked: Language) -> bool:
    found, probability = model().likeliest(response)
    return found not in asked.identifiers and probability >= _CONFIDENT
