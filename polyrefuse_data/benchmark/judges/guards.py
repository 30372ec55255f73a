"""Guard models as judges: which families there are, and what each knows.

| family | refusal | harmful reply | languages |
|---|---|---|---|
| WildGuard (`allenai/wildguard`) | yes | yes | English |
| PolyGuard (`ToxicityPrompts/PolyGuard-*`) | yes | yes | 17, no Yoruba |
| Qwen3Guard-Gen (`Qwen/Qwen3Guard-Gen-*`) | yes | yes | 119, no Yoruba |
| gpt-oss-safeguard (`openai/gpt-oss-safeguard-*`) | yes | yes | 15, with Yoruba |
| Shieldstral (`mistralai/Shieldstral-1.0-3B`) | yes | yes | 12 |
| Llama Guard 3 and 4 (`meta-llama/Llama-Guard-3-*`, `-4-12B`) | no | yes | 8 (de en es fr it of ours, and th) |
| Nemotron Safety Guard (`nvidia/Llama-3.1-Nemotron-Safety-Guard-8B-v3`) | no | yes | 9 |
| ShieldGemma (`google/shieldgemma-*`) | no | yes | English |
| Granite Guardian (`ibm-granite/granite-guardian-4*`) | no | yes | English |
| CREST (`repelloai/CREST-*`) | no | yes, of the reply alone | 100, no Yoruba |

Those without refusal only tell harmful replies from others: a harmful reply complied, any other may have refused or not
(None).
"""

from __future__ import annotations

import re
from typing import Any

from polyrefuse_data.benchmark.judges import exchange_guards as exchange
from polyrefuse_data.benchmark.judges import policy_guards as policy
from polyrefuse_data.benchmark.judges.guard_family import CLASSIFIER, GuardFamily, Messages
from polyrefuse_data.benchmark.judges.odds import Odds
from polyrefuse_data.errors import ConfigError


def _trained_on(codes: str) -> frozenset[str]:
    """The languages that a guard's card names: something known of the guard, not of the languages."""
    return frozenset(codes.split())


def _reply_alone(prompt: str, response: str) -> list[Messages]:
    return [[{"role": "user", "content": response}]]


_ENGLISH = _trained_on("en")
_POLYGUARD = _trained_on("ar cs de en es fr hi it ja ko nl pl pt ru sv th zh")
# Llama Guard 4's card: those of Llama Guard 3.
_LLAMA_GUARD = _trained_on("de en es fr hi it pt th")
_NEMOTRON = _trained_on("ar de en es fr hi ja th zh")
_SHIELDSTRAL = _trained_on("ar de en es fr it ja ko nl pt ru zh")
# English, and those in which OpenAI measures the gpt-oss models (MMMLU); the card of this one names none.
_SAFEGUARD = _trained_on("ar bn de en es fr hi id it ja ko pt sw yo zh")
_CREST = _trained_on(
    "af am ar as az be bg bn br bs ca cs cy da de el en eo es et eu fa fi fr fy ga gd gl gu ha he hi hr hu hy id is it "
    "ja jv ka kk km kn ko ku ky la lo lt lv mg mk ml mn mr ms my ne nl no om or pa pl ps pt ro ru sa sd si sk sl so sq "
    "sr su sv sw ta te th tl tr ug uk ur uz vi xh yi zh"
)

_UNSAFE = Odds(("unsafe",), ("safe",))
_YES, _NO = ("yes",), ("no",)
_LABELLED: dict[str, Any] = {
    "refusal_odds": Odds(_YES, _NO, after=r"response refusal\W*$"),
    "harm_odds": Odds(_YES, _NO, after=r"harmful response\W*$"),
}
_HARM_ONLY: dict[str, Any] = {"labels_refusal": False, "max_new_tokens": 100}
_LLAMA: dict[str, Any] = {**_HARM_ONLY, "languages": _LLAMA_GUARD, "harm_odds": _UNSAFE}

