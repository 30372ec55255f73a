"""A Hub on the loopback as a private mirror, and public sets replaced by stand-ins in their own formats."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from huggingface_hub import constants

from polyrefuse_data.sources import REGISTRY
from tests.hub_double import TOKEN, HubDouble

StandIn = Callable[[str, Sequence[bytes]], None]


@pytest.fixture
def mirror(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[HubDouble]:
    """What HF_ENDPOINT sets in a process of its own."""
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    with HubDouble() as double:
        monkeypatch.setattr(constants, "ENDPOINT", double.endpoint)
        monkeypatch.setattr(
            constants, "HUGGINGFACE_CO_URL_TEMPLATE", double.endpoint + "/{repo_id}/resolve/{revision}/{filename}"
        )
        yield double


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """Puts files at the places of a public set in the cache, and pins their hashes."""
    monkeypatch.setenv("POLYREFUSE_CACHE", str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")

    def put(name: str, contents: Sequence[bytes]) -> None:
        public = REGISTRY[name]
        files = []
        for file, content in zip(public.files, contents, strict=True):
            parts = urlsplit(file.url)
            path = tmp_path / "sources" / parts.netloc / parts.path.lstrip("/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            files.append(replace(file, sha256=hashlib.sha256(content).hexdigest()))
        monkeypatch.setitem(REGISTRY, name, replace(public, files=tuple(files)))

    return put
