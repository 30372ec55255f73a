"""The commands that the page names for DVC and for buckets, as they stand there, on releases that come back whole."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from polyrefuse_data.release import publish_to, verify_release, write_release
from polyrefuse_data.workspace import Workspace
from tests.documents import ROOT
from tests.patience import LONG_ENOUGH
from tests.throwaway import ThrowAway

_PAGE = (ROOT / "docs/release.md").read_text(encoding="utf-8")
NAMED = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": "us-east-1"}
NAMED |= {f"GIT_{who}_{what}": "a@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


def commands(first: str) -> list[list[str]]:
    """The commands of the block of the page that begins with `first`."""
    (block,) = re.findall(rf"```sh\n({re.escape(first)}.*?)```", _PAGE, re.DOTALL)
    lines = [part for line in block.splitlines() for part in line.split(" && ")]
    return [shlex.split(line, comments=True) for line in lines]


def test_the_page_has_what_is_tried_here() -> None:
    """What the slow tests run is on the page: a quick look, without the programs."""
    assert [words[:2] for words in commands("dvc init")] == [
        ["dvc", "init"], ["dvc", "remote"], ["polyrefuse", "publish"], ["dvc", "add"], ["dvc", "push"], ["git", "add"],
        ["git", "commit"],
    ]  # fmt: skip
    assert [words[:3] for words in commands("aws s3 sync")] == [["aws", "s3", "sync"]] * 2


def git(*arguments: object, cwd: Path) -> None:
    subprocess.run(["git", *map(str, arguments)], cwd=cwd, check=True, capture_output=True, env={**os.environ, **NAMED})


@pytest.mark.slow
def test_versions_go_to_dvc_and_come_back(workspace: Workspace, release: Path, tmp_path: Path) -> None:
    second = write_release(workspace, version="1.0.1", out=tmp_path / "second")
    tools = ThrowAway(tmp_path / "venv", "dvc")
    home = {"HOME": str(tmp_path / "home"), "PATH": f"{tools.binaries}:{os.environ['PATH']}"} | NAMED
    here, there, storage = (tmp_path / name for name in ("here", "there", "storage"))
    git("init", here, cwd=tmp_path)
    for version, folder in (("v1.0.0", release), ("v1.0.1", second)):
        for program, *words in commands("dvc init"):
            told = [word.replace("v1.0.0", version).replace("/mnt/shared/dvc", str(storage)) for word in words]
            if program == "polyrefuse":
                publish_to("folder", folder, here / "shelf")
            elif program == "git":
                git(*told, cwd=here)
            elif version == "v1.0.0" or told[0] not in ("init", "remote"):  # once for the repository
                tools.command(program, *told, cwd=here, **home)
    git("clone", here, there, cwd=tmp_path)
    assert not (there / "shelf/v1.0.0").exists()
    tools.command("dvc", "pull", "shelf/v1.0.0.dvc", cwd=there, **home)
    assert verify_release(there / "shelf/v1.0.0") == [] and not (there / "shelf/v1.0.1").exists()
    tools.command("dvc", "pull", cwd=there, **home)
    assert verify_release(there / "shelf/v1.0.1") == []
    stored = sum(path.is_file() for path in (storage / "files").rglob("*"))
    released = [path for folder in (release, second) for path in folder.rglob("*") if path.is_file()]
    assert stored < len({path.read_bytes() for path in released}) + 3  # two lists of files, and no content twice
    git("checkout", "HEAD~1", cwd=there)  # the clone as it was: the older version alone
    shutil.rmtree(there / "shelf")
    git("checkout", "--", "shelf", cwd=there)
    tools.command("dvc", "checkout", cwd=there, **home)
    assert sorted(path.name for path in (there / "shelf").iterdir() if path.is_dir()) == ["v1.0.0"]
    assert verify_release(there / "shelf/v1.0.0") == []


@contextlib.contextmanager
def bucket_server(tools: ThrowAway, folder: Path) -> Iterator[str]:
    """A double of S3 with the bucket BUCKET, on the loopback."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    with (folder / "moto.log").open("w") as log:
        server = subprocess.Popen(
            [tools.binaries / "moto_server", "-H", "127.0.0.1", "-p", str(port)], stdout=log, stderr=log
        )
    try:
        deadline = time.monotonic() + LONG_ENOUGH
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            time.sleep(0.1)
        yield url
    finally:
        server.terminate()
        server.wait()


@pytest.mark.slow
def test_versions_go_to_a_bucket_and_come_back(release: Path, tmp_path: Path) -> None:
    publish_to("folder", release, tmp_path / "shelf")
    tools = ThrowAway(tmp_path / "venv", "awscli", "moto[server]")
    with bucket_server(tools, tmp_path) as url:
        own = NAMED | {"AWS_ENDPOINT_URL": url, "HOME": str(tmp_path / "home")}
        tools.command("aws", "s3", "mb", "s3://releases", cwd=tmp_path, **own)
        for words in commands("aws s3 sync"):
            tools.command(*(word.replace("BUCKET", "releases") for word in words), cwd=tmp_path, **own)
    assert verify_release(tmp_path / "v1.0.0") == []
