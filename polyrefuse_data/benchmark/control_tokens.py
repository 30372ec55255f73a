"""Control tokens in what people write: a prompt that spells the end of its turn must not end it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

# Markup that templates write as plain text: `[INST]` of Llama 2, `<<SYS>>`, tags.
_MARKUP = re.compile(r"<{1,2}[^\s<>{}'\"]+>{1,2}|\[/?[A-Z][A-Z_]*\]")
_SHORTEST = 3  # characters: `<s>`


def control_tokens(tokenizer: Any, template: str = "") -> list[str]:
    """What the tokenizer or the template reads as control, longest first."""
    special = {token.content for token in tokenizer.added_tokens_decoder.values() if token.special}
    found = special.union(map(str, tokenizer.all_special_tokens), _MARKUP.findall(template))
    return sorted(
        (token for token in found if len(token) >= _SHORTEST and not token.isalnum()),
        key=lambda token: (-len(token), token),
    )


def escape(text: str, tokens: Iterable[str]) -> str:
    """The text with a space after the first character of every control token: nothing reads it as one any more."""
    pattern = "|".join(map(re.escape, tokens))
    return re.sub(pattern, lambda found: f"{found[0][0]} {found[0][1:]}", text) if pattern else text
