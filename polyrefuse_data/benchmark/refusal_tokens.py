"""The tokens that refusals start with, per model and language: found in the model's own replies, or the published
lists."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from polyrefuse_data.errors import ConfigError
from polyrefuse_data.languages import find_language

if TYPE_CHECKING:
    from polyrefuse_data.benchmark.model import ChatModel

# They are found in short replies to the first training prompts of each label: judges need no more than the opening.
_PROMPTS = 64
_REPLY_TOKENS = 32

# A first token counts when at least this share of the refusals starts with it,
MIN_SHARE = 0.05
# and when it is at least this many times as frequent among refusals as among other replies.
MIN_CONTRAST = 2.0

# Families of models for which the paper's code has refusal tokens (github.com/mainlp/Multilingual-Refusal,
# pipeline/model_utils), by model type and vocabulary size. The tokens stand in the language packs (`first_tokens` of
# replies.toml): nine languages at most; any other has no published tokens.
PUBLISHED: dict[tuple[str, int], str] = {
    ("qwen2", 152064): "qwen2.5",
    ("qwen2", 151936): "qwen2.5",
    ("llama", 128256): "llama3",
    ("gemma2", 256000): "gemma2",
    ("llama", 64000): "yi",
}


@dataclass(frozen=True)
class RefusalTokens:
    """Refusal tokens of one language. `source` is found, pooled (found in other languages' replies) or published."""

    ids: list[int]
    source: str
    refusals: int  # replies that the judge called refusals

    def record(self, tokenizer: Any) -> dict[str, Any]:
        """As written to selection/<lang>.json."""
        return {
            "ids": self.ids,
            "tokens": [tokenizer.decode([token]) for token in self.ids],
            "source": self.source,
            "refusals": self.refusals,
        }


def find_refusal_tokens(
    model: ChatModel, harmful: Sequence[str], harmless: Sequence[str], language: str, judge: str = "phrases"
) -> list[int]:
    """The tokens that the model's refusals in `language` start with, most frequent first; empty if it refuses nothing.

    The model answers the first 64 prompts of each class in 32 tokens, the judge decides which replies refuse, and a
    first token counts if at least 5% of the refusals start with it and it is at least twice as frequent there as in
    other replies.
    """
    return pick_tokens(*first_tokens(model, harmful, harmless, language, judge))


def first_tokens(
    model: ChatModel, harmful: Sequence[str], harmless: Sequence[str], language: str, judge: str = "phrases"
) -> tuple[Counter[int], Counter[int]]:
    """Count the first tokens of the replies that refuse, and of the others.

    The phrases judge is used for languages that it knows, because it needs no memory while the model is loaded; `judge`
    is for the rest.
    """
    from polyrefuse_data.benchmark.generation import generate
    from polyrefuse_data.benchmark.judges import judge_refusal
    from polyrefuse_data.benchmark.judges.phrases import list_languages

    prompts = [*harmful[:_PROMPTS], *harmless[:_PROMPTS]]
    replies = generate(model, prompts, max_new_tokens=_REPLY_TOKENS)
    asked = "phrases" if language in list_languages() else judge
    refused = judge_refusal([reply.text for reply in replies], language, asked, prompts)
    answers = [reply.answer_token_ids for reply in replies]
    return first_token_counts([answer[0] if answer else None for answer in answers], refused)


def first_token_counts(
    first_tokens: Sequence[int | None], refused: Sequence[bool | None]
) -> tuple[Counter[int], Counter[int]]:
    """Count first tokens of the refusals and of the other replies; empty and invalid replies count in neither."""
    refusing: Counter[int] = Counter()
    others: Counter[int] = Counter()
    for token, refusal in zip(first_tokens, refused, strict=True):
        if token is not None and refusal is not None:
            (refusing if refusal else others)[token] += 1
    return refusing, others


def pick_tokens(refusing: Counter[int], others: Counter[int]) -> list[int]:
    """Tokens that start refusals, most frequent first: common among refusals and much rarer among other replies.

    If no token separates them that well, the best one is taken.
    """
    if not refusing:
        return []
    n_refusing, n_others = refusing.total(), max(others.total(), 1)
    ranked = sorted(refusing.items(), key=lambda item: (-item[1], item[0]))
    common = [(token, count / n_refusing, others[token] / n_others) for token, count in ranked]
    common = [entry for entry in common if entry[1] >= MIN_SHARE] or common[:1]
    telling = [token for token, share, elsewhere in common if share >= MIN_CONTRAST * elsewhere]
    return telling or [max(common, key=lambda entry: entry[1] - entry[2])[0]]


def find_tokens(counts: dict[str, tuple[Counter[int], Counter[int]]]) -> dict[str, RefusalTokens]:
    """Refusal tokens for every language in `counts`.

    A language in which the model never refuses gets the tokens found in all languages together, which may be none.
    """
    pooled_refusing: Counter[int] = sum((refusing for refusing, _ in counts.values()), Counter())
    pooled_others: Counter[int] = sum((others for _, others in counts.values()), Counter())
    pooled = pick_tokens(pooled_refusing, pooled_others)
    found = {}
    for language, (refusing, others) in counts.items():
        own = pick_tokens(refusing, others)
        source = "found" if own else "pooled"
        found[language] = RefusalTokens(own or pooled, source, refusing.total())
    return found


def published_tokens(model_type: str, vocabulary: int, languages: Sequence[str]) -> dict[str, RefusalTokens]:
    """The published lists for these languages; a language without a list gets no tokens.

    Raises ConfigError if there are no lists for the model.
    """
    if (model_type, vocabulary) not in PUBLISHED:
        raise ConfigError(
            f"no published refusal tokens for model type {model_type!r} with {vocabulary} tokens: "
            'use refusal_tokens="found"'
        )
    family = PUBLISHED[model_type, vocabulary]
    return {code: RefusalTokens(_published(code, family), "published", 0) for code in languages}


def _published(code: str, family: str) -> list[int]:
    known = find_language(code)
    return known.replies.tables.first_tokens.get(family, []) if known and known.replies else []
