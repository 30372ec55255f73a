"""kill -9 at random moments of every command that writes: run again, it ends in the same bytes as if never killed.

FAULTS_KILLS says how many moments a command (`make faults`: 50), FAULTS_SEED which ones.
"""

from __future__ import annotations

import copy
import os
import random
import shutil
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from polyrefuse_data.demo.bundled import CHAT, bundled_model
from polyrefuse_data.quality.provenance import provenance_of
from tests.cases import quick
from tests.faults.launcher import Ended, Launcher
from tests.faults.worlds import contents, make_build, make_import, make_release
from tests.hub_double import HubDouble

KILLS = int(os.environ.get("FAULTS_KILLS", "2"))
SEED = int(os.environ.get("FAULTS_SEED", "0"))
TRIES = 4
REPO = "safety/prompts"


def moments(command: str, kills: int = KILLS) -> list[float]:
    """A random moment in each of `kills` equal parts of a run, as a share of the time that the run takes."""
    chance = random.Random(f"{SEED} {command}")
    return [(part + chance.random()) / kills for part in range(kills)]


def kill_everywhere(
    command: str,
    run: Callable[..., Ended],
    prepare: Callable[[], None],
    result: Callable[[], object],
    number: int = signal.SIGKILL,
) -> None:
    """Run once undisturbed; then, for each moment, anew with a signal at that moment, and again to the end.

    A run that is over before its signal comes tells how long runs take by now (a busy machine may have become quiet),
    and its moment is tried again.
    """
    prepare()
    first = run()
    assert first.code == 0, first.printed
    wanted = result()
    prepare()
    usual = run().seconds  # the first run may have filled caches of the system
    shares = moments(command)
    ends: Counter[int] = Counter()
    for share in shares:
        for _ in range(TRIES):
            prepare()
            killed = run(after=share * usual, number=number)
            again = run()
            assert again.code == 0, f"killed after {share * usual:.3f} s: {again.printed}"
            assert result() == wanted, f"killed after {share * usual:.3f} s"
            if killed.code != 0:
                break
            usual = killed.seconds
        ends[killed.code] += 1
    stopped = len(shares) - ends[0]
    print(
        f"\n{command}: seed {SEED}, {usual:.2f} s undisturbed, {len(shares)} moments from {shares[0]:.1%} to "
        f"{shares[-1]:.1%} of it, {stopped} stopped part-way, the others had ended; all ended in the same bytes"
    )
    assert stopped >= len(shares) // 2
    assert set(ends) <= {0, 4, -number}  # the signal's own code: before the command listens to it
    assert number == signal.SIGKILL or ends[4] >= ends[-number]


def test_build(tmp_path: Path, launcher: Launcher) -> None:
    """Three shards: a worker process checks rows, and finished shards are kept."""
    kill_a_build(tmp_path, launcher, signal.SIGKILL, shards=3)


def test_build_that_is_asked_to_stop(tmp_path: Path, launcher: Launcher) -> None:
    kill_a_build(tmp_path, launcher, signal.SIGTERM, shards=1)


def kill_a_build(folder: Path, launcher: Launcher, number: int, shards: int) -> None:
    workspace = folder / "ws"
    config = make_build(workspace, shards=shards)
    shutil.copytree(workspace, folder / "given")

    def prepare() -> None:
        shutil.rmtree(workspace)
        shutil.copytree(folder / "given", workspace)

    def result() -> dict[str, bytes]:
        made = contents(workspace)
        assert made.pop("journal.sqlite")  # its answers are the same, in another order
        assert made.pop("asked.txt")
        return made

    name = f"build in {shards} shards, {signal.Signals(number).name}"
    kill_everywhere(name, lambda **kill: launcher.run("build", "-c", config, **kill), prepare, result, number)