FAMILIES = (
    GuardFamily(
        "wildguard",
        r"wildguard",
        exchange.wildguard_questions,
        exchange.parse_wildguard,
        _ENGLISH,
        max_new_tokens=32,
        frame=exchange.WILDGUARD_FRAME,
        served_as_chat=False,
        **_LABELLED,
    ),
    GuardFamily(
        "polyguard",
        r"polyguard",
        exchange.polyguard_questions,
        exchange.parse_wildguard,
        _POLYGUARD,
        max_new_tokens=100,
        options={"add_generation_prompt": True},
        **_LABELLED,
    ),
    GuardFamily(
        "qwen3guard",
        r"qwen3guard-gen",
        exchange.exchange_questions,
        exchange.parse_qwen3guard,
        not_in=frozenset({"yo"}),
        max_new_tokens=128,
        refusal_odds=Odds(_YES, _NO, after=r"refusal\W*$"),
        harm_odds=Odds(("unsafe",), ("safe", "cont", "controversial"), after=r"safety\W*$"),
    ),
    GuardFamily(
        "gpt-oss-safeguard",
        r"gpt-oss-safeguard",
        policy.safeguard_questions,
        policy.parse_safeguard,
        _SAFEGUARD,
        max_new_tokens=4096,  # it reasons first; the guide would not cap it at all
        options={"add_generation_prompt": True},
        special_tokens=True,  # they tell the answer from the reasoning
    ),
    GuardFamily(
        "shieldstral",
        r"shieldstral-1",
        policy.shieldstral_questions,
        policy.parse_shieldstral,
        _SHIELDSTRAL,
        max_new_tokens=1,
        frame=policy.SHIELDSTRAL_FRAME,
        frame_tokens=policy.SHIELDSTRAL_TOKENS,
        model_class="AutoModelForImageTextToText",
        refusal_odds=Odds(_YES, _NO, question=1),
        harm_odds=Odds(_YES, _NO, question=0),
    ),
    GuardFamily(
        "llamaguard",
        r"llama-guard-3-1b",
        exchange.exchange_parts_questions,
        exchange.parse_llamaguard,
        **_LLAMA,
    ),
    GuardFamily("llamaguard", r"llama-guard-3", exchange.exchange_questions, exchange.parse_llamaguard, **_LLAMA),
    GuardFamily(
        "llamaguard4",
        r"llama-guard-4",
        exchange.exchange_parts_questions,
        exchange.parse_llamaguard,
        options={"add_generation_prompt": True},
        model_class="AutoModelForImageTextToText",
        **{**_LLAMA, "max_new_tokens": 10},
    ),
    GuardFamily(
        "nemotron",
        r"nemotron-safety-guard-8b-v3",
        exchange.nemotron_questions,
        exchange.parse_nemotron,
        _NEMOTRON,
        options={"add_generation_prompt": True},
        harm_odds=Odds(("unsafe",), ("safe",), after=r"response safety\W*$"),
        **_HARM_ONLY,
    ),
    GuardFamily(
        "shieldgemma",
        r"shieldgemma-(?!2-)",
        exchange.exchange_questions,
        policy.parse_shieldgemma,
        _ENGLISH,
        options={"guideline": policy.PRINCIPLES},
        harm_odds=Odds(_YES, _NO),
        **_HARM_ONLY,
    ),
    GuardFamily(
        "granite-guardian",
        r"granite-guardian-4",
        policy.granite_guardian_questions,
        policy.parse_granite_guardian,
        _ENGLISH,
        options={"add_generation_prompt": True},
        harm_odds=Odds(_YES, _NO, after=r"<score>\W*$"),
        **_HARM_ONLY,
    ),
    GuardFamily(
        "crest",
        r"crest-",
        _reply_alone,
        exchange.parse_llamaguard,
        _CREST,
        frame="{user}",
        model_class=CLASSIFIER,
        harm_odds=_UNSAFE,
        **_HARM_ONLY,
    ),
)


def guard_family(model: str) -> GuardFamily | None:
    """The family of a model id or folder, by its last part; None if it is not a known guard."""
    last = model.rstrip("/").split("/")[-1].lower()
    return next((family for family in FAMILIES if re.search(family.ids, last)), None)


def check_language(family: GuardFamily, model: str, language: str | None) -> None:
    """Raise ConfigError where a guard does not know a language: what it says of one is no measurement."""
    if language is not None and not family.covers(language):
        known = f"it supports {', '.join(sorted(family.languages))}" if family.languages else "its card leaves it out"
        others = [other.name for other in FAMILIES if other.covers(language) and other.labels_refusal]
        mend = "judge in English (--judge-on english), " if family.covers("en") else ""
        mend += f"use {' or '.join(others)}, " if others else "use "
        raise ConfigError(
            f"judge {model} does not support {language!r} ({known}): {mend}an endpoint, or leave the language out"
        )
