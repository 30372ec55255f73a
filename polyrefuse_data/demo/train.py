"""Retrains the demo's two models: `python -m polyrefuse_data.demo.train [--out FOLDER] [--only chat|translator]`.

Seeded: the same machine and library versions give the same weights. Takes about 20 minutes on two cores.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from polyrefuse_data.demo.bundled import CHAT, MODELS, TRANSLATOR


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=MODELS, help="folder for both models")
    parser.add_argument("--only", choices=("chat", "translator"), help="train only this one")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    if arguments.only != "translator":
        from polyrefuse_data.demo.chat_model import train_chat_model

        train_chat_model(arguments.out / CHAT, seed=arguments.seed)
    if arguments.only != "chat":
        from polyrefuse_data.demo.translator import train_translator

        train_translator(arguments.out / TRANSLATOR, seed=arguments.seed)


if __name__ == "__main__":
    main()
