"""Language identifiers, by the name that `quality.identifier` gives: py3langid, langdetect, lingua or fasttext:PATH.

Each gives every language it knows, and for a text the likeliest one and the probability of those that are wanted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from polyrefuse_data.errors import ConfigError, MissingPrerequisite
from polyrefuse_data.languages import find_language, language_packs, nllb_languages
from polyrefuse_data.system.extras import not_installed
from polyrefuse_data.system.input_files import reason, regular_file

DEFAULT = "py3langid"

Ranking = list[tuple[str, float]]

_FASTTEXT_RANKS = 10  # languages of a ranking; the probability beyond them is next to nothing


@dataclass(frozen=True)
class Identifier:
    """`labels` are ISO 639 codes, two letters where there are two. `probability` is a pure function of a text and the
    codes that are wanted: (likeliest language, p that the language is one of them). `read_ahead` takes texts that will
    be asked about, where many at once are read faster."""

    name: str
    labels: frozenset[str]
    probability: Callable[[str, frozenset[str]], tuple[str, float]]
    read_ahead: Callable[[Sequence[str]], object] = lambda texts: None


def _ranking(name: str, labels: frozenset[str], rank: Callable[[str], Ranking]) -> Identifier:
    """An identifier that ranks the languages of a text, the likeliest first."""

    def probability(text: str, wanted: frozenset[str]) -> tuple[str, float]:
        ranking = rank(text)
        return ranking[0][0], sum(p for code, p in ranking if code in wanted)

    return Identifier(name, labels, probability)


def _py3langid() -> Identifier:
    from polyrefuse_data.text.naive_bayes import model

    known = model()
    return Identifier(identifier_name(DEFAULT), frozenset(known.labels), known.probability, known.read_all)


def _langdetect() -> Identifier:
    from langdetect.detector_factory import PROFILES_DIRECTORY, DetectorFactory
    from langdetect.lang_detect_exception import LangDetectException

    factory = DetectorFactory()
    factory.load_profile(PROFILES_DIRECTORY)
    factory.seed = 0  # unseeded, two runs disagree; each worker process builds its own factory

    def rank(text: str) -> Ranking:
        detector = factory.create()
        detector.append(text)
        try:
            return [(found.lang, found.prob) for found in detector.get_probabilities()]
        except LangDetectException:  # nothing to go by: digits, punctuation
            return [("und", 0.0)]

    return _ranking(f"langdetect-{version('langdetect')}|seed 0", frozenset(factory.get_lang_list()), rank)


def _lingua() -> Identifier:
    try:
        from lingua import LanguageDetectorBuilder
    except ImportError:
        raise not_installed('quality.identifier = "lingua"', "lingua-language-detector") from None
    detector = LanguageDetectorBuilder.from_all_languages().build()

    def rank(text: str) -> Ranking:
        values = detector.compute_language_confidence_values(text)
        return [(found.language.iso_code_639_1.name.lower(), found.value) for found in values]

    labels = frozenset(
        found.language.iso_code_639_1.name.lower() for found in detector.compute_language_confidence_values("a")
    )
    return _ranking(f"lingua-{version('lingua-language-detector')}", labels, rank)


def _fasttext(path: str) -> Identifier:
    """Any fastText model whose labels are `__label__xxx` or `__label__xxx_Script` (lid.176, GlotLID)."""
    try:
        import fasttext
    except ImportError:
        raise not_installed('quality.identifier = "fasttext:PATH"', "fasttext-wheel") from None
    try:
        model: Any = fasttext.load_model(str(regular_file(Path(path))))
    except (OSError, ValueError) as error:
        raise MissingPrerequisite(
            f"{path} is no fastText model ({reason(error)}): download one, e.g. GlotLID's model.bin, and name its path"
        ) from error

    def rank(text: str) -> Ranking:
        # The binding below `predict`, which fails with numpy 2 in most builds.
        found = model.f.predict(f"{' '.join(text.split())}\n", _FASTTEXT_RANKS, 0.0, "strict")
        return [(_code(label), p) for p, label in found] or [("und", 0.0)]

    return _ranking(f"fasttext {path.rsplit('/', 1)[-1]}", frozenset(map(_code, model.get_labels())), rank)


def _code(label: str) -> str:
    """`__label__deu_Latn` -> `de`: our code where it has one for this three-letter code."""
    code = label.removeprefix("__label__").split("_")[0]
    return _two_letters().get(code, code)


@cache
def _two_letters() -> dict[str, str]:
    table = {known.flores.split("_")[0]: known.code for known in nllb_languages().values() if len(known.code) == 2}
    aliases = {alias: known.code for known in language_packs().values() for alias in known.aliases}
    return {**{alias: code for alias, code in aliases.items() if find_language(alias) is None}, **table}


_BUILDERS: dict[str, Callable[[], Identifier]] = {DEFAULT: _py3langid, "langdetect": _langdetect, "lingua": _lingua}


def identifier_name(name: str) -> str:
    """The name that an identifier has in signatures; the default one's without loading its model."""
    from polyrefuse_data.text.naive_bayes import model_name

    return f"{model_name()}|open set|nfc" if name == DEFAULT else identifier(name).name


@lru_cache(maxsize=4)
def identifier(name: str) -> Identifier:
    """The identifier of a name, built once a process.

    Raises ConfigError for a name that is none, MissingPrerequisite where its package or model is missing.
    """
    kind, _, path = name.partition(":")
    if kind == "fasttext" and path:
        return _fasttext(path)
    if name not in _BUILDERS:
        raise ConfigError(f"quality.identifier: {name!r} is none of {', '.join(_BUILDERS)}, fasttext:PATH")
    return _BUILDERS[name]()
