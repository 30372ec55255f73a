"""Judges: does a reply refuse or comply, or is it invalid, empty, degenerate or in the wrong language?

    judge_refusal(["I can't help with that."], "en")                     -> [True]
    judge_replies(replies, "th", judge="Qwen/Qwen3Guard-Gen-4B", prompts=prompts) -> list[Verdict]

`judge` is a name: `phrases` (phrase lists of the fourteen languages, no model), a guard model's id,
`guard:<model>@<base_url>` for one that is served, `openai:<model>@<base_url>`, or a plug-in (`my_judges:Mine`, or an
entry point). Or it is a `Judge` from `open_judge`, which keeps its model loaded between calls.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from polyrefuse_data import plugins
from polyrefuse_data.benchmark.judges.base import NO_OPINION, Judge, Opinion, Verdict
from polyrefuse_data.benchmark.judges.conditions import is_degenerate, is_empty, off_language
from polyrefuse_data.benchmark.judges.panel import Joint, PanelJudge, panel_of
from polyrefuse_data.benchmark.judges.plugged import PluggedJudge
from polyrefuse_data.errors import ConfigError
from polyrefuse_data.text.counts import counted

if TYPE_CHECKING:
    from polyrefuse_data.benchmark.purse import Purse

__all__ = [
    "Judge",
    "Verdict",
    "asks_endpoints",
    "judge_refusal",
    "judge_replies",
    "judge_signature",
    "open_judge",
    "prepare_judge",
]


def open_judge(name: str, journal: Path | None = None, purse: Purse | None = None) -> Judge:
    """The judge with that name, or the panel of several (`A,B`, `any:A,B`, `all:A,B`), not loaded yet. What endpoints
    say is kept in `journal` and paid from `purse`, if given. Raises ConfigError for an unknown name."""
    if panel := panel_of(name):
        rule, members = panel
        return PanelJudge(rule, [open_judge(member, journal, purse) for member in members])
    if name == "phrases":
        from polyrefuse_data.benchmark.judges.phrases import PhrasesJudge

        return PhrasesJudge()
    if name.startswith("openai:"):
        from polyrefuse_data.benchmark.judges.endpoint import EndpointJudge

        return EndpointJudge(name, journal, purse)
    if name.startswith("guard:"):
        from polyrefuse_data.benchmark.judges.guard_endpoint import GuardEndpointJudge

        return GuardEndpointJudge(name, journal, purse)
    from polyrefuse_data.benchmark.judges.guards import guard_family

    model, _, revision = name.partition("@")
    family = guard_family(model)
    if family is None:
        if plugin := plugins.find(plugins.JUDGES, name):
            return PluggedJudge(plugin)
        raise ConfigError(
            f"unknown judge {name!r}: use phrases, openai:<model>@<base_url>, a guard model: allenai/wildguard, "
            "ToxicityPrompts/PolyGuard-Qwen, Qwen/Qwen3Guard-Gen-4B, meta-llama/Llama-Guard-3-8B (@revision may "
            "follow), one that is served: guard:<model>@<base_url>, or a plug-in: "
            + ", ".join(["module:NAME", *plugins.installed(plugins.JUDGES)])
        )
    from polyrefuse_data.benchmark.judges.guard_judge import GuardJudge

    return GuardJudge(model, family, revision or None)


def asks_endpoints(name: str) -> bool:
    """Whether a judge, or one of a panel, is behind an endpoint."""
    _, members = panel_of(name) or ("", [name])
    return any(member.startswith(("openai:", "guard:")) for member in members)


def judge_refusal(
    responses: Sequence[str], language: str, judge: str | Judge = "phrases", prompts: Sequence[str] | None = None
) -> list[bool | None]:
    """Whether each reply refuses: True, False, or None if there is no usable verdict (empty reply, unparseable output).

    `language` is the language of the prompts. Arguments and errors are those of `judge_replies`.
    """
    return [verdict.refusal for verdict in judge_replies(responses, language, judge, prompts)]


def judge_replies(
    responses: Sequence[str],
    language: str,
    judge: str | Judge = "phrases",
    prompts: Sequence[str] | None = None,
    asked: Sequence[str] | None = None,
) -> list[Verdict]:
    """One verdict per reply, in order.

    `prompts` are the prompts that were answered, one per reply; guard models and endpoints need them, and echoes are
    detected with them. `asked` are the prompts as given to the model, if the judge reads others (their English). An
    empty reply is never shown to the judge. Raises ConfigError for an unknown judge, a language it cannot judge, or
    missing prompts; MissingPrerequisite for a missing model or key; EndpointError if an endpoint stops answering.
    """
    if prompts is not None and len(prompts) != len(responses):
        raise ConfigError(
            f"{counted(len(responses), 'reply', 'replies')} but {counted(len(prompts), 'prompt')} to judge: "
            "give one prompt per reply"
        )
    with contextlib.ExitStack() as stack:
        if isinstance(judge, str):
            judge = open_judge(judge)
            stack.callback(judge.close)
        if judge.needs_prompts and prompts is None:
            raise ConfigError("this judge also reads the prompts: pass prompts=[...], one per reply")
        filled = [index for index, response in enumerate(responses) if not is_empty(response)]
        opinions: dict[int, Opinion] = dict(
            zip(
                filled,
                judge.opinions(
                    [responses[index] for index in filled], language, prompts and [prompts[index] for index in filled]
                ),
                strict=True,
            )
        )
    elsewhere = off_language(responses, language)
    got: Sequence[str | None] = asked or prompts or [None] * len(responses)
    nothing = [
        is_degenerate(response, None if elsewhere[index] else language, got[index])
        for index, response in enumerate(responses)
    ]
    return [
        _verdict(response, opinions.get(index, NO_OPINION), nothing[index], elsewhere[index])
        for index, response in enumerate(responses)
    ]


def prepare_judge(judge: str | Judge, languages: Sequence[str]) -> None:
    """Check, before there are any replies, that a judge can judge them (in these languages, if given).

    Raises ConfigError for an unknown judge or a language that it cannot judge; MissingPrerequisite for a missing model,
    key or server.
    """
    with contextlib.ExitStack() as stack:
        if isinstance(judge, str):
            judge = open_judge(judge)
            stack.callback(judge.close)
        for language in languages:  # told before a model is missing
            judge.signature(language)
        judge.signature()
        if prepare := getattr(judge, "prepare", None):
            prepare()


def judge_signature(judge: str | Judge = "phrases", language: str | None = None) -> str:
    """Name, version and everything else that affects the verdicts (hash of the list, model and revision), in one
    line."""
    return (open_judge(judge) if isinstance(judge, str) else judge).signature(language)


def _verdict(response: str, opinion: Opinion, degenerate: bool, elsewhere: bool) -> Verdict:
    if is_empty(response):
        return Verdict(None, empty=True)
    return Verdict(
        opinion.refusal,
        opinion.harmful,
        degenerate=degenerate,
        off_language=elsewhere and not degenerate,
        partial=opinion.partial,
        controversial=opinion.controversial,
        opinions=opinion.members if isinstance(opinion, Joint) else (),
        refusal_score=opinion.refusal_score,
        harm_score=opinion.harm_score,
    )
