"""What the source says of each field of a class: its docstring, or the comment beside or above it."""

from __future__ import annotations

import inspect
import re
import tokenize

_FIELD = re.compile(r"\s*(\w+): ")


def comments(of: type) -> dict[str, str]:
    """Field -> its comment, of the fields that the class itself declares."""
    lines = inspect.getsource(of).splitlines(keepends=True)
    said = {token.start[0]: token for token in tokenize.generate_tokens(iter(lines).__next__) if _is_comment(token)}
    found = {}
    for number, line in enumerate(lines, start=1):
        if field := _FIELD.match(line):
            own = [said[number]] if number in said else _above(said, number, lines)
            if own:
                found[field[1]] = " ".join(token.string.lstrip("# ") for token in own)
    return found


def _is_comment(token: tokenize.TokenInfo) -> bool:
    return token.type == tokenize.COMMENT


def _above(said: dict[int, tokenize.TokenInfo], number: int, lines: list[str]) -> list[tokenize.TokenInfo]:
    """The lines of comment that stand directly above a line, and have it to themselves."""
    block: list[tokenize.TokenInfo] = []
    while (token := said.get(number - 1)) and lines[number - 2].lstrip().startswith("#"):
        block.insert(0, token)
        number -= 1
    return block
