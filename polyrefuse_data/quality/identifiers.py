"""Language identifiers, by their name in `quality.identifier`: py3langid, langdetect, lingua or fasttext:PATH.

Each lists the languages it knows, and gives for a text the most probable language and the probability of the wanted
ones.
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

Ranking = list[tuple[str, float]]

_FASTTEXT_RANKS = 10  # languages of a ranking; the probability beyond them is next to nothing


@dataclass(frozen=True)
class Identifier:
    """A language identifier.

    `labels` are ISO 639 codes, with two letters if there are any. `probability` is a pure function of a text and the
    wanted codes: (most probable language, probability that it is one of them). `read_ahead` takes texts that will be
    asked about, because many at once are read faster.
    """

    name: str
    labels: frozenset[str]
    probability: Callable[[str, frozenset[str]], tuple[str, float]]
    read_ahead: Callable[[Sequence[str]], object] = lambda texts: None


def _ranking(name: str, labels: frozenset[str], rank: Callable[[str], Ranking]) -> Identifier:
    """An identifier made from a function that ranks languages, most probable first."""

    def probability(text: str, wanted: frozenset[str]) -> tuple[str, float]:
        ranking = rank(text)
        return ranking[0][0], sum(p for code, p in ranking if code in wanted)

    return Identifier(name, labels, probability)


def _py3langid() -> Identifier:
    from polyrefuse_data.text.naive_bayes import model

    known = model()
    return Identifier(_py3langid_name(), frozenset(known.labels), known.probability, known.read_all)


def _py3langid_name() -> str:
    from polyrefuse_data.text.naive_bayes import model_name

    return f"{model_name()}|open set|nfc"


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
            f"{path} is not a fastText model ({reason(error)}): download one, e.g. GlotLID's model.bin, and give its "
            "path"
        ) from error

    def rank(text: str) -> Ranking:
        # The binding below `predict`, which fails with numpy 2 in most builds.
        found = model.f.predict(f"{' '.join(text.split())}\n", _FASTTEXT_RANKS, 0.0, "strict")
        return [(_code(label), p) for p, label in found] or [("und", 0.0)]

    return _ranking(f"fasttext {path.rsplit('/', 1)[-1]}", frozenset(map(_code, model.get_labels())), rank)


def _code(label: str) -> str:
    """`__label__deu_Latn` -> `de`, if we have a shorter code for the three-letter one."""
    code = label.removeprefix("__label__").split("_")[0]
    return _two_letters().get(code, code)


@cache
def _two_letters() -> dict[str, str]:
    table = {known.flores.split("_")[0]: known.code for known in nllb_languages().values() if len(known.code) == 2}
    aliases = {alias: known.code for known in language_packs().values() for alias in known.aliases}
    return {**{alias: code for alias, code in aliases.items() if find_language(alias) is None}, **table}


_BUILDERS: dict[str, Callable[[], Identifier]] = {"py3langid": _py3langid, "langdetect": _langdetect, "lingua": _lingua}


@lru_cache(maxsize=4)
def identifier(name: str) -> Identifier:
    """The identifier with this name, created once per process.

    Raises ConfigError for an unknown name, MissingPrerequisite if its package or model is missing.
    """
    kind, _, path = name.partition(":")
    if kind == "fasttext" and path:
        return _fasttext(path)
    if name not in _BUILDERS:
        raise ConfigError(f"quality.identifier: {name!r} is unknown: use one of {', '.join(_BUILDERS)}, fasttext:PATH")
    return _BUILDERS[name]()


def identifier_name(name: str) -> str:
    """What signatures call `identifier(name)`; py3langid's model is not loaded for it."""
    return _py3langid_name() if name == "py3langid" else identifier(name).name
