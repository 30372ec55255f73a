"""`polyrefuse demo`: the whole chain, offline, through exactly the code that real models and data go through.

Seeds -> translation into 13 languages -> checks with back-translation -> release -> verify -> load_dataset -> refusal
benchmark -> one page. Only the models are small: they prove the plumbing, not translation quality or safety.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from polyrefuse_data.config import Config, load_config
from polyrefuse_data.demo.bundled import CHAT, TRANSLATOR, bundled_model
from polyrefuse_data.demo.page import write_demo_page
from polyrefuse_data.demo.seeds import memory_records
from polyrefuse_data.errors import ReleaseError
from polyrefuse_data.models.store import BUNDLED
from polyrefuse_data.system.extras import require
from polyrefuse_data.system.files import make_folder, write_new
from polyrefuse_data.system.verbosity import note
from polyrefuse_data.text.counts import counted
from polyrefuse_data.workspace import Workspace

_ANOTHER = "choose another --out"
VERSION = "0.1.0"
STEPS = 6

# The demo's polyrefuse.toml: the translator first, and the translation memory for what the checks reject.
CONFIG = """\
# Written by `polyrefuse demo`; rebuild with `polyrefuse build -c {name}`.

[[sources]]
name = "demo-seeds"

[translation]
backends = [
    {{ engine = "nllb", model = "{model}", max_new_tokens = 64 }},
    {{ engine = "memory", paths = ["memory.jsonl"] }},
]

[release]
name = "polyrefuse-demo"
license = "Apache-2.0"
"""

# What the demo measures: the direction of every language in that language, those of the paper's four source languages
# in all, random ones as controls, and prompts filtered as in the paper. The KL bound is wider than the paper's 0.2:
# whatever is taken out of a small model moves its distribution more. The replies of the bundled model are short
# sentences.
BENCHMARK: dict[str, Any] = {
    "transfer": ["en", "de", "th", "zh"],
    "filter_prompts": True,
    "max_kl": 0.5,
    "control_draws": 3,  # of each kind; a real run draws ten
    "max_new_tokens": 24,
}


def run_demo(out: Path) -> Path:
    """Run the whole chain into `out`. Returns the page to open. Whatever an earlier run finished is reused."""
    require("the demo", "nllb", "benchmark")
    bundled_model(CHAT)  # known missing before anything is made
    make_folder(out)
    step = _Steps(STEPS)
    workspace, release, run = Workspace(out / "workspace"), out / f"release-{VERSION}", out / "benchmark"

    with step("Translate the seed prompts into 13 languages and back, check every row"):
        config = _write_workspace(workspace)
        _build(workspace, config)
    with step("Write the quality report"):
        _report(workspace)
    with step(f"Release {VERSION}"):
        _release(workspace, release)
    with step("Verify the release and load it with datasets.load_dataset"):
        _verify_and_load(release)
    with step("Measure refusal on the bundled chat model"):
        _benchmark(release, run)
    with step("Write the page"):
        page = write_demo_page(out / "report.html", workspace.report / "index.html", run / "report.html")

    note(f"\nDone in {step.elapsed():.0f} s. Open {page}")
    note(f"  dataset    {release}   (datasets.load_dataset({str(release)!r}))")
    note(f"  quality    {workspace.report / 'index.html'}")
    note(f"  benchmark  {run / 'report.html'}")
    return page


def _write_workspace(workspace: Workspace) -> Config:
    records = [json.dumps(record, ensure_ascii=False) for record in memory_records()]
    write_new(workspace.path / "memory.jsonl", "\n".join(records) + "\n", _ANOTHER)
    config = CONFIG.format(name=workspace.config.name, model=f"{BUNDLED}{TRANSLATOR}")
    write_new(workspace.config, config, _ANOTHER)
    return load_config(workspace.config)


def _build(workspace: Workspace, config: Config) -> None:
    from polyrefuse_data.pipeline.build import build

    summary = build(workspace, config)
    note(summary.to_text())


def _report(workspace: Workspace) -> None:
    from polyrefuse_data.quality import write_report

    write_report(workspace)


def _release(workspace: Workspace, release: Path) -> None:
    from polyrefuse_data.release import verify_release, write_release

    if release.exists() and not verify_release(str(release)):
        return  # a release is never overwritten; the same inputs would give the same bytes
    write_release(workspace, version=VERSION, out=release)


def _verify_and_load(release: Path) -> None:
    import datasets

    from polyrefuse_data.release import verify_release

    differences = verify_release(str(release))
    if differences:
        raise ReleaseError(f"{release} does not verify:\n" + "\n".join(differences))
    loaded = datasets.load_dataset(str(release))
    note("  " + ", ".join(f"{split} {counted(len(rows), 'row')}" for split, rows in loaded.items()))


def _benchmark(release: Path, run: Path) -> None:
    from polyrefuse_data.benchmark.run import run_benchmark

    run_benchmark(bundled_model(CHAT), release, run, **BENCHMARK)


class _Steps:
    """Numbered headings on stderr, with the seconds that each step took."""

    def __init__(self, total: int) -> None:
        self._total, self._number, self._start = total, 0, time.monotonic()

    @contextmanager
    def __call__(self, title: str) -> Iterator[None]:
        self._number += 1
        note(f"\n[{self._number}/{self._total}] {title}")
        began = time.monotonic()
        yield
        note(f"  {time.monotonic() - began:.1f} s")

    def elapsed(self) -> float:
        return time.monotonic() - self._start
