"""Learn the bundled lexicons from aligned prompts:

    polyrefuse import PolyRefuse --out ws
    python -m polyrefuse_data.languages.lexicon.train ws [--cross-validate] [--languages de,yo]

The pairs are the accepted rows of the workspace, the bundled seed prompts with their phrases, and words.jsonl of the
pack (Chinese, of which few published rows are aligned). IBM Model 1 (Brown et al. 1993) over stems gives
translation probabilities; a unit becomes a translation of a stem where it is several times likelier beside it than by
chance. stems.tsv of the English pack counts the English prompts that hold each stem.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from polyrefuse_data.languages import LANGUAGES, SOURCE_LANGUAGE, Language, language
from polyrefuse_data.languages.lexicon.model import STEMS, SUPPORT_RANGES, LengthModel, Lexicon, support_range
from polyrefuse_data.languages.lexicon.units import english_stems, target_units
from polyrefuse_data.rows import usable
from polyrefuse_data.system.input_files import read_input_text
from polyrefuse_data.text.invisible import visible
from polyrefuse_data.workspace import Workspace

Pairs = Sequence[tuple[str, str]]  # (English, text)

_SEEDS = Path(__file__).parents[2] / "demo" / "seeds"

_ITERATIONS = 5
_NOTHING = ""  # the empty word of Model 1: what a unit comes from that no stem explains
_LEAST_PROBABILITY, _LEAST_LIFT, _MOST_TRANSLATIONS = 0.04, 5.0, 8
_FOLDS = 4
_SHORTEST_SENTENCE = 20  # characters; words and phrases say nothing about the length of a prompt
# Before any pair was counted: one hit and one miss, so that a range of support nobody saw says little.
_PRIOR = 1.0


def learn(pairs: Pairs, language: Language) -> Lexicon:
    """Learn a lexicon, with hit rates measured by cross-validation within `pairs`."""
    whole = _learn(pairs, language)
    hits = np.zeros((2, len(SUPPORT_RANGES) + 1, 2))
    for seen, unseen in _folds(pairs):
        part = _learn(seen, language)
        sources: dict[str, set[str]] = defaultdict(set)
        for stem, translations in part.translations.items():
            for unit in translations:
                sources[unit].add(stem)
        for english, text in unseen:
            stems, units = english_stems(english), target_units(text, language)
            for stem in stems & part.translations.keys():
                hit = not part.translations[stem].isdisjoint(units)
                hits[0, support_range(part.stem_support[stem]), int(hit)] += 1
            for unit in units & sources.keys():
                hit = not sources[unit].isdisjoint(stems)
                hits[1, support_range(part.unit_support[unit]), int(hit)] += 1
    rates = (hits[:, :, 1] + _PRIOR) / (hits.sum(axis=2) + 2 * _PRIOR)
    return replace(whole, stem_rates=tuple(rates[0].tolist()), unit_rates=tuple(rates[1].tolist()))


def _learn(pairs: Pairs, language: Language) -> Lexicon:
    sentences = [(sorted(english_stems(e)), sorted(target_units(t, language))) for e, t in pairs]
    stem_support = Counter(stem for stems, _ in sentences for stem in stems)
    unit_support = Counter(unit for _, units in sentences for unit in units)
    total = unit_support.total()
    candidates: dict[str, list[tuple[float, str]]] = defaultdict(list)
    for (stem, unit), probability in model_one(sentences).items():
        lift = probability / (unit_support[unit] / total)
        if stem != _NOTHING and probability >= _LEAST_PROBABILITY and lift > _LEAST_LIFT:
            candidates[stem].append((-probability, unit))
    neutral = (0.5,) * (len(SUPPORT_RANGES) + 1)
    return Lexicon(
        language=language,
        pairs=len(pairs),
        translations={
            stem: frozenset(unit for _, unit in sorted(found)[:_MOST_TRANSLATIONS])
            for stem, found in candidates.items()
        },
        stem_support=stem_support,
        unit_support=unit_support,
        stem_rates=neutral,
        unit_rates=neutral,
        lengths=_length_model(pairs),
    )


def model_one(sentences: Sequence[tuple[Sequence[str], Sequence[str]]]) -> dict[tuple[str, str], float]:
    """t(unit | stem) of IBM Model 1 by expectation maximisation, smoothed by one unseen count per stem.

    Every unit of every sentence meets each of its stems: so many entries are held, and each step adds them up in order.
    """
    stems, units = _Numbers(), _Numbers()
    meetings = [
        (np.array([*map(stems.__getitem__, some), stems[_NOTHING]]), np.array([*map(units.__getitem__, others)]))
        for some, others in sentences
        if others
    ]
    if not meetings:
        return {}
    stem = np.concatenate([np.tile(some, len(others)) for some, others in meetings])
    unit = np.concatenate([np.repeat(others, len(some)) for some, others in meetings])
    sizes = np.concatenate([np.full(len(others), len(some)) for some, others in meetings])
    asked = np.repeat(np.arange(len(sizes)), sizes)  # which unit of which sentence
    keys, pair = np.unique(stem * len(units) + unit, return_inverse=True)
    of_stem = keys // len(units)
    table = np.ones(len(keys))
    for _ in range(_ITERATIONS):
        weights = table[pair]
        sums = np.bincount(asked, weights)
        shares = weights * (1.0 / np.where(sums == 0, 1.0, sums))[asked]
        table = np.bincount(pair, shares) / (np.bincount(stem, shares) + 1.0)[of_stem]
    names = zip(map(list(stems).__getitem__, of_stem), map(list(units).__getitem__, keys % len(units)), strict=True)
    return dict(zip(names, table.tolist(), strict=True))


class _Numbers(dict[str, int]):
    """Gives each word the next number when it is first asked for."""

    def __missing__(self, word: str) -> int:
        self[word] = len(self)
        return self[word]


def _length_model(pairs: Pairs) -> LengthModel:
    sentences = [(e, t) for e, t in pairs if len(e) >= _SHORTEST_SENTENCE and t]
    english = np.log([len(e) for e, _ in sentences])
    own = np.log([len(t) for _, t in sentences])
    shifted = np.roll(own, 1) - english
    return LengthModel(float((own - english).mean()), float((own - english).std()), float(shifted.std()))


def _folds(pairs: Pairs) -> Iterable[tuple[Pairs, Pairs]]:
    """Fixed folds of the pairs: (to learn from, to measure on)."""
    mixed = sorted(pairs)
    random.Random(0).shuffle(mixed)
    for fold in range(_FOLDS):
        unseen = mixed[fold::_FOLDS]
        yield [pair for place, pair in enumerate(mixed) if place % _FOLDS != fold], unseen


def cross_validate(pairs: Pairs, language: Language) -> tuple[np.ndarray, np.ndarray]:
    """Log-odds of unseen true pairs, and of unseen pairs whose texts were swapped."""
    true, swapped = [], []
    for seen, unseen in _folds(pairs):
        lexicon = learn(seen, language)
        unseen = [pair for pair in unseen if len(pair[0]) >= _SHORTEST_SENTENCE]
        texts = [text for _, text in unseen]
        for place, (english, text) in enumerate(unseen):
            true.append(lexicon.log_odds(text, english))
            swapped += [lexicon.log_odds(texts[(place + step) % len(texts)], english) for step in (1, 17, 41)]
    return np.array(true), np.array(swapped)


def aligned_pairs(workspace: Path) -> dict[str, list[tuple[str, str]]]:
    """Language -> (English, text) of all training data, without duplicates, sorted."""
    found: dict[str, set[tuple[str, str]]] = defaultdict(set)
    table = Workspace(workspace).read_rows()
    for row in table.filter(usable(table)).select(["language", "text_en", "text"]).to_pylist():
        if row["language"] != SOURCE_LANGUAGE and row["text_en"]:
            found[row["language"]].add((visible(row["text_en"]), visible(row["text"])))
    seeds = {path.stem: json.loads(read_input_text(path)) for path in sorted(_SEEDS.glob("??.json"))}
    for code in seeds.keys() - {SOURCE_LANGUAGE}:
        for section in ("prompts", "phrases"):
            english = seeds[SOURCE_LANGUAGE][section]
            found[code].update((english[key], visible(text)) for key, text in seeds[code][section].items())
    for code, known in LANGUAGES.items():
        if known.pack and (path := known.pack / "words.jsonl").exists():
            rows = map(json.loads, read_input_text(path).splitlines())
            found[code].update((row["text_en"], visible(row["text"])) for row in rows)
    return {code: sorted(pairs) for code, pairs in sorted(found.items())}


def stem_counts(pairs: dict[str, list[tuple[str, str]]]) -> str:
    """How many different English prompts contain each stem; the first line counts the prompts."""
    prompts = {english for some in pairs.values() for english, _ in some if len(english) >= _SHORTEST_SENTENCE}
    counts = Counter(stem for prompt in prompts for stem in english_stems(prompt))
    return "\n".join([str(len(prompts)), *(f"{stem}\t{count}" for stem, count in sorted(counts.items()))]) + "\n"


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the lexicons, or print what they lose and catch on unseen pairs."""
    parser = argparse.ArgumentParser(description="Learn the bundled lexicons from aligned prompts.")
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--languages", default="", help="comma-separated; default: all")
    parser.add_argument("--cross-validate", action="store_true")
    options = parser.parse_args(arguments)
    pairs = aligned_pairs(options.workspace)
    if not options.cross_validate and not options.languages:
        STEMS.write_text(stem_counts(pairs), encoding="utf-8")
    for code in options.languages.split(",") if options.languages else sorted(pairs):
        known = language(code)
        if options.cross_validate:
            true, swapped = cross_validate(pairs[code], known)
            for bound in range(-2, -9, -1):
                lost, caught = (true < bound).mean(), (swapped < bound).mean()
                print(f"{code}\tat least {bound}\tgood pairs lost {lost:.4f}\tswapped caught {caught:.4f}", flush=True)
        else:
            lexicon = learn(pairs[code], known)
            (LANGUAGES[code].pack or Path()).joinpath("lexicon.tsv").write_text(lexicon.to_tsv(), encoding="utf-8")
            print(f"{code}: {len(pairs[code])} pairs, {len(lexicon.translations)} stems", file=sys.stderr)


if __name__ == "__main__":
    main()
