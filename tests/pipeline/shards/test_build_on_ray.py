"""A build on a real Ray cluster of two nodes on this machine: the local engine's bytes, whatever dies on the way."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pyarrow.parquet as pq
import pytest

from polyrefuse_data.config import EngineConfig
from polyrefuse_data.endpoints.limits import RateLimits
from polyrefuse_data.engines import Stage, open_engine
from polyrefuse_data.engines.ray import ENVIRONMENT
from polyrefuse_data.errors import EndpointError
from polyrefuse_data.pipeline.build import build
from polyrefuse_data.quality.suite import quality_config
from polyrefuse_data.workspace import Workspace
from tests.endpoints.api_server import API_KEY, ApiServer, answer, error
from tests.patience import LONG_ENOUGH
from tests.pipeline.test_build import ENGLISH, GERMAN, api_backend, config, program
from tests.pipeline.test_build import folder as folder  # a fixture
from tests.test_extending import files as page_files

ray = pytest.importorskip("ray", reason='the ray engine needs `pip install "polyrefuse-data[ray]"`')


pytestmark = pytest.mark.slow  # two nodes take half a minute; tests/engines has the engine alone


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """The address of a cluster of two nodes with two cores each."""
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TEST_API_KEY", API_KEY)  # its workers inherit our environment
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        started = Cluster(initialize_head=True, head_node_args={"num_cpus": 2, "include_dashboard": False})
        started.add_node(num_cpus=2)
        yield started.address
        ray.shutdown()
        started.shutdown()


def settings(folder: Path, *backends: dict[str, Any], **engine: Any) -> Any:
    made = config(folder, *backends, back_translation=program(folder))
    return made.model_copy(update={"engine": EngineConfig(shard_prompts=2, **engine)})


def files(folder: Path, name: str) -> dict[str, bytes]:
    workspace = Workspace(folder / name)
    return {path.name: path.read_bytes() for path in (workspace.rows, workspace.attempts, workspace.prompts)}


def test_same_bytes_as_the_local_engine_with_refusals_and_fall_backs(folder: Path, cluster: str) -> None:
    there = dict(zip(ENGLISH, GERMAN, strict=True))
    with ApiServer(lambda text, _: there.get(text, "?")) as api, pytest.MonkeyPatch.context() as patch:
        patch.setenv("TEST_API_KEY", API_KEY)
        backends = (api_backend(api, requests_per_minute=6000), program(folder))
        for name, engine, address in (("local", "local", None), ("ray", "ray", cluster)):
            api.faults[ENGLISH[0]] = [answer(None, refusal="I can't help with that.")]
            api.faults[ENGLISH[1]] = [error(400, "filtered", "content_filter")]
            api.faults[ENGLISH[2]] = [answer(json.dumps({"translation": "This is no German."}))]
            workspace, made = Workspace(folder / name), settings(folder, *backends, actors=2)
            summary = build(workspace, made, engine=engine, address=address, progress=False)
            assert summary.rows == 24
    assert files(folder, "ray") == files(folder, "local")
    assert summary.translators["command:program"] == {"accepted": 3}  # type: ignore[union-attr]
    assert API_KEY.encode() not in (folder / "ray" / "journal.sqlite").read_bytes()


def test_killed_worker_costs_nothing(folder: Path, cluster: str) -> None:
    slow = settings(folder, program(folder, delay=0.3), actors=2)
    build(Workspace(folder / "local"), slow, progress=False)
    (folder / "asked.txt").unlink()
    killed: list[int] = []

    def kill_an_actor() -> None:
        while not killed:
            time.sleep(0.05)
            if (folder / "asked.txt").exists() and (folder / "asked.txt").stat().st_size > 200:
                workers = [p for p in psutil.process_iter(["name", "cmdline"]) if _is_actor(p)]
                for worker in workers[:1]:
                    worker.kill()
                    killed.append(worker.pid)

    killer = threading.Thread(target=kill_an_actor, daemon=True)
    killer.start()
    build(Workspace(folder / "ray"), slow, engine="ray", address=cluster, progress=False)
    killer.join(timeout=LONG_ENOUGH)
    assert killed
    local, on_ray = files(folder, "local"), files(folder, "ray")
    assert on_ray == local


def _is_actor(process: psutil.Process) -> bool:
    return any("MapWorker" in part for part in process.info["cmdline"] or [])


def test_stopped_run_goes_on_with_the_unfinished_shards(folder: Path, cluster: str) -> None:
    build(Workspace(folder / "local"), settings(folder, program(folder)), progress=False)
    there = dict(zip(ENGLISH, GERMAN, strict=True))
    with ApiServer(lambda text, _: there.get(text, "?")) as api, pytest.MonkeyPatch.context() as patch:
        patch.setenv("TEST_API_KEY", API_KEY)
        made = settings(folder, api_backend(api, concurrency=1))
        api.faults[ENGLISH[7]] = [error(429, "no credit", "insufficient_quota")]
        with pytest.raises(EndpointError, match="run again to continue"):
            build(Workspace(folder / "ray"), made, engine="ray", address=cluster, progress=False)
        asked = set(api.asked)
        api.asked.clear()
        build(Workspace(folder / "ray"), made, engine="ray", address=cluster, progress=False)
        assert not (set(api.asked) & asked) - {ENGLISH[7]}
    ours = Workspace(folder / "ray").read_rows().drop_columns("translator")
    assert ours.equals(Workspace(folder / "local").read_rows().drop_columns("translator"))


class AcquireFour:
    def __init__(self, limits: RateLimits) -> None:
        self.limits = limits

    def __call__(self, item: list[float]) -> list[float]:
        for _ in range(4):
            time.sleep(self.limits.reserve(1))
        return [*item, time.time()]


def test_one_rate_limit_for_the_whole_cluster(cluster: str) -> None:
    """60 requests a minute, 5 of them at once: two workers with 4 each have to wait 3 seconds for each other."""
    with open_engine("ray", EngineConfig(), cluster) as engine:
        limits = engine.share(partial(RateLimits, 60, None))
        started = time.time()
        done = list(engine.run([Stage("acquire", AcquireFour(limits), False)], ([float(n)] for n in range(2))))
    assert max(item[1] for item in done) - started >= 3


def test_plug_ins_work_in_the_processes_of_a_cluster(
    folder: Path, cluster: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modules = tmp_path / "modules"
    modules.mkdir()
    for name, text in page_files().items():
        if name.endswith(".py"):
            (modules / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(modules)
    monkeypatch.setattr(sys, "path", [*sys.path])
    words = dict(zip(ENGLISH, GERMAN, strict=True))
    made = settings(folder, {"engine": "my_mt:Glossary", "words": words}, actors=2)
    made = made.model_copy(update={"quality": quality_config({"checks": ["my_checks:SHOUTING"]})})
    for name, engine, address in (("plugged", "local", None), ("plugged-ray", "ray", cluster)):
        build(Workspace(folder / name), made, engine=engine, address=address, progress=False)
    assert files(folder, "plugged") == files(folder, "plugged-ray")
    assert "capitals" in pq.read_schema(Workspace(folder / "plugged-ray").scores).names
