"""What is known of a public set of prompts: where its files are, what they call things, its terms and its use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from polyrefuse_data.rows import HARMFUL

GITHUB = "https://raw.githubusercontent.com"
HUB = "https://huggingface.co/datasets"

Keep = Callable[[Mapping[str, Any]], bool]


@dataclass(frozen=True)
class PublicFile:
    """One file of a public set, and the fields to read: names, or paths such as `turns.0`."""

    url: str  # for a set with a `hub`: a pattern of paths in that dataset
    sha256: str | None = None  # None: not published anywhere that we know of; recorded on first use
    text: str = "text"
    category: str | None = None
    level: str | None = None  # how grave the harm is: told as the end of the category
    split: str | None = None  # None: dealt 60/20/20 by id
    label: str = HARMFUL
    labels: tuple[str, Mapping[str, str]] | None = None  # the field that says the label, and its values
    keep: Keep = lambda fields: True
    headings: tuple[str, ...] = ()  # of a CSV file that has none
    translations: Mapping[str, str] = field(default_factory=dict)  # language -> field with a translation by a person


@dataclass(frozen=True)
class PublicSet:
    """A public set of prompts: its location, revision, terms and use."""

    name: str
    title: str
    revision: str | None  # None: no commit is known that we could pin, so the config has to name one
    license: str
    use: str
    files: tuple[PublicFile, ...]
    hub: str | None = None  # the Hub dataset to read with the user's token; else every file has an address

    @property
    def address(self) -> str:
        return f"{HUB}/{self.hub}" if self.hub else self.files[0].url

    @property
    def translated_into(self) -> list[str]:
        """The languages into which people have translated it."""
        return sorted({code for file in self.files for code in file.translations})
