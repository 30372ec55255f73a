"""Scoring and selecting directions against the reference pipeline's own algorithm, in one run.

    python benchmarks/selection.py [--runs 5] [--layers 8] [--width 256] [--prompts 32] [--rule polyrefuse]

Prints the median seconds of each way, the ratios, the largest difference between the two tables, and whether the staged
choice is the full table's.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import torch
from fixtures import prompts, save_model
from plain import PlainPipeline

from polyrefuse_data.benchmark import ChatModel, extract_directions, score_candidates, select_direction
from polyrefuse_data.benchmark.staged import choose_direction

REFUSAL_TOKENS = [100, 200]
# What is compared, with the plain way to the same numbers.
AGAINST = {"directions": "plain directions", "table": "plain scores", "choice": "plain scores"}
T = TypeVar("T")


def timed(work: Callable[[], T]) -> tuple[tuple[float, float], T]:
    """Wall and processor seconds (all threads): on a busy machine the second tells more."""
    wall, processor = time.perf_counter(), time.process_time()
    result = work()
    return (time.perf_counter() - wall, time.process_time() - processor), result


def largest_difference(ours: list[dict[str, Any]], plain: list[dict[str, Any]]) -> float:
    by_candidate = {(row["position"], row["layer"]): row for row in ours}
    scores = ("refusal_score", "steering_score", "kl_div_score")
    return max(abs(by_candidate[row["position"], row["layer"]][name] - row[name]) for row in plain for name in scores)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--layers", type=int, default=8)
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--prompts", type=int, default=32)
    parser.add_argument("--rule", default="polyrefuse")
    options = parser.parse_args()

    with tempfile.TemporaryDirectory() as folder:
        save_model(Path(folder), layers=options.layers, width=options.width)
        model = ChatModel.load(folder, dtype="float32", device="cpu")
    reference = PlainPipeline(model.network, model.tokenizer)
    harmful, harmless = prompts(options.prompts, 1), prompts(options.prompts, 2)
    n_positions = len(model.post_instruction_token_ids)
    directions = extract_directions(model, harmful, harmless)
    arguments = (model, directions, harmful, harmless, REFUSAL_TOKENS)
    print(
        f"{options.layers} layers, width {options.width}, {len(harmful)} + {len(harmless)} prompts, "
        f"{n_positions * options.layers} candidates, {torch.get_num_threads()} threads"
    )
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in (*AGAINST, *AGAINST.values())}
    for _ in range(options.runs):  # turn about, so that whatever else the machine does falls on all of them
        seconds, differences = timed(lambda: reference.mean_differences(harmful, harmless, n_positions))
        times["plain directions"].append(seconds)
        seconds, _ = timed(lambda: extract_directions(model, harmful, harmless))
        times["directions"].append(seconds)
        seconds, plain = timed(lambda: reference.score(directions, harmful, harmless, REFUSAL_TOKENS))
        times["plain scores"].append(seconds)
        seconds, table = timed(lambda: score_candidates(*arguments))
        times["table"].append(seconds)
        seconds, staged = timed(lambda: choose_direction(*arguments, options.rule))
        times["choice"].append(seconds)
        last = (f"{name} {values[-1][0]:.1f} s (cpu {values[-1][1]:.1f})" for name, values in times.items())
        print("  " + "  ".join(last), flush=True)

    full = select_direction(table, model.n_layers, options.rule)
    same = (full and (full["position"], full["layer"])) == (staged and (staged["position"], staged["layer"]))
    print(f"directions: largest difference {float((directions - differences).abs().max()):.1e}")
    print(f"tables: largest difference {largest_difference(table, plain):.1e}")
    print(f"staged choice is the table's: {same} ({full and (full['position'], full['layer'])})")
    for name, plain_name in AGAINST.items():
        for kind, clock in enumerate(("wall", "processor")):
            pairs = [(before[kind], after[kind]) for before, after in zip(times[plain_name], times[name], strict=True)]
            plainly, ours = (statistics.median(column) for column in zip(*pairs, strict=True))
            ratio = statistics.median(before / after for before, after in pairs)
            print(f"{name}: {ours:.1f} s against {plainly:.1f} s of {clock} time, {ratio:.1f}x")


if __name__ == "__main__":
    main()
