"""Chat models on this machine: asked as behind an API, and run greedily in batches as the benchmark runs them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from polyrefuse_data.config import LocalChatBackend
from polyrefuse_data.endpoints.completions import Answer, Completion, NoAnswer
from polyrefuse_data.errors import ModelError
from polyrefuse_data.languages import SOURCE_LANGUAGE, TARGET_LANGUAGES, language
from polyrefuse_data.system.extras import require
from polyrefuse_data.translation.base import Pair, Request, Result, Units
from polyrefuse_data.translation.batches import token_batches
from polyrefuse_data.translation.chat import Chat
from polyrefuse_data.translation.checkpoint import Checkpoint
from polyrefuse_data.translation.families import family_of
from polyrefuse_data.translation.first_answers import FirstAnswers
from polyrefuse_data.translation.guidance import Guidance
from polyrefuse_data.translation.halving import PLAIN_SENTENCE, in_halves
from polyrefuse_data.translation.runtimes import check_device

# Tokens of an answer for each of its text, and room for a short one and for the object around it.
_TOKENS_PER_TOKEN, _ROOM = 4, 64

# Texts of unlike length, on which a model shows how it generates tokens rightly.
_PROBES = (PLAIN_SENTENCE, "Explain how rain forms, in two sentences.")

Messages = Sequence[dict[str, Any]]


class LocalChatTranslator:
    """One chat model, loaded when it is first asked."""

    def __init__(self, config: LocalChatBackend) -> None:
        self.config = config
        self.checkpoint = Checkpoint(str(config.model), config.revision)
        self.chat = Chat(family_of(config.prompt, str(config.model)), Guidance(config.examples, config.glossary))
        self._first = FirstAnswers(str(config.model))
        self._tokenizer: Any = None
        self._model: Any = None
        self._written: Callable[[Messages], Messages] = list

    def __reduce__(self) -> tuple[Any, ...]:
        return LocalChatTranslator, (self.config,)

    @property
    def name(self) -> str:
        return f"chat:{self.checkpoint.label}"

    @property
    def settings(self) -> dict[str, Any]:
        return {
            "engine": "chat",
            "model": self.checkpoint.label,
            "dtype": self.config.dtype,
            "max_new_tokens": self.config.max_new_tokens,
            **self.chat.settings,
        }

    @property
    def units(self) -> Units:
        return self.chat.units

    def takes(self, pair: Pair) -> bool:
        return self.chat.takes(pair)

    def prepare(self, pairs: Iterable[Pair]) -> None:
        self.chat.check()
        check_device(self.config.device)
        self._open()
        self.checkpoint.check_weights()

    def plan(self, requests: Sequence[Request]) -> list[list[int]]:
        return token_batches([len(ids) for ids in self._encode(requests)], self.config.batch_tokens)

    def translate(self, batches: Sequence[Sequence[Request]]) -> Iterator[tuple[int, list[Result]]]:
        for number, batch in enumerate(batches):
            results = in_halves(batch, self._translate, self._prove, self.config_name)
            for result in results:
                self._first.watch(result)
            yield number, results

    def close(self) -> None:
        self._model = None

    @property
    def config_name(self) -> str:
        return str(self.config.model)

    def _translate(self, batch: Sequence[Request]) -> list[Result]:
        import torch

        from polyrefuse_data.models.growing_reply import GrowingReply

        model, encoded = self._load(), self._encode(batch)
        longest = max(len(ids) for ids in self._open()([request.text for request in batch])["input_ids"])
        most = min(self.config.max_new_tokens, _TOKENS_PER_TOKEN * longest + _ROOM)
        ends = self._end_tokens(model.network)
        replies = [GrowingReply(self._open(), ends, None, most, most) for _ in batch]
        with torch.inference_mode():
            model.grow(encoded, replies)
        answers = [self._answer(reply.token_ids, ends, most) for reply in replies]
        return [self.chat.read(answer, request) for answer, request in zip(answers, batch, strict=True)]

    def _answer(self, ids: Sequence[int], ends: frozenset[int], most: int) -> Answer:
        from polyrefuse_data.models.reasoning import strip_reasoning

        if not ids:
            return NoAnswer("model_failed", "the model computes NaN for this text", may_pass=True)
        if ids[-1] not in ends:
            return NoAnswer("truncated", f"no end after {most} tokens")
        text = self._open().decode(ids[:-1], skip_special_tokens=False, clean_up_tokenization_spaces=False)
        return Completion(strip_reasoning(text))

    def _end_tokens(self, network: Any) -> frozenset[int]:
        declared = network.generation_config.eos_token_id
        found = {*(declared if isinstance(declared, list) else [declared]), self._open().eos_token_id} - {None}
        if not found:
            raise ModelError(f"{self.config_name}: no end token in generation_config.json or the tokenizer")
        return frozenset(found)

    def _prove(self) -> None:
        self._translate([_plain_request(self.chat)])

    def _encode(self, requests: Sequence[Request]) -> list[list[int]]:
        tokenizer = self._open()
        asks = [self.chat.ask(request, None, None) for request in requests]
        texts = [self._rendered(ask.messages, ask.extra) if ask.prompt is None else ask.prompt for ask in asks]
        has_template = not asks or asks[0].prompt is None  # the template holds the special tokens
        ids: list[list[int]] = tokenizer(texts, add_special_tokens=not has_template)["input_ids"] if texts else []
        return ids

    def _rendered(self, messages: Messages, extra: Any) -> str:
        from polyrefuse_data.models.reasoning import close_prompt, template_options
        from polyrefuse_data.models.rendering import render_chat

        tokenizer = self._tokenizer
        if not tokenizer.chat_template:
            raise ModelError(f"{self.config_name}: the tokenizer has no chat template; use the instruction-tuned model")
        template = tokenizer.get_chat_template()
        options = {
            **template_options(template, closed=True),
            **extra.get("chat_template_kwargs", {}),
        }
        text = render_chat(tokenizer, self._written(messages), self.config_name, add_generation_prompt=True, **options)
        return close_prompt(text, template)

    def _open(self) -> Any:
        """The tokenizer, once it is known how its template wants messages written. Raises ModelError where it renders
        none."""
        if self._tokenizer is None:
            self._tokenizer = self.checkpoint.load_tokenizer()
            ask = self.chat.ask(_plain_request(self.chat), None, None)
            if ask.prompt is None:
                self._written = self._way_to_write(ask.messages, ask.extra)
        return self._tokenizer

    def _way_to_write(self, messages: Messages, extra: Any) -> Callable[[Messages], Messages]:
        """As they are; with the instructions in the user's message; or as lists of parts: templates that know no
        system, or read parts, raise or leave out what they are given."""
        reason: Exception | None = None
        for way in (list, _without_system, _in_parts, lambda given: _in_parts(_without_system(given))):
            self._written = way
            try:
                if json.dumps(PLAIN_SENTENCE)[1:-1] in self._rendered(messages, extra):
                    return way
            except ModelError as error:
                reason = reason or error
        raise reason or ModelError(
            f"{self.config_name}: its chat template drops the user's message; use a model whose template renders it"
        )

    def _load(self) -> Any:
        if self._model is None:
            import torch
            from transformers import AutoModelForCausalLM

            from polyrefuse_data.models.causal import CausalModel

            device = self.config.device
            if device == "auto":
                device = "cuda" if torch.cuda.is_available() else "cpu"
            dtype = self.config.dtype
            if dtype == "auto":
                dtype = "float32" if device == "cpu" else "bfloat16"
            network = self.checkpoint.load_model(AutoModelForCausalLM, dtype=getattr(torch, dtype))
            model = CausalModel(network.to(device))
            with torch.inference_mode():
                model.prove(self._encode([_plain_request(self.chat, text) for text in _PROBES]))
            self._model = model
        return self._model


def _plain_request(chat: Chat, text: str = PLAIN_SENTENCE) -> Request:
    """A plain sentence for a language that the model takes."""
    source = language(SOURCE_LANGUAGE)
    pairs = (Pair(source, language(code)) for code in TARGET_LANGUAGES)
    return Request(text, *next(filter(chat.takes, pairs)))


def _without_system(messages: Messages) -> Messages:
    if messages[0]["role"] != "system":
        return messages
    first, second, *others = messages
    return [{**second, "content": f"{first['content']}\n\n{second['content']}"}, *others]


def _in_parts(messages: Messages) -> Messages:
    return [
        {**message, "content": [{"type": "text", "text": message["content"]}]}
        if isinstance(message["content"], str)
        else message
        for message in messages
    ]


def open_local_chat(config: LocalChatBackend) -> LocalChatTranslator:
    """Raises MissingPrerequisite where torch or transformers are not installed."""
    require('translation.backends: engine = "chat"', "nllb")
    return LocalChatTranslator(config)
