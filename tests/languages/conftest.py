from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from polyrefuse_data.languages import registry

SWEDISH = Path(__file__).resolve().parents[2] / "examples" / "languages" / "sv"


@pytest.fixture(autouse=True)
def no_packs_from_outside(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a test adds is gone after it."""
    monkeypatch.setenv(registry.PACKS_VARIABLE, "")
    monkeypatch.setattr(registry, "_added", {})
    registry._installed.cache_clear()
    yield
    registry._installed.cache_clear()
