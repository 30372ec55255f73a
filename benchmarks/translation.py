"""Tokens a second of NLLB translation: this package against plain transformers, and the cost of what is around it.

    python benchmarks/translation.py [--runs 5] [--prompts 192]

A 615M NLLB-shaped model with random weights never ends a sentence, so every text gets exactly `--new-tokens` tokens.
Plain: transformers, float32, batches of 32 in file order. All ways get the same prompts. Each measurement is a process
of its own; the ways take turns within a run, so that a busy machine slows all of them. Ratios are taken within a run;
medians are over the runs. A way with a number (`ctranslate2-120k`) has `vocabulary = "language"`, and its target is a
language that uses that many of the 256,206 tokens.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any, ClassVar

ENGLISH = Path(__file__).resolve().parents[1] / "../shared/upstream/english"
PLAIN, TRANSFORMERS, CTRANSLATE2 = "plain", "transformers", "ctranslate2"
KEPT = {"30k": "th", "60k": "ru", "120k": "zh"}  # thousands of tokens that a target keeps: see `add_tokens`
WAYS = (
    PLAIN,
    *(runtime + kept for kept in ("", *(f"-{size}" for size in KEPT)) for runtime in (TRANSFORMERS, CTRANSLATE2)),
)
PLAIN_BATCH = 32
VOCABULARY = 256_206


def prompts(count: int) -> list[str]:
    """The first `count` prompts of the published English files, in their order, from each file in turn."""
    files = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(ENGLISH.glob("*.json"))]
    texts = [record["instruction"] for records in zip_longest(*files) for record in records if record]
    return texts[:count]


def save_model(folder: Path) -> None:
    """The shape of nllb-200-distilled-600M with random weights, and a tokenizer trained on the prompts."""
    import torch
    from transformers import M2M100Config, M2M100ForConditionalGeneration

    from polyrefuse_data.demo.tokenizers import train_nllb_tokenizer
    from polyrefuse_data.languages import LANGUAGES

    codes = [LANGUAGES[code].flores for code in ("en", "de", *KEPT.values())]
    tokenizer = train_nllb_tokenizer(prompts(10**6), folder, 4000, codes)
    add_tokens(folder / "tokenizer.json")
    torch.manual_seed(0)
    config = M2M100Config(
        vocab_size=VOCABULARY,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        decoder_start_token_id=tokenizer.eos_token_id,
    )
    M2M100ForConditionalGeneration(config).save_pretrained(folder)


def add_tokens(path: Path) -> None:
    """Fill the vocabulary up with words that no text has: Thai keeps 30,000 tokens, Russian 60,000, Chinese 120,000."""
    tokenizer = json.loads(path.read_text(encoding="utf-8"))
    vocabulary = tokenizer["model"]["vocab"]
    size = len(vocabulary.keys() | {token["content"] for token in tokenizer["added_tokens"]})
    ascii_tokens = [f"{number:x}q" for number in range(30_000 - size)]
    others = [
        (0x430, 30_000),
        (0x4E00, 90_000),
        (0x915, VOCABULARY - 150_000),
    ]  # Cyrillic, Han, and Devanagari for none
    words = [_word(first, number) for first, count in others for number in range(count)]
    vocabulary |= {word: size + number for number, word in enumerate(ascii_tokens + words)}
    path.write_text(json.dumps(tokenizer, ensure_ascii=False), encoding="utf-8")


def _word(first: int, number: int) -> str:
    """A number in letters, of a script that has 32 of them from `first` on."""
    return "".join(chr(first + (number >> shift & 31)) for shift in (0, 5, 10, 15))


def measure(way: str, model: Path, count: int, new_tokens: int, device: str) -> dict[str, float]:
    """One measurement in this process: seconds, tokens a second, padding and peak memory. Loading is not timed."""
    texts = prompts(count)
    run = _plain(model, new_tokens, device) if way == PLAIN else _ours(way, model, new_tokens, device)
    run(texts[:2])  # loads the model
    started, cpu_started = time.perf_counter(), time.process_time()
    padding = run(texts)
    seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu_started
    return {
        "seconds": seconds,
        "tokens_per_second": len(texts) * new_tokens / seconds,
        "tokens_per_cpu_second": len(texts) * new_tokens / cpu_seconds,
        "padding": padding,
        "peak_gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
    }


def _plain(model: Path, new_tokens: int, device: str) -> Callable[[Sequence[str]], float]:
    import torch
    from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model, src_lang="eng_Latn")
    network = AutoModelForSeq2SeqLM.from_pretrained(model, dtype=torch.float32).to(device).eval()
    target = tokenizer.convert_tokens_to_ids("deu_Latn")

    def run(texts: Sequence[str]) -> float:
        padded = real = 0
        for start in range(0, len(texts), PLAIN_BATCH):
            inputs = tokenizer(list(texts[start : start + PLAIN_BATCH]), padding=True, return_tensors="pt").to(device)
            padded, real = padded + inputs["input_ids"].numel(), real + int(inputs["attention_mask"].sum())
            with torch.inference_mode():
                output = network.generate(
                    **inputs, forced_bos_token_id=target, max_new_tokens=new_tokens + 1, num_beams=1
                )
            tokenizer.batch_decode(output.tolist(), skip_special_tokens=True)
        return padded / real

    return run


def _ours(way: str, model: Path, new_tokens: int, device: str) -> Callable[[Sequence[str]], float]:
    from polyrefuse_data.config import NllbBackend
    from polyrefuse_data.languages import language
    from polyrefuse_data.translation.base import Request
    from polyrefuse_data.translation.batches import padding_ratio
    from polyrefuse_data.translation.nllb import open_nllb

    runtime, _, kept = way.partition("-")
    vocabulary, target = ("language", KEPT[kept]) if kept else ("full", "de")
    config = NllbBackend.model_validate(
        {
            "model": str(model),
            "runtime": runtime,
            "max_new_tokens": new_tokens,
            "device": device,
            "vocabulary": vocabulary,
        }
    )
    translator = open_nllb(config)

    def run(texts: Sequence[str]) -> float:
        requests = [Request(text, language("en"), language(target)) for text in texts]
        plan = translator.plan(requests)
        for _ in translator.translate([[requests[index] for index in batch] for batch in plan]):
            pass
        return padding_ratio([len(ids) for ids in translator.checkpoint.encode(requests)], plan)

    return run


def overhead(rows: int, folder: Path) -> dict[str, float]:
    """Seconds that journal, cutting, protection and batching take around a backend that answers at once."""
    from polyrefuse_data.languages import language
    from polyrefuse_data.translation.base import SENTENCES, Request, Result, Translation
    from polyrefuse_data.translation.batches import token_batches
    from polyrefuse_data.translation.journal import Journal
    from polyrefuse_data.translation.run import TranslationRun

    class Echo:
        name = "echo"
        settings: ClassVar[dict[str, Any]] = {"engine": "echo"}
        units = SENTENCES

        def plan(self, requests: Sequence[Request]) -> list[list[int]]:
            return token_batches([len(request.text) for request in requests], 4 * 1024)

        def translate(self, batches: Sequence[Sequence[Request]]) -> Iterator[tuple[int, list[Result]]]:
            for number, batch in enumerate(batches):
                yield number, [Translation(request.text) for request in batch]

    texts = prompts(10**6)
    requests = [Request(f"{texts[row % len(texts)]} ({row})", language("en"), language("de")) for row in range(rows)]
    journal = Journal(folder / "overhead.sqlite")
    run = TranslationRun(journal, progress=False)
    started = time.perf_counter()
    run.translate(Echo(), requests)  # type: ignore[arg-type]
    cold = time.perf_counter() - started
    started = time.perf_counter()
    run.translate(Echo(), requests)  # type: ignore[arg-type]
    journal.close()
    return {"rows": rows, "first_seconds": cold, "again_seconds": time.perf_counter() - started}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--prompts", type=int, default=192)
    parser.add_argument("--new-tokens", type=int, default=32)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--ways", default=",".join(WAYS))
    parser.add_argument("--folder", type=Path, default=Path("/tmp/polyrefuse-benchmark-translation"))
    parser.add_argument("--step", choices=[*WAYS, "model", "overhead"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step:
        _step(options)
        return
    if not ENGLISH.is_dir():
        sys.exit(f"the prompts are not there: {ENGLISH}")
    model = options.folder / "model"
    options.folder.mkdir(parents=True, exist_ok=True)
    if not (model / "config.json").exists():
        _run_step("model", options)
    ways = options.ways.split(",")
    for way in ways:
        if way.startswith(CTRANSLATE2):
            _run_step(way, options, prompts=2)  # converts, or trims, once
    figures: dict[str, list[dict[str, float]]] = {way: [] for way in ways}
    for _ in range(options.runs):
        for way in ways:
            figures[way].append(_run_step(way, options))
            print(way, json.dumps(figures[way][-1]), file=sys.stderr)
    report: dict[str, Any] = {way: _medians(runs) for way, runs in figures.items()}
    for way in ways:
        if way != PLAIN and PLAIN in ways:
            for rate in ("tokens_per_second", "tokens_per_cpu_second"):
                ratios = [ours[rate] / base[rate] for ours, base in zip(figures[way], figures[PLAIN], strict=True)]
                report[way][f"{rate}_over_plain"] = statistics.median(ratios)
    report["overhead"] = _run_step("overhead", options)
    print(json.dumps(report, indent=1))


def _step(options: argparse.Namespace) -> None:
    model = options.folder / "model"
    if options.step == "model":
        save_model(model)
        print("{}")
    elif options.step == "overhead":
        (options.folder / "overhead.sqlite").unlink(missing_ok=True)
        print(json.dumps(overhead(10_000, options.folder)))
    else:
        print(json.dumps(measure(options.step, model, options.prompts, options.new_tokens, options.device)))


def _run_step(step: str, options: argparse.Namespace, prompts: int | None = None) -> dict[str, float]:
    arguments = ["--step", step, "--folder", str(options.folder), "--device", options.device]
    arguments += ["--prompts", str(prompts or options.prompts), "--new-tokens", str(options.new_tokens)]
    cache = {"XDG_CACHE_HOME": str(options.folder / "cache"), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, __file__, *arguments], stdout=subprocess.PIPE, check=True, env={**os.environ, **cache}
    )
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def _medians(runs: Sequence[dict[str, float]]) -> dict[str, float]:
    return {name: statistics.median(run[name] for run in runs) for name in runs[0]}


if __name__ == "__main__":
    main()
