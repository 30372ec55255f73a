"""One backend of a config that stands for several models: a pattern, or a table by direction."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from polyrefuse_data.config import Config, NllbBackend, parse_config
from polyrefuse_data.errors import ConfigError
from polyrefuse_data.languages import language
from polyrefuse_data.translation import Pair
from polyrefuse_data.translation.backends import open_chain
from polyrefuse_data.translation.nllb import open_nllb
from tests.translation.tiny_models import opus_mt

EN, DE, YO = map(language, ("en", "de", "yo"))


def parsed(backend: dict[str, Any], back: Any = None, path: Path | None = None) -> Config:
    translation = {"backends": [{"engine": "seq2seq", **backend}, {"engine": "nllb"}]}
    named = {"back_translation": back} if back else {}
    return parse_config({"languages": ["de", "zh"], "translation": {**translation, **named}}, path)


def models(config: Config) -> list[tuple[str, list[str] | None]]:
    return [(str(one.model), one.languages) for one in config.translation.backends if isinstance(one, NllbBackend)]


def test_a_pattern_is_a_model_for_each_language_or_direction() -> None:
    of_language = models(parsed({"model": "Helsinki-NLP/opus-mt-en-{language}"}))
    assert of_language == [
        ("Helsinki-NLP/opus-mt-en-de", ["de"]),
        ("Helsinki-NLP/opus-mt-en-zh", ["zh"]),
        ("facebook/nllb-200-distilled-600M", None),
    ]
    both = models(parsed({"model": "org/{source}-{target}", "languages": ["de"]}))
    assert both[:-1] == [("org/en-de", ["de"]), ("org/de-en", ["de"])]


def test_a_table_names_a_model_for_each_direction() -> None:
    table = {"en-de": "a/b", "de-en": "a/c", "en-zh-Hant": "a/d", "zh-Hant-en": "a/e"}
    assert models(parsed({"model": table}))[:-1] == [
        ("a/b", ["de"]),
        ("a/c", ["de"]),
        ("a/d", ["zh-Hant"]),
        ("a/e", ["zh-Hant"]),
    ]


def test_back_translation_may_be_a_pattern_too() -> None:
    config = parsed({"model": "a/{source}-{target}"}, {"engine": "seq2seq", "model": "a/{language}-en"})
    assert [str(one.model) for one in config.translation.back_backends if isinstance(one, NllbBackend)] == [
        "a/de-en",
        "a/zh-en",
    ]


def test_one_model_stays_one_backend() -> None:
    config = parsed({"model": "google/madlad400-3b-mt"}, {"engine": "nllb"})
    assert models(config)[0] == ("google/madlad400-3b-mt", None)
    assert config.translation.back_translation == NllbBackend()


@pytest.mark.parametrize(
    ("backend", "says"),
    [
        ({"model": {"de": "a/b"}}, r"'de' is not a direction like en-de or de-en"),
        ({"model": {"de-fr": "a/b"}}, r"'de-fr' is not a direction"),
        ({"model": {"en-qq": "a/b"}}, "qq"),
        ({"model": "a/{language}", "revision": "ab" * 20}, "revision applies to one model"),
        ({"model": {"en-de": "a/b"}, "revision": "main"}, "revision applies to one model"),
    ],
)
def test_what_cannot_be_is_an_error_that_names_the_key(backend: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=rf"translation\.backends\.0.*{says}"):
        parsed(backend)


def test_a_pattern_is_never_taken_for_a_name() -> None:
    with pytest.raises(ConfigError, match="names several models"):
        open_nllb(NllbBackend(model="a/{language}"))


def test_each_step_has_its_own_direction_and_name_in_the_rows(tmp_path: Path) -> None:
    """Folders beside the config: one way there, the other way back."""
    opus_mt(tmp_path / "opus-mt-en-de", ["de"], ("en", "de"))
    shutil.copytree(tmp_path / "opus-mt-en-de", tmp_path / "opus-mt-de-en")
    (tmp_path / "opus-mt-de-en" / "tokenizer_config.json").write_text("{}")
    backend = {"engine": "seq2seq", "model": "./opus-mt-{source}-{target}", "runtime": "transformers"}
    data = {"languages": ["de"], "translation": {"backends": [backend]}}
    chain = open_chain(parse_config(data, tmp_path / "polyrefuse.toml").translation).prepare([Pair(EN, DE)])
    assert [step.name.partition("@")[0] for step in chain.steps] == ["marian:opus-mt-en-de"]
    assert [step.name.partition("@")[0] for step in chain.back] == ["marian:opus-mt-de-en"]
