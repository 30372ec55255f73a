"""A COMET model as the program of `[quality.scores.NAME] command`: COMETKiwi, xCOMET, AfriCOMET-QE.

    python3 -m venv /opt/comet && /opt/comet/bin/pip install unbabel-comet
    /opt/comet/bin/python comet_scores.py CHECKPOINT [--batch 16] [--gpus 0]

CHECKPOINT is model.ckpt of a downloaded model, with hparams.yaml in the folder above it. It runs in an environment of
its own, because unbabel-comet pins other versions than polyrefuse-data. Only models that need no reference fit: each
line from stdin has `text_en` (the source) and `text` (the translation), and one number a line goes to stdout.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import sys
import warnings


def main() -> None:
    parser = argparse.ArgumentParser(description="Score translations with a COMET model that needs no reference.")
    parser.add_argument("checkpoint")
    parser.add_argument("--batch", type=int, default=16, help="rows at once")
    parser.add_argument("--gpus", type=int, default=0)
    options = parser.parse_args()
    rows = [json.loads(line) for line in sys.stdin]
    with contextlib.redirect_stdout(sys.stderr):  # stdout is for numbers, and the packages print there
        scores = _scores(rows, options)
    for score in scores:
        print(score)


def _scores(rows: list[dict[str, str]], options: argparse.Namespace) -> list[float]:
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    from comet import load_from_checkpoint

    model = load_from_checkpoint(options.checkpoint, local_files_only=True)
    if model.requires_references():
        sys.exit(f"{options.checkpoint}: this model compares with references, which a prompt set has none of")
    samples = [{"src": row["text_en"], "mt": row["text"]} for row in rows]
    told = model.predict(samples, batch_size=options.batch, gpus=options.gpus, num_workers=1, progress_bar=False)
    return [float(score) for score in told.scores]


if __name__ == "__main__":
    main()
