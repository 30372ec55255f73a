"""Several texts in one request: every one of them accounted for, whatever the model makes of their numbers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from polyrefuse_data.config import OpenAIBackend, parse_config
from polyrefuse_data.endpoints import api_errors
from polyrefuse_data.endpoints.budget import Budget
from polyrefuse_data.errors import ConfigError, EndpointError
from polyrefuse_data.languages import language
from polyrefuse_data.translation import Failure, Request, Translation, fingerprint, translate_requests
from polyrefuse_data.translation.journal import Journal
from polyrefuse_data.translation.openai import OpenAITranslator
from polyrefuse_data.translation.run import TranslationRun
from tests.endpoints import servers
from tests.endpoints.api_server import API_KEY, ApiServer, answer, chat_completion, error, pseudo_translation

EN, DE, ZH = map(language, ("en", "de", "zh"))
Spoil = Callable[[dict[str, str]], Any]


class TogetherServer(ApiServer):
    """Translates texts by number too; `spoil` makes what it wants of those answers: an object, a string, or all."""

    spoil: Spoil = staticmethod(lambda said: said)

    def completion(self, body: dict[str, Any]) -> tuple[int, dict[str, Any], dict[str, str]]:
        material = json.loads(body["messages"][-1]["content"])
        if "texts" not in material:
            return super().completion(body)
        with self.lock:
            self.bodies.append(body)
        code = material["target_language"].partition("(")[2][:-1]
        said = self.spoil({key: pseudo_translation(text, code) for key, text in material["texts"].items()})
        if isinstance(said, tuple):
            return said
        return 200, chat_completion(said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)), {}

    @property
    def together(self) -> list[dict[str, str]]:
        """The texts of each request for several."""
        asked = [json.loads(body["messages"][-1]["content"]) for body in self.bodies]
        return [material["texts"] for material in asked if "texts" in material]


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[TogetherServer]:
    monkeypatch.setenv("TEST_API_KEY", API_KEY)
    monkeypatch.setattr(api_errors, "_FIRST_BACKOFF", 0.01)
    with TogetherServer() as server:
        yield server


def translator(api: ApiServer, **options: Any) -> OpenAITranslator:
    defaults: dict[str, Any] = {"model": "test-model", "api_key_env": "TEST_API_KEY", "prompts_per_request": 4}
    return OpenAITranslator(OpenAIBackend(base_url=api.base_url, **{**defaults, **options}))


def requests(*texts: str) -> list[Request]:
    return [Request(text, EN, DE) for text in texts]


def texts(results: list[Any]) -> list[str]:
    return [result.text if isinstance(result, Translation) else result.reason for result in results]


def test_it_is_off_by_default(api: TogetherServer) -> None:
    translate_requests(translator(api, prompts_per_request=1), requests("a", "b"))
    translate_requests(OpenAITranslator(OpenAIBackend(model="test-model", base_url=api.base_url,
                                                      api_key_env="TEST_API_KEY")), requests("c"))  # fmt: skip
    assert (sorted(api.asked), api.together) == (["a", "b", "c"], [])


def test_texts_of_one_direction_share_requests_and_what_they_took(api: TogetherServer) -> None:
    asked = [Request(f"Text {n}", EN, DE if n % 2 else ZH) for n in range(10)]
    results = translate_requests(translator(api, input_price=1.0, output_price=2.0, concurrency=1), asked)
    assert texts(results) == [f"«{request.target.code}» {request.text}" for request in asked]
    assert sorted(map(len, api.together)) == [1, 1, 4, 4] or sorted(map(len, api.together)) == [4, 4]
    requests_made = len(api.bodies)
    assert requests_made == 4  # 5 texts of each direction: 4 and 1
    total = {key: sum(result.usage[key] for result in results) for key in ("input_tokens", "output_tokens")}
    assert total == {"input_tokens": 100 * requests_made, "output_tokens": 10 * requests_made}
    assert all(result.usage["input_tokens"] == int(result.usage["input_tokens"]) for result in results)
    assert sum(result.usage["cost_usd"] for result in results) == pytest.approx(requests_made * 120e-6)


def test_the_request_asks_for_each_number_and_the_instructions_come_first(api: TogetherServer) -> None:
    translate_requests(translator(api, max_output_tokens=50), requests("a", "b", "c"))
    translate_requests(translator(api, max_output_tokens=50), requests("d", "e"))
    first, second = api.bodies
    schema = first["response_format"]["json_schema"]["schema"]
    assert (schema["required"], schema["additionalProperties"]) == (["1", "2", "3"], False)
    assert json.loads(first["messages"][-1]["content"])["texts"] == {"1": "a", "2": "b", "3": "c"}
    assert first["messages"][0] == second["messages"][0]
    assert (first["max_completion_tokens"], second["max_completion_tokens"]) == (150, 100)


def raw(*pairs: tuple[str, str]) -> Spoil:
    return lambda said: "{" + ", ".join(f'"{key}": {json.dumps(said.get(value, value))}' for key, value in pairs) + "}"


SPOILT: dict[str, tuple[Spoil, str]] = {
    # what becomes of the answer, and which of the texts a, b, c, d are then asked for by themselves
    "whole": (lambda said: said, ""),
    "in a fence": (lambda said: f"```json\n{json.dumps(said)}\n```", ""),
    "after thinking": (lambda said: f"<think>Hm.</think>{json.dumps(said)}", ""),
    "missing": (lambda said: {key: said[key] for key in "134"}, "b"),
    "missing two": (lambda said: {key: said[key] for key in "24"}, "ac"),
    "doubled": (raw(("1", "1"), ("2", "2"), ("2", "3"), ("3", "3"), ("4", "4")), "b"),
    "doubled alike": (raw(("1", "1"), ("1", "1"), ("2", "2"), ("3", "3"), ("4", "4")), "a"),
    "extra": (lambda said: {**said, "5": "noch eins"}, "abcd"),
    "a note": (lambda said: {**said, "note": "softened"}, "abcd"),
    "reordered": (lambda said: dict(reversed(said.items())), "abcd"),
    "two swapped": (lambda said: {key: said[key] for key in "1324"}, "abcd"),
    "empty": (lambda said: {**said, "3": "  "}, "c"),
    "null": (lambda said: {**said, "3": None}, "c"),
    "nested": (lambda said: {**said, "3": {"translation": said["3"]}}, "c"),
    "half a character": (raw(("1", "1"), ("2", "2"), ("3", "\ud800"), ("4", "4")), "c"),
    "one for all": (lambda said: {"translation": " ".join(said.values())}, "abcd"),
    "a list": (lambda said: json.dumps(list(said.values())), "abcd"),
    "two objects": (lambda said: json.dumps(said) * 2, "abcd"),
    "prose": (lambda said: "Here you are: " + json.dumps(said), "abcd"),
    "cut": (lambda said: answer(json.dumps(said)[:-9], finish_reason="length"), "abcd"),
    "cut unnoticed": (lambda said: json.dumps(said)[:-9], "abcd"),
    "nothing": (lambda said: answer(""), "abcd"),
    "refused": (lambda said: answer(None, refusal="I can't help with that."), "abcd"),
    "refused in words": (lambda said: "I'm sorry, but I can't help with that.", "abcd"),
    "filtered": (lambda said: answer(None, finish_reason="content_filter"), "abcd"),
    "too long": (lambda said: error(400, "maximum context length is 8192 tokens", "context_length_exceeded"), "abcd"),
    "broken": (lambda said: error(500, "boom"), "abcd"),
}


@pytest.mark.parametrize(("spoil", "alone"), SPOILT.values(), ids=SPOILT.keys())
def test_whatever_has_no_certain_translation_is_asked_alone(api: TogetherServer, spoil: Spoil, alone: str) -> None:
    api.spoil = spoil  # type: ignore[method-assign]
    results = translate_requests(translator(api, max_retries=0, concurrency=1), requests(*"abcd"))
    assert texts(results) == [f"«de» {text}" for text in "abcd"]
    assert sorted(api.asked) == sorted(alone)
    assert len(api.together) == 1
    noted = [text for text, result in zip("abcd", results, strict=True) if "asked_alone" in result.notes]  # type: ignore[union-attr]
    assert noted == list(alone)
    took = sum(result.usage.get("input_tokens", 0) for result in results)
    assert took == 100 * len(alone) + (0 if spoil in (SPOILT["too long"][0], SPOILT["broken"][0]) else 100)
    assert API_KEY not in repr(results)


def test_a_text_that_fails_by_itself_too_is_a_failure_of_its_own(api: TogetherServer) -> None:
    api.spoil = lambda said: answer(None, refusal="no")  # type: ignore[method-assign]
    api.faults["b"] = [answer(None, refusal="no")]
    results = translate_requests(translator(api), requests("a", "b", "c"))
    assert texts(results) == ["«de» a", "refused", "«de» c"]
    assert isinstance(results[1], Failure)
    assert results[1].usage["output_tokens"] == pytest.approx(13, abs=1)  # a third of the one, and the other


@pytest.mark.parametrize(
    "refuses", [servers.deepseek, servers.old_vllm, servers.gpt_5, servers.mistral], ids=lambda f: f.__name__
)
def test_it_speaks_the_dialect_that_the_server_takes(refuses: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_API_KEY", API_KEY)

    def numbered(body: dict[str, Any]) -> dict[str, Any]:
        said = {key: f"«{text}»" for key, text in json.loads(body["messages"][-1]["content"])["texts"].items()}
        return servers.completion(json.dumps(said, ensure_ascii=False))

    with servers.serving(refuses, numbered) as served:
        config = OpenAIBackend(model="m", base_url=served.base_url, api_key_env="TEST_API_KEY", prompts_per_request=5,
                               concurrency=1, max_output_tokens=50)  # fmt: skip
        results = translate_requests(OpenAITranslator(config), requests(*map(str, range(10))))
    assert texts(results) == [f"«{n}»" for n in range(10)]


def test_answers_are_kept_under_the_keys_that_they_have_anyway(api: TogetherServer, journal: Journal) -> None:
    """So that the number of prompts in a request can be changed at any time."""
    several, single = translator(api), translator(api, prompts_per_request=1)
    assert fingerprint(several.settings) == fingerprint(single.settings)
    first = TranslationRun(journal, progress=False).translate(several, requests(*"abcdef"))
    assert api.together
    asked = len(api.bodies)
    assert TranslationRun(journal, progress=False).translate(single, requests(*"fedcba")) == first[::-1]
    assert len(api.bodies) == asked


def test_a_group_is_no_longer_than_a_text_may_be(api: TogetherServer) -> None:
    several = translator(api, prompts_per_request=100)
    long = ["x" * 3000] * 3 + ["y"]
    assert several.plan(requests(*long)) == [[0, 1], [2, 3]]
    assert several.plan(requests("z" * 9000, "y")) == [[0], [1]]


def test_candidates_are_asked_one_text_at_a_time(api: TogetherServer) -> None:
    assert translator(api).with_candidates(2).plan(requests(*"abc")) == [[0], [1], [2]]


def test_a_glossary_is_told_for_all_and_looked_for_in_each(api: TogetherServer, tmp_path: Path) -> None:
    glossary, examples = tmp_path / "glossary.tsv", tmp_path / "examples.jsonl"
    glossary.write_text("en\tde\nbread\tBrot\nsea\tMeer\n", encoding="utf-8")
    examples.write_text('{"en": "Say hello.", "de": "Sag hallo."}\n{"en": "No sea.", "de": "x"}\n', encoding="utf-8")
    api.spoil = lambda said: {"1": "Das Brot.", "2": "Die See.", "3": "Nichts."}  # type: ignore[method-assign]
    asked = translator(api, glossary=glossary, examples=examples)
    results = translate_requests(asked, requests("The bread.", "No sea.", "Nothing."))
    assert texts(results)[::2] == ["Das Brot.", "Nichts."]
    assert api.asked == ["No sea."]
    assert texts(results)[1] == "glossary_missed"
    system, user, said, last = api.bodies[0]["messages"]
    assert system["content"].endswith("translate its words as it says.")
    assert json.loads(user["content"])["texts"] == {"1": "Say hello."}  # never one of the texts themselves
    assert said == {"role": "assistant", "content": '{"1": "Sag hallo."}'}
    assert json.loads(last["content"])["glossary"] == {"bread": "Brot", "sea": "Meer"}


def test_a_budget_covers_the_texts_that_may_be_asked_again(api: TogetherServer) -> None:
    api.spoil = lambda said: "no"  # type: ignore[method-assign]
    asked = translator(api, input_price=1.0, output_price=1.0, max_output_tokens=20, concurrency=1)
    asked.budget = Budget(0.02)
    answered: list[int] = []
    with pytest.raises(EndpointError, match="max-cost"):
        for number, _ in asked.translate([requests(*"abcd")] * 50):
            answered.append(number)
    assert 0 < len(answered) < 50
    spent = len(api.bodies) * 110e-6
    assert spent <= 0.02
    assert len(api.bodies) == 5 * len(answered)  # every batch that was begun was finished


def test_what_does_not_go_together_is_an_error_at_once(api: TogetherServer) -> None:
    with pytest.raises(ConfigError, match="prompts_per_request: hy-mt takes one text per request"):
        translator(api, model="hy-mt")
    backends = [{"engine": "openai", "model": "m", "mode": "batch", "prompts_per_request": 2}]
    with pytest.raises(ConfigError, match="prompts_per_request works only with mode"):
        parse_config({"translation": {"backends": backends}})


def test_an_estimate_counts_the_instructions_once_a_request(api: TogetherServer) -> None:
    some = requests(*(f"How do I bake bread number {n}?" for n in range(40)))
    alone = translator(api, prompts_per_request=1, input_price=1.0, output_price=1.0).price(some)
    together = translator(api, prompts_per_request=10, input_price=1.0, output_price=1.0).price(some)
    assert together.input_tokens is not None and alone.input_tokens is not None
    assert together.input_tokens < alone.input_tokens / 4
    assert together.seconds < alone.seconds
