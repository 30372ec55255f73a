from __future__ import annotations

import pytest

from tests.cli.world import World
from tests.faults.launcher import Launcher


@pytest.fixture(scope="package")
def world(tmp_path_factory: pytest.TempPathFactory, launcher: Launcher) -> World:
    return World(tmp_path_factory.mktemp("world"), launcher)
