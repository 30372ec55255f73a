"""How families of models mark their reasoning, and the answer after it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Format:
    """How a family of models marks its reasoning."""

    opens: str  # what the reasoning begins with
    ends: str  # what the answer follows
    leads: str = ""  # the end of a generation prompt after which the model chooses between reasoning and answer
    leaves: str = ""  # what is written to leave the reasoning, where that is more than `ends`
    skips: str = ""  # what is written after `leads` for an answer, where that is not `ends`
    tells: bool = True  # whether `ends` in a reply says by itself that what stands before it is reasoning

    @property
    def closing(self) -> str:
        """What ends reasoning that has begun."""
        return self.leaves or f"\n{self.ends}\n\n"

    def closes(self, prompt: str, template: str) -> str | None:
        """What a generation prompt that leads into reasoning still needs for the answer to be next; None for others."""
        if self.leads:  # families share leads: that the template can write the reasoning tells which it is
            return self._skipping if prompt.endswith(self.leads) and self.opens in template else None
        return self.closing if prompt.rstrip().endswith(self.opens) else None

    @property
    def empty(self) -> str:
        """Reasoning that is none, for models that begin it themselves."""
        return self._skipping if self.leads else f"{self.opens}\n{self.closing}"

    @property
    def _skipping(self) -> str:
        return self.skips or self.ends


_FINAL = "<|channel|>final<|message|>"
_TO_USER = " to=user<|message|>"
_K3_RESPONSE = "<|open|>response<|sep|>"
_BUDGET = "<seed:cot_budget_reflect>"
_NO_BUDGET = "The current thinking budget is 0, so I will directly start answering the question."

FORMATS = (
    Format("<think>", "</think>"),  # DeepSeek, Qwen, GLM, SmolLM3 and most others
    Format("<thinking>", "</thinking>"),
    Format("[THINK]", "[/THINK]"),  # Magistral
    # Seed-OSS, and what it says where its template is given a budget of 0
    Format(f"<seed:think>{_BUDGET}", "</seed:think>", leaves=f"{_NO_BUDGET}</seed:cot_budget_reflect>\n</seed:think>"),
    Format("<seed:think>", "</seed:think>"),
    Format("<thought>", "</thought>"),  # EXAONE Deep
    Format("<Thought>", "</Thought>"),  # Marco-o1
    Format("<reasoning>", "</reasoning>"),  # Reka Flash
    Format("<longcat_think>", "</longcat_think>"),
    Format("<mm:think>", "</mm:think>"),  # MiniMax M3
    Format("<think:opensource>", "</think:opensource>"),  # HY V4
    Format("<ifm|think>", "</ifm|think>"),  # K2 Horizon, by effort
    Format("<ifm|think_fast>", "</ifm|think_fast>"),
    Format("<ifm|think_faster>", "</ifm|think_faster>"),
    Format("<|START_THINKING|>", "<|END_THINKING|>", leaves="<|END_THINKING|>"),  # Command A Reasoning
    Format("<|begin_of_thought|>", "<|end_of_thought|>"),  # OpenThinker
    Format("<|inner_prefix|>", "<|inner_suffix|>"),  # Apertus
    Format("<|think:start|>", "<|think:end|>"),  # Solar Open 2
    Format("<|plamo:begin_think:plamo|>", "<|plamo:end_think:plamo|>"),
    Format("[unused16]", "[unused17]"),  # openPangu
    Format("◁think▷", "◁/think▷"),  # Kimi-VL Thinking
    Format("<|channel>thought", "<channel|>", leaves="<channel|>"),  # Gemma 4
    Format("<|open|>think<|sep|>", "<|close|>think<|sep|>", leaves=f"<|close|>think<|sep|>{_K3_RESPONSE}"),  # Kimi K3
    Format("Here are my reasoning steps:", "[BEGIN FINAL RESPONSE]", leaves="\n[BEGIN FINAL RESPONSE]\n"),  # Apriel
    Format("Here is my thought process:", "Here is my response:", tells=False),  # Granite 3.2
    Format("Here's my thought process:", "Here's my response:", tells=False),
    Format(
        "<|channel|>analysis<|message|>", _FINAL, "<|start|>assistant", f"<|end|><|start|>assistant{_FINAL}"
    ),  # harmony: gpt-oss
    Format(
        "to=self<|message|>", _TO_USER, "<|start|>assistant", f"<|eom|><|start|>assistant{_TO_USER}"
    ),  # Muse Glimmer
    Format("<|think|>", "<|content|>", "<|begin|>assistant", "<|end|><|begin|>assistant<|content|>"),  # Solar Open
    Format(
        "<|content_thinking|>",
        "<|content_text|>",
        "<|message_model|>",
        "<|end_message|><|message_model|><|content_text|>",
    ),  # Inkling
    Format(
        "/think",
        "<|im_start|>assistant\n",
        "<|im_start|>assistant",
        "<|im_end|>\n<|im_start|>assistant\n",
        skips="\n",
        tells=False,
    ),  # HyperCLOVA X Think
)

# What some models wrap their answers in.
ANSWERS = (
    ("<answer>", "</answer>"),  # Hunyuan, and most that were taught as DeepSeek R1 Zero was
    ("<response>", "</response>"),  # Granite 3.3, ERNIE 4.5
    ("<solution>", "</solution>"),
    ("<Output>", "</Output>"),  # Marco-o1
    ("<|START_RESPONSE|>", "<|END_RESPONSE|>"),  # Command A Reasoning
    ("<|begin_of_solution|>", "<|end_of_solution|>"),  # OpenThinker
    (_K3_RESPONSE, "<|close|>response<|sep|>"),  # Kimi K3
    ("[BEGIN FINAL RESPONSE]", "[END FINAL RESPONSE]"),  # Apriel
)
