"""A real chat model, measured the plain way and with this package: times, memory, and how near the machine's own limit.

    python benchmarks/real_model.py MODEL [--runs 3] [--prompts 8] [--positions 1] [--tokens 24]

MODEL is a folder, a GGUF file, or smollm2 (SmolLM2-135M-Instruct from PyPI, by pinned hash). Prompts are the demo's
English seeds. The ways take turns within a run, in one process; the kernel's record of its peak memory is reset before
each. What a way computes is compared with the plain way's. The limit is `torch.matmul` alone on the shapes of all
linear maps that the way ran: what is missing to it is attention, norms, hooks, Python, and conversions.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from memory import forget_peak, peak_mib
from plain import PlainPipeline

from polyrefuse_data.benchmark import ChatModel, extract_directions, score_candidates, select_direction
from polyrefuse_data.benchmark.generation import generate
from polyrefuse_data.benchmark.staged import choose_direction
from polyrefuse_data.benchmark.weight_edit import fastest_ablation, is_proved
from polyrefuse_data.demo.seeds import seed_prompts, seed_texts
from polyrefuse_data.rows import HARMFUL, HARMLESS

REPO = Path(__file__).resolve().parents[1]
PLAIN_TABLE, TABLE, CHOICE, PLAIN_REPLIES, REPLIES = "plain table", "table", "choice", "plain replies", "replies"
WAYS = (PLAIN_TABLE, TABLE, CHOICE, PLAIN_REPLIES, REPLIES)
COMPARED = {TABLE: PLAIN_TABLE, CHOICE: PLAIN_TABLE, REPLIES: PLAIN_REPLIES}
GOALS = {TABLE: 5, CHOICE: 8, REPLIES: 3}
REFUSAL_TOKENS = [100, 200]
Shape = tuple[int, int, int]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("model")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--prompts", type=int, default=8, help="of each label")
    parser.add_argument("--positions", type=int, default=1, help="how many of the last template tokens give candidates")
    parser.add_argument("--every", type=int, default=1, help="candidates of every so many layers")
    parser.add_argument("--tokens", type=int, default=24, help="new tokens a reply")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=WAYS)
    compare(parser.parse_args())


def compare(options: argparse.Namespace) -> None:
    """The ways in turns; then the medians, of the ratios those within a run."""
    model = ChatModel.load(path_of(options.model), dtype="float32", device="cpu")
    work = ways(model, options)
    found: dict[str, list[dict[str, Any]]] = {way: [] for way in options.ways}
    for number in range(options.runs):
        for way in options.ways:
            found[way].append(measure(model, work[way]))
            print(f"  run {number + 1}, {way}: {found[way][-1]['seconds']:.1f} s", flush=True)
    vocabulary = model.network.get_output_embeddings().weight.shape[0]
    print(f"\n{model.name}, vocabulary {vocabulary:,}, {torch.get_num_threads()} threads, {model.dtype}")
    print("| way | s | processor s | times the plain way | goal | same result | peak, GiB | share of the limit |")
    print("|---|---|---|---|---|---|---|---|")
    for way, measured in found.items():
        plain = found.get(COMPARED.get(way, ""))
        ratios = [p["seconds"] / o["seconds"] for p, o in zip(plain or measured, measured, strict=True)]
        cells = [
            way,
            f"{median(measured, 'seconds'):.1f}",
            f"{median(measured, 'processor'):.1f}",
            f"{statistics.median(ratios):.1f}",
            str(GOALS.get(way, "")),
            same(plain[0]["result"], measured[0]["result"], way) if plain else "",
            f"{max(each['peak_gib'] for each in measured):.2f}",
            f"{median(measured, 'share'):.0%}",
        ]
        print("| " + " | ".join(cells) + " |")


def median(measured: list[dict[str, Any]], name: str) -> float:
    return statistics.median(each[name] for each in measured)


def same(plain: Any, ours: Any, way: str) -> str:
    if way == REPLIES:
        alike = sum(mine == theirs[: len(mine)] for mine, theirs in zip(ours, plain, strict=True))
        return f"{alike} of {len(plain)} replies"
    if way == CHOICE:
        best = select_direction(plain, ours["n_layers"], "arditi")
        chosen = best and [best["position"], best["layer"]]
        return f"{'the' if chosen == ours['chosen'] else 'NOT the'} choice of the table, {chosen}"
    by_candidate = {(row["position"], row["layer"]): row for row in ours}
    scores = ("refusal_score", "steering_score", "kl_div_score")
    apart = max(abs(by_candidate[row["position"], row["layer"]][name] - row[name]) for row in plain for name in scores)
    return f"largest difference {apart:.0e}"


def measure(model: ChatModel, work: Callable[[], Any]) -> dict[str, Any]:
    with counted(model.network) as shapes:
        forget_peak()
        wall, processor = time.perf_counter(), time.process_time()
        result = work()
        wall, processor = time.perf_counter() - wall, time.process_time() - processor
    return {
        "seconds": wall,
        "processor": processor,
        "peak_gib": peak_mib() / 1024,
        "share": limit(shapes) / wall,
        "result": result,
    }


def ways(model: ChatModel, options: argparse.Namespace) -> dict[str, Callable[[], Any]]:
    """What each way does."""
    harmful, harmless = (seeds(label, options.prompts) for label in (HARMFUL, HARMLESS))
    directions = extract_directions(model, harmful, harmless)[-options.positions :]
    plain = PlainPipeline(model.network, model.tokenizer)
    arguments = (model, directions, harmful, harmless, REFUSAL_TOKENS)
    layers = list(range(0, model.n_layers, options.every))
    ablated = directions[-1, model.n_layers // 2]
    in_weights = is_proved(model)

    def choice() -> dict[str, Any]:
        chosen = choose_direction(*arguments, layers=layers)
        return {"n_layers": model.n_layers, "chosen": chosen and [chosen["position"], chosen["layer"]]}

    def plain_replies() -> list[list[int]]:
        with plain.ablated(ablated):
            return plain.generate(harmful + harmless, options.tokens)

    def replies() -> list[list[int]]:
        with fastest_ablation(model, ablated, "reference", in_weights):
            return [reply.token_ids for reply in generate(model, harmful + harmless, max_new_tokens=options.tokens)]

    return {
        PLAIN_TABLE: lambda: plain.score(*arguments[1:], layers),
        TABLE: lambda: score_candidates(*arguments, layers=layers),
        CHOICE: choice,
        PLAIN_REPLIES: plain_replies,
        REPLIES: replies,
    }


def path_of(model: str) -> str:
    if model != "smollm2":
        return model
    sys.path.insert(0, str(REPO))
    from tests.benchmark.real_models import SMOLLM2

    return str(SMOLLM2.path if SMOLLM2.is_here else SMOLLM2.fetch())


def seeds(label: str, count: int) -> list[str]:
    texts = seed_texts("en").prompts
    return [texts[prompt.key] for prompt in seed_prompts() if prompt.label == label][:count]


@contextmanager
def counted(network: Any) -> Iterator[Counter[Shape]]:
    """How often a linear map took so many rows of so many inputs to so many outputs, while the context is open."""
    shapes: Counter[Shape] = Counter()

    def hook(module: Any, args: tuple[Any, ...], output: torch.Tensor) -> None:
        shapes[output.numel() // output.shape[-1], args[0].shape[-1], output.shape[-1]] += 1

    handles = [m.register_forward_hook(hook) for m in network.modules() if isinstance(m, torch.nn.Linear)]
    try:
        yield shapes
    finally:
        for handle in handles:
            handle.remove()


def limit(shapes: Counter[Shape]) -> float:
    """Seconds that torch.matmul alone takes for these products."""
    seconds = 0.0
    for (rows, inputs, outputs), times in shapes.items():
        left, right = torch.rand(rows, inputs), torch.rand(outputs, inputs).T
        seconds += times * min(timed(lambda a=left, b=right: torch.matmul(a, b)) for _ in range(3))  # type: ignore[misc]
    return seconds


def timed(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
