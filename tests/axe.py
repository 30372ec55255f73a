"""axe-core: what a page lacks for people who use a keyboard, a screen reader or need contrast."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tarfile
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from tests.browser import Browser
from tests.patience import LONG_ENOUGH

PACKAGE = "axe-core@4.14.1"
SHA256 = "e6b0ce02b84d892e2e33e403485e7f3d6c29e2be6df65daf44d89ba564139745"  # of the archive that npm fetches
_RUN = """
const done = arguments[arguments.length - 1];
const told = (found) => `${found.id}: ${found.nodes.slice(0, 3).map((node) => node.html.slice(0, 200)).join(" ")}`;
axe.run(document, { resultTypes: ["violations"] }).then(
  (result) => done(result.violations.filter((one) => ["serious", "critical"].includes(one.impact)).map(told)),
  (error) => done([String(error)]));
"""


def serious_findings(browser: Browser) -> list[str]:
    """What axe calls serious or critical on the page that is open. Skips the test where npm cannot fetch axe."""
    browser.run(_axe())
    found: list[Any] = browser.run_async(_RUN)
    return [str(line) for line in found]


@cache
def _axe() -> str:
    with TemporaryDirectory() as folder:
        npm = shutil.which("npm")
        command = [npm or "npm", "pack", "--silent", PACKAGE]
        fetched = npm and subprocess.run(command, cwd=folder, capture_output=True, timeout=LONG_ENOUGH, check=False)
        if not fetched or fetched.returncode:
            pytest.skip(f"needs npm and its registry, for {PACKAGE}")
        (archive,) = Path(folder).glob("*.tgz")
        assert hashlib.sha256(archive.read_bytes()).hexdigest() == SHA256, archive.name
        with tarfile.open(archive) as packed:
            script = packed.extractfile("package/axe.min.js")
            assert script is not None
            return script.read().decode()
