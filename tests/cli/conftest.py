from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.cli.world import MODULES, World
from tests.faults.launcher import Launcher


@pytest.fixture(scope="package")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("world")
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    with Launcher(folder / "log.txt", *MODULES, env=environment) as launcher:
        yield World(folder, launcher)
