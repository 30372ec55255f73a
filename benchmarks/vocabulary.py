"""What `vocabulary = "language"` keeps of a vocabulary, and whether the trimmed model says what the full one does.

    python benchmarks/vocabulary.py [--model bundled:demo-translator] [--runtime ctranslate2] [--texts 40]

Texts go from English into 13 languages and back: the demo's seed prompts, which the bundled model has learnt, and made
ones that it has not: half of one prompt and half of another, every fifth with a name in another script. Counted are
the texts that go to the full model because a token of theirs was trimmed; of the others, those that both models answer
with the same tokens, those where the full model takes a token that neither language uses (both say the same up to
there), and those that differ otherwise (of which there must be none). Answers that differ are shown.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from polyrefuse_data.config import NllbBackend
from polyrefuse_data.demo.seeds import seed_prompts, seed_texts
from polyrefuse_data.languages import SOURCE_LANGUAGE, TARGET_LANGUAGES, language
from polyrefuse_data.translation.base import Pair, Request
from polyrefuse_data.translation.nllb import NllbTranslator, open_nllb
from polyrefuse_data.translation.trimming import Kept, Trimming

GUESTS = ("Москва", "北京", "Ελλάδα", "Dvořák", "สยาม")
OUTCOMES = TO_FULL, SAME, LEFT, OTHER = "to the full model", "same tokens", "full leaves the languages", "OTHER"
MAX_NEW_TOKENS = 64


def seeds(code: str, count: int) -> list[str]:
    prompts = [seed_texts(code).prompts[prompt.key] for prompt in seed_prompts()]
    return prompts[:: max(len(prompts) // count, 1)][:count]


def made(code: str, count: int) -> list[str]:
    prompts = [seed_texts(code).prompts[prompt.key] for prompt in seed_prompts()]
    pairs = zip(prompts, prompts[7:] + prompts[:7], strict=True)
    halves = [first[: len(first) // 2] + second[len(second) // 2 :] for first, second in pairs][:count]
    return [f"{text} {GUESTS[number // 5 % 5]}" if number % 5 == 0 else text for number, text in enumerate(halves)]


class Compared(NamedTuple):
    """What became of a text, and both models' answers to it."""

    outcome: str
    full: str = ""
    trimmed: str = ""


def compare(translator: NllbTranslator, trimming: Trimming, requests: Sequence[Request]) -> list[Compared]:
    """Each request's; all are of one pair of languages."""
    kept = trimming.kept(Pair(requests[0].source, requests[0].target))
    sources = translator.checkpoint.encode(requests)
    asked = [index for index, ids in enumerate(sources) if kept.holds(ids)]
    full, trimmed = (_answers(translator, requests, sources, asked, tokens) for tokens in (None, kept))
    compared = [Compared(TO_FULL)] * len(requests)
    decode = translator.checkpoint.decode
    for index, one, other in zip(asked, full, trimmed, strict=True):
        compared[index] = Compared(_outcome(one, other, kept), decode(one), decode(other))
    return compared


def _answers(
    translator: NllbTranslator,
    requests: Sequence[Request],
    sources: Sequence[Sequence[int]],
    asked: Sequence[int],
    kept: Kept | None,
) -> list[list[int]]:
    """Tokens up to the end; none for a text that does not end."""
    if not asked:
        return []
    targets = [translator.checkpoint.language_token(requests[index].target) for index in asked]
    rows = translator.runtime.generate([sources[index] for index in asked], targets, 1, 1, MAX_NEW_TOKENS, kept)
    return [row[0] or [] for row in rows]


def _outcome(full: list[int], trimmed: list[int], kept: Kept) -> str:
    if full == trimmed:
        return SAME
    here = next((place for place, token in enumerate(full) if not kept.holds([token])), None)
    return LEFT if here is not None and (not trimmed or full[:here] == trimmed[:here]) else OTHER


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="bundled:demo-translator")
    parser.add_argument("--runtime", choices=["ctranslate2", "transformers"], default="ctranslate2")
    parser.add_argument("--dtype", default="auto")
    parser.add_argument("--texts", type=int, default=40, help="of each kind, language and direction")
    options = parser.parse_args()
    translator = open_nllb(NllbBackend(model=options.model, runtime=options.runtime, dtype=options.dtype))
    trimming = Trimming(translator.checkpoint.vocabulary, translator.checkpoint.size)
    english, total = language(SOURCE_LANGUAGE), {kind.__name__: Counter[str]() for kind in (seeds, made)}
    print(f"{translator.name}: {trimming.size} tokens")
    for code in TARGET_LANGUAGES:
        other = language(code)
        found, differences = {}, []
        for kind in (seeds, made):
            there = [Request(text, english, other) for text in kind(SOURCE_LANGUAGE, options.texts)]
            back = [Request(text, other, english) for text in kind(code, options.texts)]
            both = compare(translator, trimming, there) + compare(translator, trimming, back)
            found[kind.__name__] = Counter(text.outcome for text in both)
            differences += [text for text in both if text.outcome in (LEFT, OTHER)]
            total[kind.__name__] += found[kind.__name__]
        size = len(trimming.kept(Pair(english, other)).ids)
        print(f"{code}: {size} tokens ({size / trimming.size:.0%});", _shown(found))
        for outcome, full, trimmed in differences:
            print(f"    {outcome}:\n        full:    {full}\n        trimmed: {trimmed}")
    print("all:", _shown(total))
    translator.close()
    sys.exit(any(counts[OTHER] for counts in total.values()))


def _shown(found: dict[str, Counter[str]]) -> str:
    return "; ".join(
        f"{kind}: " + ", ".join(f"{counts[outcome]} {outcome}" for outcome in OUTCOMES if counts[outcome])
        for kind, counts in found.items()
    )


if __name__ == "__main__":
    main()
