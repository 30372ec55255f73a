"""The tokens that end a reply, as configuration, tokenizer and template name them."""

from __future__ import annotations

from typing import Any

from polyrefuse_data.errors import ModelError


def end_token_ids(network: Any, tokenizer: Any, end_of_turn: int, name: str) -> frozenset[int]:
    """Those of the generation config, the tokenizer's, and the template's end of turn.

    Raises ModelError where the configuration ends replies at an ordinary word of the tokenizer: it is another model's.
    """
    declared = getattr(network.generation_config, "eos_token_id", None)
    ends: set[int] = {token for token in (declared if isinstance(declared, list) else [declared]) if token is not None}
    if not all(isinstance(token, int) and token >= 0 for token in ends):
        raise ModelError(
            f"{name}: eos_token_id in its generation_config.json is not a token id ({declared!r}); correct it"
        )
    known = tokenizer.added_tokens_decoder.keys() | set(tokenizer.all_special_ids)
    if ends and not ends & known:
        ids = ", ".join(f"{token} ({tokenizer.decode([token])!r})" for token in sorted(ends))
        raise ModelError(
            f"{name}: its configuration ends replies at token {ids}, which is not a special token of the tokenizer "
            f"(which ends them at {tokenizer.eos_token!r}): put the model's own tokenizer in the folder"
        )
    if tokenizer.eos_token_id is not None:
        ends.add(tokenizer.eos_token_id)
    if end_of_turn in tokenizer.all_special_ids:
        ends.add(end_of_turn)
    return frozenset(ends)
