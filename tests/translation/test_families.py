"""Models that were made to translate are asked in the words of their cards, and what they say is the text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from polyrefuse_data.config import OpenAIBackend, TranslationConfig, parse_config
from polyrefuse_data.endpoints import api_errors
from polyrefuse_data.errors import ConfigError, SourceError
from polyrefuse_data.languages import language
from polyrefuse_data.translation import Failure, Pair, Request, Result, Translation, translate_requests
from polyrefuse_data.translation.backends import open_chain
from polyrefuse_data.translation.families import families, family_of
from polyrefuse_data.translation.openai import OpenAITranslator
from polyrefuse_data.translation.openai_batch import OpenAIBatchTranslator
from tests.endpoints.api_server import API_KEY, ApiServer, answer, chat_completion

EN, DE, ZH, YO = map(language, ("en", "de", "zh", "yo"))
TEXT = "Name {three} fruits."


class ModelServer(ApiServer):
    """Gives `says` for an answer, whatever it is asked."""

    says: Any = "Nenne {three} Früchte."

    def completion(self, body: dict[str, Any]) -> tuple[int, dict[str, Any], dict[str, str]]:
        with self.lock:
            self.bodies.append(body)
        if not isinstance(self.says, str):
            found: tuple[int, dict[str, Any], dict[str, str]] = self.says
            return found
        if "prompt" in body:
            choice = {"index": 0, "text": self.says, "finish_reason": "stop"}
            return 200, {"object": "text_completion", "choices": [choice], "usage": {}}, {}
        return 200, chat_completion(self.says), {}


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelServer]:
    monkeypatch.setenv("TEST_API_KEY", API_KEY)
    monkeypatch.setattr(api_errors, "_FIRST_BACKOFF", 0.01)
    with ModelServer() as server:
        yield server


def backend(model: ApiServer, **options: Any) -> OpenAIBackend:
    return OpenAIBackend(base_url=model.base_url, model="test-model", api_key_env="TEST_API_KEY", **options)


def ask(model: ApiServer, text: str = TEXT, target: Any = DE, **options: Any) -> Result:
    return translate_requests(OpenAITranslator(backend(model, **options)), [Request(text, EN, target)])[0]


PART = {"type": "text", "source_lang_code": "en", "text": TEXT}
GEMMA = (
    "You are a professional English (en) to German (de) translator. Your goal is to accurately convey the meaning and "
    "nuances of the original English text while adhering to German grammar, vocabulary, and cultural sensitivities.\n"
    "Produce only the German translation, without any additional explanations or commentary. Please translate the "
    f"following English text into German:\n\n\n{TEXT}"
)


@pytest.mark.parametrize(
    ("prompt", "target", "content"),
    [
        ("translategemma", DE, [{**PART, "target_lang_code": "de"}]),
        ("translategemma", ZH, [{**PART, "target_lang_code": "zh-Hans"}]),
        ("translategemma-text", DE, GEMMA),
        ("hunyuan-mt", DE, f"Translate the following segment into German, without additional explanation.\n\n{TEXT}"),
        ("hunyuan-mt", ZH, f"把下面的文本翻译成中文，不要额外解释。\n\n{TEXT}"),
        ("hy-mt", ZH, f"将以下文本翻译为中文，注意只需要输出翻译后的结果，不要额外解释：\n\n{TEXT}"),
        (
            "tower-instruct",
            DE,
            f"Translate the following text from English into German.\nEnglish: {TEXT}\nGerman:",
        ),
        (
            "tower-plus",
            ZH,
            "Translate the following English source text to Chinese (Simplified):\n"
            f"English: {TEXT}\nChinese (Simplified): ",
        ),
        (
            "plain",
            YO,
            "Translate the following text from English to Yoruba. Reply with the translation and nothing else."
            f"\n\n{TEXT}",
        ),
    ],
)
def test_each_family_is_asked_in_the_words_of_its_card(
    model: ModelServer, prompt: str, target: Any, content: Any
) -> None:
    assert ask(model, target=target, prompt=prompt) == Translation(
        "Nenne {three} Früchte.", usage={"input_tokens": 100, "output_tokens": 10}
    )
    (body,) = model.bodies
    assert body["messages"] == [{"role": "user", "content": content}]
    assert "response_format" not in body


def test_the_codes_go_to_the_chat_template_of_servers_that_read_them_there(model: ModelServer) -> None:
    ask(model, target=ZH, prompt="translategemma")
    expected = {"source_lang_code": "en", "target_lang_code": "zh-Hans"}
    assert model.bodies[0]["chat_template_kwargs"] == expected


def test_a_model_without_a_chat_template_goes_on_with_the_text(model: ModelServer) -> None:
    result = ask(model, target=ZH, prompt="seed-x", max_output_tokens=9)
    assert isinstance(result, Translation)
    assert (model.bodies[0]["prompt"], model.bodies[0]["max_tokens"]) == (
        f"Translate the following English sentence into Chinese:\n{TEXT} <zh>",
        9,
    )
    assert "messages" not in model.bodies[0]
    assert "POST /v1/completions" in {call for call, _ in model.calls}
    with pytest.raises(ConfigError, match=r'mode = "live"'):
        OpenAIBatchTranslator(backend(model, prompt="seed-x", mode="batch")).prepare([Pair(EN, ZH)])


@pytest.mark.parametrize(
    ("name", "preset", "family"),
    [
        ("google/translategemma-12b-it", None, "translategemma"),
        ("translategemma:4b", "ollama", "translategemma-text"),
        ("tencent/Hunyuan-MT-7B-fp8", "vllm", "hunyuan-mt"),
        ("tencent/HY-MT1.5-1.8B", None, "hy-mt"),
        ("tencent/Hy-MT2-7B", None, "hy-mt"),
        ("hf.co/me/hy-mt2-1.8b-q4_k_m.gguf", "llama.cpp", "hy-mt"),
        ("Unbabel/TowerInstruct-Mistral-7B-v0.2", None, "tower-instruct"),
        ("Unbabel/Tower-Plus-2B", None, "tower-plus"),
        ("ByteDance-Seed/Seed-X-PPO-7B", None, "seed-x"),
        ("gpt-5-mini", None, None),
        ("Qwen/Qwen3-8B", "vllm", None),
        ("my-watchtower", None, None),
    ],
)
def test_the_family_is_known_by_the_models_name(name: str, preset: str | None, family: str | None) -> None:
    assert family_of("auto", name, preset) is (families()[family] if family else None)
    assert family_of("json", name, preset) is None  # a key has the last word
    assert family_of("plain", name, preset) is families()["plain"]


def test_a_prompt_that_is_none_is_refused_before_anything_is_asked() -> None:
    with pytest.raises(ConfigError, match=r"prompt = 'tower' is unknown: use one of auto, json, translategemma"):
        OpenAITranslator(OpenAIBackend(model="x", prompt="tower"))


@pytest.mark.parametrize("name", families())
def test_each_family_says_where_its_words_come_from_and_lists_languages_that_there_are(name: str) -> None:
    family = families()[name]
    assert family.card
    assert family.codes() == {language(code).code for code in family.codes()}
    assert family.takes(Pair(EN, DE))
    assert name == "plain" or "en" in family.codes()


def test_a_language_that_a_model_does_not_know_is_found_before_the_first_row(model: ModelServer) -> None:
    alone = TranslationConfig(backends=[backend(model, prompt="tower-instruct")])
    with pytest.raises(ConfigError, match=r"no backend translates into Yoruba \(yo\)"):
        open_chain(alone).prepare([Pair(EN, DE), Pair(EN, YO)])
    with_another = TranslationConfig(backends=[backend(model, prompt="tower-instruct"), backend(model)])
    chain = open_chain(with_another).prepare([Pair(EN, DE), Pair(EN, YO)])
    assert [step.takes(Pair(EN, YO)) for step in chain.steps] == [False, True]
    assert not model.bodies


@pytest.mark.parametrize(
    ("says", "text", "notes"),
    [
        ("<think>Hm.</think>\n\nHallo!", "Hallo!", ("reasoning",)),
        ("Hallo!<|im_end|>", "Hallo!", ("end_token",)),
        ("Hallo!<end_of_turn>\n<eos>", "Hallo!", ("end_token",)),
        ("\ufeffHallo!", "Hallo!", ("bom",)),
        ("  Hallo!\n", "Hallo!", ()),
        ("```\nHallo!\n```", "```\nHallo!\n```", ()),  # the checks say whether the prompt has a fence
        ('{"translation": "Hallo!"}', '{"translation": "Hallo!"}', ()),  # ... or JSON
        ("Hallo!\n\nHallo!", "Hallo!\n\nHallo!", ()),  # ... or two texts
    ],
)
def test_what_a_model_says_is_the_text(model: ModelServer, says: str, text: str, notes: tuple[str, ...]) -> None:
    model.says = says
    result = ask(model, prompt="hy-mt")
    assert isinstance(result, Translation)
    assert (result.text, result.notes) == (text, notes)


@pytest.mark.parametrize(
    ("says", "reason"),
    [
        (" ", "empty"),
        ("<think>Hm.</think>", "empty"),
        ("<|im_end|>", "empty"),
        (answer("Hal", finish_reason="length"), "truncated"),
        (answer(None, refusal="no"), "refused"),
        (answer(None, finish_reason="content_filter"), "content_filter"),
        ((200, {"choices": [{"text": 7, "finish_reason": "stop"}]}, {}), "malformed_response"),
        ((200, {"choices": [{"text": None, "finish_reason": "length"}]}, {}), "truncated"),
    ],
)
def test_what_is_no_text_fails_its_row(model: ModelServer, says: Any, reason: str) -> None:
    model.says = says
    result = ask(model, prompt="hy-mt", max_retries=0)
    assert isinstance(result, Failure)
    assert result.reason == reason


@pytest.fixture
def glossary(tmp_path: Path) -> Path:
    path = tmp_path / "glossary.tsv"
    path.write_text(
        "en\tde\tzh\nfruit salad\tObstsalat\t水果沙拉\nfruits\tFrüchte\t\nchair\tStuhl\t椅子\n", encoding="utf-8"
    )
    return path


@pytest.fixture
def examples(tmp_path: Path) -> Path:
    path = tmp_path / "examples.jsonl"
    lines = [
        '{"en": "Say hello.", "de": "Sag hallo.", "zh": "说你好。"}',
        f'{{"en": "{TEXT}", "de": "itself"}}',
        '{"en": "no German"}',
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_a_glossary_is_told_as_far_as_a_text_has_its_words_and_looked_for(model: ModelServer, glossary: Path) -> None:
    assert isinstance(ask(model, prompt="hunyuan-mt", glossary=glossary), Translation)
    assert model.bodies[-1]["messages"][0]["content"].startswith('In this text "fruits" is "Früchte". Translate')
    ask(model, "Make fruit salad, not a chair.", ZH, prompt="hy-mt", glossary=glossary)
    said = model.bodies[-1]["messages"][0]["content"]
    assert said.startswith("参考下面的翻译：\nfruit salad 翻译成 水果沙拉\nchair 翻译成 椅子\n\n将以下文本翻译为中文")
    model.says = "Nenne drei Obstsorten."
    missed = ask(model, prompt="hunyuan-mt", glossary=glossary)
    assert isinstance(missed, Failure)
    assert (missed.reason, missed.detail) == ("glossary_missed", "without Früchte: Nenne drei Obstsorten.")
    assert isinstance(ask(model, "Sit down.", prompt="hunyuan-mt", glossary=glossary), Translation)
    assert "In this text" not in model.bodies[-1]["messages"][0]["content"]


@pytest.mark.parametrize("text", ["Drei Früchten", "drei FRÜCHTE", "Früchtekorb"])
def test_words_of_a_glossary_may_change_their_ends(model: ModelServer, glossary: Path, text: str) -> None:
    model.says = text
    assert isinstance(ask(model, prompt="plain", glossary=glossary), Translation)


def test_examples_are_turns_before_the_text(model: ModelServer, examples: Path) -> None:
    ask(model, prompt="tower-instruct", examples=examples)
    first, second, last = model.bodies[-1]["messages"]
    assert first["content"].endswith("English: Say hello.\nGerman:")
    assert second == {"role": "assistant", "content": "Sag hallo."}
    assert TEXT in last["content"]
    ask(model, prompt="seed-x", target=ZH, examples=examples)
    assert model.bodies[-1]["prompt"].startswith(
        "Translate the following English sentence into Chinese:\nSay hello. <zh>说你好。\n\nTranslate"
    )


def test_examples_and_glossary_of_models_that_follow_instructions(
    model: ModelServer, examples: Path, glossary: Path
) -> None:
    model.says = '{"translation": "Nenne {three} Früchte."}'
    assert isinstance(ask(model, examples=examples, glossary=glossary), Translation)
    system, user, said, last = model.bodies[-1]["messages"]
    assert system["content"].endswith("Where there is a key glossary, translate its words as it says.")
    assert '"text": "Say hello."' in user["content"]
    assert said == {"role": "assistant", "content": '{"translation": "Sag hallo."}'}
    assert '"glossary": {"fruits": "Früchte"}, "text"' in last["content"]
    model.says = '{"translation": "Nenne drei Obstsorten."}'
    missed = ask(model, glossary=glossary)
    assert isinstance(missed, Failure)
    assert missed.reason == "glossary_missed"


def test_what_is_given_to_go_by_decides_the_answers(model: ModelServer, tmp_path: Path, glossary: Path) -> None:
    def settings(**options: Any) -> dict[str, Any]:
        return OpenAITranslator(backend(model, **options)).settings

    assert settings() == settings(prompt="json")
    assert settings() != settings(prompt="plain")
    before = settings(glossary=glossary)
    assert before != settings()
    glossary.write_text("en\tde\nfruits\tObst\n", encoding="utf-8")
    assert settings(glossary=glossary) != before


@pytest.mark.parametrize("content", ["en\tde\nfruits\n", "fruits\tObst\n", ""])
def test_a_broken_glossary_is_found_before_the_first_row(model: ModelServer, tmp_path: Path, content: str) -> None:
    path = tmp_path / "broken.tsv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(SourceError, match=r"broken\.tsv: line"):
        OpenAITranslator(backend(model, glossary=path)).prepare([Pair(EN, DE)])


def test_a_glossary_has_no_place_in_the_template_of_translategemma(model: ModelServer, glossary: Path) -> None:
    with pytest.raises(ConfigError, match="translategemma-text"):
        OpenAITranslator(backend(model, prompt="translategemma", glossary=glossary)).prepare([Pair(EN, DE)])


def test_relative_files_are_taken_from_the_configs_folder(tmp_path: Path) -> None:
    backends = [{"engine": "openai", "model": "x", "glossary": "words.tsv", "examples": "some.jsonl"}]
    config = parse_config({"translation": {"backends": backends}}, tmp_path / "polyrefuse.toml")
    (parsed,) = config.translation.backends
    assert isinstance(parsed, OpenAIBackend)
    assert (parsed.glossary, parsed.examples) == (tmp_path / "words.tsv", tmp_path / "some.jsonl")
