"""Does refusal that was taught in English alone hold in other languages? From a base model to a page of results.

    python -m examples.english_only_safety.experiment --out english-only [--base gemma3] [--lessons 400] [--seeds 1,2,3]

Each seed is taught, measured and reported on its own; README.md beside this file says what comes out. Every step that
is done is not done again. The taught models stay in the cache of real models (never in the repository, never
published); ablations live in memory alone.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from examples.english_only_safety.lessons import english_lessons, lessons_with_own_languages
from examples.english_only_safety.teaching import Teaching, teach
from polyrefuse_data.demo.seeds import seed_prompts, seed_texts
from polyrefuse_data.languages import LANGUAGES
from polyrefuse_data.rows import HARMFUL, HARMLESS
from polyrefuse_data.workspace import Workspace
from tests.benchmark.real_models import MODELS, as_folder, folder

VERSION = "1.0.0"


@dataclass(frozen=True)
class Lessons:
    """Who is taught how much: lessons per label in English, and (another experiment) in other languages."""

    base: str = "gemma3"
    per_label: int = 400
    in_other_languages: int = 0


def make_release(out: Path) -> Path:
    """The demo's 144 prompts in 14 languages as a release, through the package's own import and checks."""
    from polyrefuse_data.pipeline.importing import import_path
    from polyrefuse_data.release import write_release

    release = out / f"release-{VERSION}"
    if release.exists():
        return release
    out.mkdir(parents=True, exist_ok=True)
    records = [
        {
            "id": seed.key,
            "language": code,
            "text": seed_texts(code).prompts[seed.key],
            "text_en": seed_texts("en").prompts[seed.key],
            **{name: getattr(seed, name) for name in ("label", "split", "category")},
            "source": "seeds",
            "license": "Apache-2.0",
        }
        for code in LANGUAGES
        for seed in seed_prompts()
    ]
    table = out / "prompts.jsonl"
    table.write_text("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records), encoding="utf-8")
    workspace = Workspace(out / "workspace")
    import_path(table, workspace)
    return write_release(workspace, version=VERSION, out=release)


def taught_folder(lessons: Lessons, how: Teaching) -> Path:
    """Where the model that is taught so lies, or will."""
    settings = json.dumps([asdict(lessons), asdict(how)], sort_keys=True)
    return folder() / f"english-only-{hashlib.sha256(settings.encode()).hexdigest()[:12]}"


def taught_model(lessons: Lessons, how: Teaching) -> Path:
    """The folder of the model that was taught so; taught now, where it has not been."""
    place = taught_folder(lessons, how)
    if not place.is_dir():
        drawn = (
            lessons_with_own_languages(lessons.per_label, lessons.in_other_languages, how.seed)
            if lessons.in_other_languages
            else english_lessons(lessons.per_label, how.seed)
        )
        part = place.with_suffix(".part")
        teach(as_folder(MODELS[lessons.base]), drawn, how, part)
        part.rename(place)
    return place


def measure(model: Path, release: Path, run: Path, options: Mapping[str, Any]) -> dict[str, Any]:
    """One run of the benchmark, with its report, and its scores."""
    from polyrefuse_data.benchmark import run_benchmark

    run_benchmark(str(model), release, run, **options)
    scores: dict[str, Any] = json.loads((run / "scores.json").read_text(encoding="utf-8"))
    return scores


def summary(scores: Mapping[str, Any]) -> dict[str, Any]:
    """What the page shows of a run: shares of outcomes by intervention, label and language, and what was chosen."""
    shares: dict[str, Any] = {}
    for row in scores["rows"]:
        if row["subset"] == "all" and row["n"]:
            name = row["intervention"]
            if name == "ablation" or name.startswith("erasure"):
                name = f"{name} of {row['source_language']}"
            kept = {part: round(share, 3) for part, share in row["outcomes"].items() if share}
            where = shares.setdefault(name, {}).setdefault(row["label"], {})
            where[row["target_language"]] = {"n": row["n"], **kept}
    chosen = [
        {name: record.get(name) for name in ("language", "status", "rule", "chosen", "message")}
        for record in scores["selection"]
    ]
    erasure = _verdicts(scores["experiments"]["erasure"])
    return {"shares": shares, "selection": chosen, "transfer": _verdicts(scores["transfer"]), "erasure": erasure}


def _verdicts(records: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    names = ("source_language", "target_language", "n", "difference", "low", "high", "verdict")
    return [{name: record[name] for name in names} for record in records]


def page(results: Sequence[Mapping[str, Any]]) -> str:
    """The results as a table in Markdown: shares refused of harmful and harmless prompts, mean and range over seeds."""
    interventions = list(dict.fromkeys(name for result in results for name in result["shares"]))
    columns = [(name, label) for name in interventions for label in (HARMFUL, HARMLESS)]
    head = [f"{name}, {label}" for name, label in columns]
    lines = [f"| | {' | '.join(head)} |", f"|---|{'---|' * len(columns)}"]
    for code in LANGUAGES:
        cells = [_over_seeds([_refused(result, *column, code) for result in results]) for column in columns]
        if any(cells):
            lines.append(f"| {code} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _refused(result: Mapping[str, Any], name: str, label: str, code: str) -> float | None:
    found = result["shares"].get(name, {}).get(label, {}).get(code)
    return None if found is None else float(found.get("refused", 0.0))


def _over_seeds(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return ""
    mean = f"{sum(known) / len(known):.2f}"
    return mean if len(known) == 1 else f"{mean} ({min(known):.2f} to {max(known):.2f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--base", default=Lessons.base, choices=MODELS)
    parser.add_argument("--lessons", type=int, default=Lessons.per_label, help="per label, in English")
    parser.add_argument("--in-other-languages", type=int, default=0, help="more per label: no longer English only")
    parser.add_argument("--epochs", type=int, default=Teaching.epochs)
    parser.add_argument("--learning-rate", type=float, default=Teaching.learning_rate)
    parser.add_argument("--seeds", default="1,2,3")
    parser.add_argument("--languages", help="default: all 14")
    parser.add_argument("--source-languages", default="en,de")
    parser.add_argument("--limit", type=int, help="test prompts per label and language; default: all 32")
    parser.add_argument("--layers", help="e.g. 6..13; default: all")
    parser.add_argument("--positions", help="e.g. -1; default: all")
    parser.add_argument("--max-new-tokens", type=int, default=32)
    parser.add_argument("--max-kl", type=float, default=3.0, help="see docs/notebook/real-models.md")
    parser.add_argument("--min-coherent", type=float, default=0.9)
    parser.add_argument("--mode", default="centred")
    parser.add_argument("--dtype", default="auto")
    given = vars(parser.parse_args())
    out, seeds = given.pop("out"), given.pop("seeds").split(",")
    how = Teaching(epochs=given.pop("epochs"), learning_rate=given.pop("learning_rate"))
    lessons = Lessons(given.pop("base"), given.pop("lessons"), given.pop("in_other_languages"))
    options = {name: value for name, value in given.items() if value is not None} | {"erasure": True}
    release = make_release(out)
    results = []
    for seed in seeds:
        model = taught_model(lessons, replace(how, seed=int(seed)))
        results.append({"seed": int(seed), **summary(measure(model, release, out / f"run-{seed}", options))})
        (out / "summary.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    (out / "page.md").write_text(page(results), encoding="utf-8")
    print(page(results))


if __name__ == "__main__":
    main()
