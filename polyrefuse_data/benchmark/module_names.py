"""Names for a decoder's blocks and sublayers, if they cannot be found or are ambiguous."""

from __future__ import annotations

from dataclasses import dataclass, fields

from polyrefuse_data.errors import ConfigError


@dataclass(frozen=True)
class ModuleNames:
    """Overrides for what is found by itself: the dotted name of the list of blocks, and the names of the sublayers in a
    block."""

    blocks: str | None = None
    attention: str | None = None
    mlp: str | None = None

    @classmethod
    def parse(cls, text: str) -> ModuleNames:
        """Parse `blocks=model.layers,attention=self_attn,mlp=mlp`, or parts of it. Raises ConfigError for anything
        else."""
        known = {field.name for field in fields(cls)}
        pairs = [part.partition("=") for part in text.split(",")]
        given = {name.strip(): value.strip() for name, _, value in pairs}
        if not set(given) <= known or not all(given.values()) or len(given) < len(pairs):
            raise ConfigError(f"modules {text!r}: write blocks=NAME,attention=NAME,mlp=NAME, or only some of them")
        return cls(**given)
