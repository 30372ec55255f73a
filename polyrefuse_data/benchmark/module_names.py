"""A name for the list of a decoder's blocks, where several would do."""

from __future__ import annotations

from dataclasses import dataclass

from polyrefuse_data.errors import ConfigError


@dataclass(frozen=True)
class ModuleNames:
    """Override of what is found: the dotted name of the list of blocks."""

    blocks: str | None = None

    @classmethod
    def parse(cls, text: str) -> ModuleNames:
        """`blocks=model.layers`. Raises ConfigError for anything else."""
        name, _, value = (part.strip() for part in text.partition("="))
        if name != "blocks" or not value:
            raise ConfigError(f"modules {text!r}: write blocks=NAME")
        return cls(value)
