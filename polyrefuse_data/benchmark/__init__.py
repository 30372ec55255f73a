"""Measure refusal in chat models on a released dataset: directions, their ablation, and their transfer between
languages.

The names below load on first use, so importing this package loads no torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from polyrefuse_data.system.lazy import lazy_names

if TYPE_CHECKING:
    from polyrefuse_data.benchmark.config import BenchmarkConfig as BenchmarkConfig
    from polyrefuse_data.benchmark.config import benchmark_config as benchmark_config
    from polyrefuse_data.benchmark.directions import extract_directions as extract_directions
    from polyrefuse_data.benchmark.erasure import erase as erase
    from polyrefuse_data.benchmark.erasure import fit_erasures as fit_erasures
    from polyrefuse_data.benchmark.generation import generate as generate
    from polyrefuse_data.benchmark.given_replies import judge_run as judge_run
    from polyrefuse_data.benchmark.interventions import ablate as ablate
    from polyrefuse_data.benchmark.interventions import add_direction as add_direction
    from polyrefuse_data.benchmark.judges import judge_refusal as judge_refusal
    from polyrefuse_data.benchmark.judges import judge_replies as judge_replies
    from polyrefuse_data.benchmark.judges.base import Judge as Judge
    from polyrefuse_data.benchmark.judges.base import Opinion as Opinion
    from polyrefuse_data.benchmark.labels import export_labels as export_labels
    from polyrefuse_data.benchmark.labels import import_labels as import_labels
    from polyrefuse_data.benchmark.means import harmless_means as harmless_means
    from polyrefuse_data.benchmark.model import ChatModel as ChatModel
    from polyrefuse_data.benchmark.module_names import ModuleNames as ModuleNames
    from polyrefuse_data.benchmark.refusal_tokens import find_refusal_tokens as find_refusal_tokens
    from polyrefuse_data.benchmark.report import write_report as write_report
    from polyrefuse_data.benchmark.run import run_benchmark as run_benchmark
    from polyrefuse_data.benchmark.run import run_config as run_config
    from polyrefuse_data.benchmark.scoring import score_candidates as score_candidates
    from polyrefuse_data.benchmark.selection import Rule as Rule
    from polyrefuse_data.benchmark.selection import explain_selection as explain_selection
    from polyrefuse_data.benchmark.selection import select_direction as select_direction

_HOMES = {
    "BenchmarkConfig": "config",
    "ChatModel": "model",
    "Judge": "judges.base",
    "ModuleNames": "module_names",
    "Opinion": "judges.base",
    "Rule": "selection",
    "ablate": "interventions",
    "add_direction": "interventions",
    "benchmark_config": "config",
    "erase": "erasure",
    "export_labels": "labels",
    "extract_directions": "directions",
    "fit_erasures": "erasure",
    "find_refusal_tokens": "refusal_tokens",
    "generate": "generation",
    "explain_selection": "selection",
    "harmless_means": "means",
    "import_labels": "labels",
    "judge_refusal": "judges",
    "judge_replies": "judges",
    "judge_run": "given_replies",
    "run_benchmark": "run",
    "run_config": "run",
    "score_candidates": "scoring",
    "select_direction": "selection",
    "write_report": "report",
}

__all__ = sorted(_HOMES)

__getattr__, __dir__ = lazy_names(__name__, _HOMES, extras=("benchmark",))