@pytest.mark.parametrize("number", quick([signal.SIGKILL], [signal.SIGTERM]))
def test_import(tmp_path: Path, launcher: Launcher, number: int) -> None:
    """Until its rows are checked there are none; the same command ends it."""
    file, workspace = make_import(tmp_path), tmp_path / "ws"

    def run(**kill: float) -> Ended:
        ended = launcher.run("import", file, "--out", workspace, **kill)
        rows = workspace / "rows.parquet"
        assert not rows.exists() or provenance_of(pq.read_schema(rows)) is not None
        return ended

    kill_everywhere(
        f"import, {signal.Signals(number).name}",
        run,
        lambda: shutil.rmtree(workspace, ignore_errors=True),
        lambda: contents(workspace),
        number,
    )


def test_check(tmp_path: Path, launcher: Launcher) -> None:
    """Of rows that lost their scores, under other bounds than before."""
    given, workspace = tmp_path / "given", tmp_path / "ws"
    assert launcher.run("import", make_import(tmp_path), "--out", given).code == 0
    (given / "scores.parquet").unlink()
    with (given / "polyrefuse.toml").open("a") as config:
        config.write("\n[quality.thresholds]\nlength_ratio_max = 1.3\n")

    def prepare() -> None:
        shutil.rmtree(workspace, ignore_errors=True)
        shutil.copytree(given, workspace)

    def run(**kill: float) -> Ended:
        return launcher.run("check", workspace, **kill)

    kill_everywhere("check", run, prepare, lambda: contents(workspace))


def test_release(tmp_path: Path, launcher: Launcher) -> None:
    make_release(tmp_path, "1.0.0")
    workspace, out = tmp_path / "workspace-1.0.0", tmp_path / "out"

    def prepare() -> None:
        shutil.rmtree(out, ignore_errors=True)

    def run(**kill: float) -> Ended:
        if (out / "1.0.0").exists():  # killed after it was done
            return Ended(0, "", 0.0)
        return launcher.run("release", workspace, "--version", "1.0.0", "--out", out / "1.0.0", **kill)

    kill_everywhere("release", run, prepare, lambda: contents(out))


@pytest.mark.parametrize("new", quick([False], [True]), ids=["a second version", "a first version"])
def test_publish(tmp_path: Path, new: bool) -> None:
    """To a repository that has to be made, and on top of another version: files come, change and go."""
    earlier = make_release(tmp_path, "1.0.0", ("en", "de"))
    release = make_release(tmp_path, "1.1.0", ("en", "es"), each=3)
    modules = ("polyrefuse_data.release.publish", "huggingface_hub.hf_api", "httpx2", "pandas")
    with (
        HubDouble() as hub,
        Launcher(tmp_path / "log.txt", *modules, env=hub.environment(tmp_path / "home")) as launcher,
    ):

        def run(folder: Path = release, **kill: float) -> Ended:
            return launcher.run("publish", folder, "--repo-id", REPO, "--endpoint", hub.endpoint, **kill)

        assert new or run(earlier).code == 0
        before = copy.deepcopy((hub.repos, hub.lfs))

        def prepare() -> None:
            hub.repos, hub.lfs = copy.deepcopy(before)

        kill_everywhere(
            f"publish a {'first' if new else 'second'} version",
            run,
            prepare,
            lambda: (hub.repos[REPO].state(), len(hub.repos[REPO].log)),
        )


@pytest.mark.slow
def test_benchmark(tmp_path: Path, launcher: Launcher) -> None:
    release = make_release(tmp_path, "1.0.0")
    out = tmp_path / "run"
    options = ("--source-languages", "en", "--max-new-tokens", 6, "--max-kl", 50, "--limit", 2)

    def run(**kill: float) -> Ended:
        model = bundled_model(CHAT)
        return launcher.run("benchmark", "run", "--model", model, "--dataset", release, "--out", out, *options, **kill)

    kill_everywhere("benchmark", run, lambda: shutil.rmtree(out, ignore_errors=True), lambda: contents(out))
