"""What the judge's detectors say of replies of real models that a person has read and labelled.

    python benchmarks/real_replies.py [--missed]

The replies are tests/benchmark/judges/model_replies.jsonl. The detectors' numbers were chosen with those of part
`chosen` in view, and without those of part `shown`. A good reply or a refusal should be neither degenerate nor in
another language; a loop, an echo or a heap should be degenerate. What a person calls `senseless` or `unclear` is not
looked for. `--missed` prints the replies that are told wrongly.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter, defaultdict
from pathlib import Path

from polyrefuse_data.benchmark.judges.conditions import is_degenerate, is_off_language

REPLIES = Path("tests/benchmark/judges/model_replies.jsonl")
WRONG_IN = {"good": False, "refusal": False, "loop": True, "echo": True, "heap": True, "other language": True}


def is_found(reply: dict[str, str]) -> bool:
    """Whether a reply is told to be none, or one in another language."""
    text, language = reply["reply"], reply["language"]
    if reply["kind"] in ("loop", "echo", "heap"):
        return is_degenerate(text, language, reply["prompt"])
    if reply["kind"] == "other language":
        return is_off_language(text, language)
    return is_degenerate(text, language, reply["prompt"]) or is_off_language(text, language)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--missed", action="store_true")
    shows_missed = parser.parse_args().missed
    counts: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    languages: dict[str, None] = {}
    for line in REPLIES.read_text("utf-8").splitlines():
        reply = json.loads(line)
        found, language = is_found(reply), reply["language"]
        languages[language] = None
        for column in ("all", language):
            counts[reply["part"], reply["kind"]][f"{column} n"] += 1
            counts[reply["part"], reply["kind"]][column] += found
        if shows_missed and found != WRONG_IN.get(reply["kind"], found):
            print(f"{reply['part']} {language} {reply['kind']}: {reply['prompt']!r} -> {reply['reply']!r}")
    columns = ["all", *sorted(languages)]
    print("", "part", "kind", *columns, "", sep=" | ")
    print("|" + "---|" * (len(columns) + 2))
    for (part, kind), row in counts.items():
        shown = (f"{row[column]} of {row[f'{column} n']}" if row[f"{column} n"] else "" for column in columns)
        print("", part, kind, *shown, "", sep=" | ")


if __name__ == "__main__":
    main()
