"""Draw a sample of a run's replies, and write it as a sheet or a page for people to label."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from polyrefuse_data.benchmark import store
from polyrefuse_data.benchmark.labels.page import label_page
from polyrefuse_data.benchmark.labels.replies import JudgedReply, judged_replies
from polyrefuse_data.benchmark.labels.sample import draw, grown, read_sample, reply_key
from polyrefuse_data.benchmark.labels.sheet import is_as_shown, read_sheet, rows_of, to_csv
from polyrefuse_data.benchmark.reply_sources import intervention_of
from polyrefuse_data.benchmark.store import ABLATION, BASELINE, RunFolder
from polyrefuse_data.errors import ConfigError
from polyrefuse_data.languages import language_codes
from polyrefuse_data.system.files import atomic_write, write_new
from polyrefuse_data.system.locks import lock_folder
from polyrefuse_data.system.own_pages import write_page

DEFAULT_SIZE = 150
_SHOWN_BY_DEFAULT = (BASELINE, ABLATION)


def export_labels(
    run: str | Path,
    out: str | Path | None = None,
    *,
    page: bool = False,
    size: int = DEFAULT_SIZE,
    seed: int = 1,
    languages: str | Iterable[str] | None = None,
    interventions: Iterable[str] | None = None,
) -> Path:
    """Write `size` replies per language for people to label: a sheet (CSV), or with `page` an HTML page that works
    offline. Returns the path, by default in RUN/labels/.

    The sample is stratified by label, intervention (default: baseline and ablation, if present) and the judge's
    verdict; neither the verdict nor the intervention is shown. A language has one sample; a larger `size` adds to it.
    Raises ConfigError if the run has no such replies, another sample was drawn before, or another file has that name.
    """
    folder = RunFolder(Path(run))
    asked = None if languages is None else language_codes(languages)
    there = {intervention_of(source) for source, _, _ in folder.completion_files()}
    shown = set(interventions) if interventions is not None else there.intersection(_SHOWN_BY_DEFAULT)
    if unknown := sorted(shown - there):
        raise ConfigError(f"{folder.path} has no replies under {unknown[0]!r}, only {', '.join(sorted(there))}")
    with lock_folder(folder.path):
        found: dict[str, list[JudgedReply]] = defaultdict(list)
        for reply in judged_replies(folder, asked):
            if reply.intervention in shown and not reply.is_known:
                found[reply.language].append(reply)
        if missing := sorted(set(asked or ()) - set(found)) or ([] if found else ["any language"]):
            raise ConfigError(f"{folder.path} has no replies to label in {missing[0]}")
        kept, chosen = read_sample(folder), []
        for language, replies in found.items():
            sample = draw(replies, size, seed)
            kept[language] = grown(kept.get(language), sample, language)
            chosen += [reply for reply in replies if reply_key(reply) in sample["drawn"]]
        target = Path(out) if out is not None else folder.labels / ("labels.html" if page else "labels.csv")
        _write(target, chosen, page)
        store.write_json(folder.label_sample, kept)
    return target


def _write(target: Path, chosen: list[JudgedReply], page: bool) -> None:
    if page:
        write_page(target, label_page(chosen))
        return
    sheet = to_csv(rows_of(chosen))
    if _holds_nobodys_work(target):
        atomic_write(target, sheet)
    else:
        write_new(target, sheet, "import it with `polyrefuse benchmark label import`, or choose another --out")


def _holds_nobodys_work(file: Path) -> bool:
    """Whether this is a sheet that we exported, with nothing filled in."""
    try:
        rows = read_sheet(file)
    except ConfigError:
        return False
    return all(is_as_shown(row) and not row["label"] and not row["annotator"] for row in rows)
