"""One run of the benchmark: a model measured on a release. Can be resumed after any interruption.

A killed run continues where it stopped and ends with the same scores. Generation resumes per (source, language).
"""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from polyrefuse_data.benchmark.config import BenchmarkConfig, benchmark_config
from polyrefuse_data.benchmark.plan import Plan, claim, make_plan
from polyrefuse_data.benchmark.probes import probe_plan, probe_settings
from polyrefuse_data.benchmark.store import RunFolder, write_json
from polyrefuse_data.endpoints.budget import Budget
from polyrefuse_data.errors import ModelError
from polyrefuse_data.system.files import make_folder
from polyrefuse_data.system.locks import lock_folder


def run_benchmark(
    model: str | Path | None,
    dataset: str | Path,
    out: str | Path,
    source_languages: str | Iterable[str] | None = None,
    languages: str | Iterable[str] | None = None,
    **options: Any,
) -> Path:
    """Measure refusal of a chat model on a released dataset. Returns the RUN folder, with scores and report.

    `dataset` is a release folder or Hub id (ORG/NAME[@REVISION]). `languages` are measured (default: all in the
    dataset), `source_languages` give directions (default: all measured). `options` are the other fields of
    `BenchmarkConfig`; with `endpoint="MODEL@URL"` among them, `model` is None. Errors are those of `run_config`.
    """
    given: dict[str, Any] = {
        "model": model and str(model),
        "source_languages": source_languages,
        "languages": languages,
    }
    named = {name: value for name, value in given.items() if value is not None}
    config = benchmark_config(**options, **named, dataset=str(dataset))
    return run_config(config, out)


def run_config(config: BenchmarkConfig, out: str | Path) -> Path:
    """The same for a `BenchmarkConfig`.

    Calling it again with the same settings resumes. A language that the dataset lacks, or that gives no direction, is
    reported in the results and the run continues. Raises ConfigError if the folder holds another run; ModelError or
    ReleaseError if model or dataset cannot be used; MissingPrerequisite if something is not installed or not reachable.
    """
    from polyrefuse_data.benchmark.budget import budget_of
    from polyrefuse_data.benchmark.evaluation import evaluate
    from polyrefuse_data.benchmark.purse import Prices, Purse
    from polyrefuse_data.benchmark.report import write_report

    probe_settings(config)
    folder = RunFolder(Path(out))
    plan = make_plan(config)
    probe_plan(plan)
    with opened_run(folder):
        budget = budget_of(folder, config.max_cost)
        _ask(folder, plan, budget) if config.endpoint else _measure(folder, plan)
        evaluate(folder, Purse(budget, Prices.known(*config.judge_prices)))
        write_report([folder.path], folder.report)
    return folder.path


@contextmanager
def opened_run(folder: RunFolder) -> Iterator[None]:
    """Hold a run folder, made where it is new: readable by its owner alone, for it will hold what a model answered to
    harmful prompts."""
    is_new = not folder.path.exists()
    make_folder(folder.path, private=True)
    with lock_folder(folder.path), _removed_if_nothing_began(folder.path, is_new):
        yield


@contextmanager
def _removed_if_nothing_began(path: Path, is_new: bool) -> Iterator[None]:
    """Remove a new folder again if the run fails before it has written anything but its lock."""
    try:
        yield
    except BaseException:
        if is_new and [file.name for file in path.iterdir()] == [".lock"]:
            (path / ".lock").unlink()
            path.rmdir()
        raise


def _ask(folder: RunFolder, plan: Plan, budget: Budget) -> None:
    from polyrefuse_data.benchmark.asking import ask_endpoint

    ask_endpoint(folder, plan, budget)


def _measure(folder: RunFolder, plan: Plan) -> None:
    """Everything that needs the model. Its memory is free afterwards, for judges that are models too."""
    import torch

    from polyrefuse_data.benchmark.stages import Stages
    from polyrefuse_data.benchmark.team import Team

    begun = claim(folder, plan)
    with _out_of_memory_explained(plan.config.model), _threads_restored(), Team() as team:
        stages = Stages(folder, plan, begun, team)
        if begun:
            stages.check_model()
        else:
            write_json(folder.run, {**plan.record(), **stages.identity()})
        stages.run()
    del stages
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


@contextmanager
def _threads_restored() -> Iterator[None]:
    """Restore torch's number of threads, which a small model sets to one."""
    import torch

    threads = torch.get_num_threads()
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@contextmanager
def _out_of_memory_explained(model: str) -> Iterator[None]:
    from polyrefuse_data.system.machine_faults import is_out_of_memory

    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise ModelError(
            f"{model}: out of memory even with one prompt at a time; use quantization or a larger device, "
            "and run the same command again: finished work is kept"
        ) from error
