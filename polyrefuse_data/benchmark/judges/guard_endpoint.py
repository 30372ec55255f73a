"""A guard model behind an OpenAI-compatible server (`guard:<model>@<base_url>`), asked in its own words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from polyrefuse_data.benchmark.judges.asking import Asks, Keep, ask_for_opinions
from polyrefuse_data.benchmark.judges.base import NO_OPINION, Opinion
from polyrefuse_data.benchmark.judges.guard_family import CLASSIFIER, LONGEST_REPLY, GuardFamily, Messages
from polyrefuse_data.benchmark.judges.guards import FAMILIES, check_language, guard_family
from polyrefuse_data.benchmark.judges.odds import TOP, Said
from polyrefuse_data.benchmark.purse import POLICY_TOKENS, Purse
from polyrefuse_data.endpoints import Ask, Client, Completion
from polyrefuse_data.endpoints.completions import Answer
from polyrefuse_data.endpoints.endpoint import OPENAI_URL
from polyrefuse_data.endpoints.named import judging_endpoint, named_endpoint
from polyrefuse_data.errors import ConfigError
from polyrefuse_data.models.control_tokens import escape
from polyrefuse_data.system.redaction import one_line

PREFIX = "guard:"

# Control tokens as templates of guards write them. The server's tokenizer is not here to tell which are its own.
_CONTROL = re.compile(r"<\|[\w ]+\|>|</?s>|<(?:start|end)_of_turn>|<[be]os>|\[/?(?:INST|SYSTEM_PROMPT)\]")
_FIRST = "<s>"  # the beginning of a text, which servers put there themselves
_SERVER_DOES = ("add_generation_prompt",)  # in a chat, whatever the request says


class GuardEndpointJudge:
    """One guard behind one server. The key is read from OPENAI_API_KEY, where there is one."""

    needs_prompts = True

    def __init__(self, name: str, journal: Path | None = None, purse: Purse | None = None) -> None:
        try:
            named = named_endpoint(name.removeprefix(PREFIX))
            if not named.base_url:
                raise ValueError("no address")
        except ValueError as error:
            raise ConfigError(
                f"judge {one_line(name.partition('@http')[0])}: {error}; write guard:<model>@<base_url>, e.g. "
                "guard:Qwen/Qwen3Guard-Gen-4B@http://localhost:8000/v1"
            ) from None
        self._named, self._keep = named, Keep(journal, purse or Purse(), template_tokens=POLICY_TOKENS)
        self.family = _served(named.model)

    def signature(self, language: str | None = None) -> str:
        """`guard:<family>|model:<model>|host:<host>|refusal:yes`. Raises ConfigError for a language that the guard does
        not know."""
        check_language(self.family, self._named.model, language)
        host = urlsplit(self._named.base_url or OPENAI_URL).netloc
        labelled = "yes" if self.family.labels_refusal else "no"
        return f"guard:{self.family.name}|model:{self._named.model}|host:{host}|refusal:{labelled}"

    def prepare(self) -> None:
        """Check that replies can be judged. Raises what `EndpointJudge.prepare` does."""
        self._client.probe()
        self._client.prove(self._asks("Name a fruit.", "An apple.")[0])

    def opinions(self, responses: Sequence[str], language: str, prompts: Sequence[str] | None) -> list[Opinion]:
        """One opinion per response. Raises EndpointError if replies are left without an answer."""
        check_language(self.family, self._named.model, language)
        if not responses:
            return []
        asked = [
            self._asks(prompt, response)
            for prompt, response in zip(prompts or [""] * len(responses), responses, strict=True)
        ]
        told = self.signature(), f"judging {language} with {self._named.model}"
        return ask_for_opinions(self._client, asked, self._read, told, self._keep)

    def close(self) -> None:
        """Nothing to do: connections last for one call of `opinions`."""

    @cached_property
    def _client(self) -> Client:
        return Client(judging_endpoint(self._named, "judge"))

    def _asks(self, prompt: str, response: str) -> Asks:
        shown = _escaped(prompt), _escaped(response[:LONGEST_REPLY])
        return tuple(self._ask(messages) for messages in self.family.questions(*shown))

    def _ask(self, messages: Messages) -> Ask:
        told = {name: value for name, value in self.family.options.items() if name not in _SERVER_DOES}
        extra: dict[str, Any] = {"chat_template_kwargs": told} if told else {}
        # With a chat template of its own (Shieldstral) or none (WildGuard), the frame is for the text alone.
        framed = self.family.frame is not None and not self.family.served_as_chat
        return Ask(
            tuple(messages),
            temperature=0,
            max_tokens=self.family.max_new_tokens,
            prompt=self.family.framed(messages).removeprefix(_FIRST) if framed else None,
            extra=extra,
            may_be_cut=True,
            top_logprobs=TOP if self.family.has_odds else 0,
        )

    def _read(self, answers: Sequence[Answer]) -> Opinion:
        """If the server declines to answer, the guard has no opinion on the reply."""
        said = [Said(answer.text, answer.tokens) for answer in answers if isinstance(answer, Completion)]
        return self.family.opinion(said) if len(said) == len(answers) else NO_OPINION


def _served(model: str) -> GuardFamily:
    """The family of a served model. Raises ConfigError where there is none, or no server answers for it."""
    family = guard_family(model)
    if family is None:
        known = ", ".join(dict.fromkeys(each.name for each in FAMILIES if each.model_class != CLASSIFIER))
        raise ConfigError(
            f"judge guard:{model}: the name matches no known guard family ({known}): serve the model under its "
            "original name, e.g. `vllm serve Qwen/Qwen3Guard-Gen-4B`"
        )
    if family.model_class == CLASSIFIER:
        raise ConfigError(
            f"judge guard:{model}: {family.name} is a classifier and cannot generate text: use it locally, as {model}"
        )
    return family


def _escaped(text: str) -> str:
    return escape(text, sorted(set(_CONTROL.findall(text)), key=len, reverse=True))
