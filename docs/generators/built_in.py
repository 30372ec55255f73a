"""docs/reference/built-in.md: what goes by a short name: sets, languages, servers, models, judges, rules."""

from __future__ import annotations

import re

from docs.generators.markdown import MADE, code, table
from polyrefuse_data.benchmark.judges.guards import FAMILIES, GuardFamily
from polyrefuse_data.benchmark.judges.panel import RULES as VOTES
from polyrefuse_data.benchmark.selection import RULES
from polyrefuse_data.endpoints.presets import PRESETS
from polyrefuse_data.languages import describe_languages
from polyrefuse_data.models.pins import PINS
from polyrefuse_data.sources import describe_sources
from polyrefuse_data.translation.families import families

_HEAD = f"""\
# What is built in

{MADE}

A plug-in can replace anything named here ([extending](../extending.md)).
"""


def page() -> str:
    return "\n".join(
        [
            _HEAD,
            "## Prompt sets\n\nFor `name` of `[[sources]]` ([sources](../sources.md)).\n",
            _records(describe_sources()),
            "## Languages\n\nThese have a language pack; any other NLLB-200 language is named by its FLORES code.\n",
            _records(describe_languages()),
            "## API presets\n\nFor `preset` of a backend, and in `MODEL@PRESET` ([translation](../translation.md)).\n",
            _presets(),
            "## Prompts of translation models\n\nFor `prompt` of a backend; `auto` chooses by the model's name.\n",
            _prompts(),
            "## Models fetched at a pinned commit\n\nBy `polyrefuse fetch-model`.\n",
            table(("model", "commit"), ((code(name), code(pin.revision)) for name, pin in PINS.items())),
            "## Judges\n\nFor `--judge` ([judges](../judges.md)). A guard goes by its Hub id, which contains "
            "the name below.\n",
            _judges(),
            "## Selection rules\n\nFor `--rule` ([benchmark](../benchmark.md)).\n",
            table(("rule", "highest KL"), ((code(name), f"{rule.max_kl:g}") for name, rule in RULES.items())),
        ]
    )


def _records(records: list[dict[str, str]]) -> str:
    return table(
        list(records[0]),
        (
            [
                code(str(value)) if key in ("name", "code", "revision") and value else str(value)
                for key, value in record.items()
            ]
            for record in records
        ),
    )


def _presets() -> str:
    rows = (
        (code(name), code(preset.base_url or preset.example) or "OpenAI's own", code(preset.api_key_env) or "none")
        for name, preset in PRESETS.items()
    )
    return table(("preset", "address", "variable with the key"), rows)


def _prompts() -> str:
    rows = [(code("json"), "any chat model: the text as data in JSON", "any")]
    for name, family in families().items():
        rows.append((code(name), family.card, f"{len(family.codes())}" if family.codes() else "any"))
    return table(("prompt", "for", "languages"), rows)


def _judges() -> str:
    rows = [
        (code("phrases"), "lists of phrases, without a model", "the fourteen languages"),
        (code("openai:MODEL@URL"), "a chat model behind an OpenAI-compatible API", "any"),
        *((code(_name(family)), f"a guard model, {_says(family)}", _knows(family)) for family in FAMILIES),
        (code("A,B,C"), f"several that vote: {', '.join(VOTES)}", "the languages that all of them support"),
    ]
    return table(("judge", "what it is", "languages"), rows)


def _name(family: GuardFamily) -> str:
    """What ids of the family contain, as a reader would write it: without the lookahead of its regular expression."""
    return re.sub(r"\(.*\)", "", family.ids).rstrip("-")


def _says(family: GuardFamily) -> str:
    return "which labels refusal and harm" if family.labels_refusal else "which labels harm alone"


def _knows(family: GuardFamily) -> str:
    if family.languages is not None:
        return " ".join(sorted(family.languages))
    return f"any but {' '.join(sorted(family.not_in))}"
