"""The upstream PolyRefuse folder as published, with ids, English, label, split and provenance restored.

    <label>_<split>_translated_<language>.json                      instruction[, instruction_translated], category
    harmful_test_back_translated/..._back_translated_<language>.json  + instruction_back_translated

Test files carry the English beside each translation. Train and validation files hold translations alone, row by row
with English files that lie elsewhere; that is believed of a file only where `alignment` can show it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from polyrefuse_data.errors import ConfigError, SourceError
from polyrefuse_data.languages import SOURCE_LANGUAGE, language
from polyrefuse_data.rows import HARMFUL, HARMLESS, LABELS, prompt_id
from polyrefuse_data.sources.alignment import Alignment, alignment
from polyrefuse_data.sources.imported import FileReport, Imported, english_rows, imported_row, merged, unmatched_row
from polyrefuse_data.sources.prompts import FILE_NAME, SPLIT_NAMES, Prompt
from polyrefuse_data.sources.reading import Record, read_records
from polyrefuse_data.text.printable import one_line

NAME = "polyrefuse"
TRANSLATOR = "imported:polyrefuse"  # upstream does not say per file which engine it used

# The repository is Apache-2.0; its harmless prompts are Alpaca's, whose licence forbids commercial use of the whole.
LICENSES = {HARMFUL: "Apache-2.0", HARMLESS: "CC-BY-NC-4.0"}
RELEASE_LICENSE = "CC-BY-NC-4.0"

# The reference pipeline keeps each source's own category names, and no two sources share one: a category says which
# public set a harmful prompt comes from. Harmful training prompts (AdvBench, MaliciousInstruct, TDC2023) have none.
_SOURCE_OF_CATEGORY = {
    category: source
    for source, categories in {
        "jailbreakbench": (
            "Harassment/Discrimination",
            "Malware/Hacking",
            "Physical harm",
            "Economic harm",
            "Fraud/Deception",
            "Disinformation",
            "Sexual/Adult content",
            "Privacy",
            "Expert advice",
            "Government decision-making",
        ),
        "harmbench": (
            "chemical_biological",
            "cybercrime_intrusion",
            "harassment_bullying",
            "harmful",
            "illegal",
            "misinformation_disinformation",
        ),
        "strongreject": (
            "Disinformation and deception",
            "Hate, harassment and discrimination",
            "Illegal goods and services",
            "Non-violent crimes",
            "Sexual content",
            "Violence",
        ),
    }.items()
    for category in categories
}

_TRANSLATED_NAME = re.compile(
    rf"(?P<label>{'|'.join(LABELS)})_(?P<split>{'|'.join(SPLIT_NAMES)})_(?:back_)?translated_(?P<language>[\w-]+)\.json"
)


@dataclass(frozen=True)
class TranslatedFile:
    """A file of the folder and what its name says."""

    path: Path
    label: str
    split: str
    language: str

    @property
    def kind(self) -> tuple[str, str]:
        return self.label, self.split


@dataclass(frozen=True)
class EnglishList:
    """The English prompts of one file, in its order."""

    where: str
    prompts: tuple[Prompt, ...]


def translated_files(folder: Path) -> list[TranslatedFile]:
    """The translation files under a folder. Those with back-translations come first, as they hold more.

    Raises SourceError for a file whose language is not one of NLLB-200's.
    """
    files: list[TranslatedFile] = []
    for path in sorted(folder.rglob("*.json"), key=lambda path: ("back_translated" not in path.name, path)):
        if name := _TRANSLATED_NAME.fullmatch(path.name):
            try:
                code = language(name["language"]).code
            except ConfigError as error:
                raise SourceError(f"{path}: {error}") from None
            files.append(TranslatedFile(path, name["label"], SPLIT_NAMES[name["split"]], code))
    return files


def read_upstream(folder: Path, english: Path | None = None) -> Imported:
    """Read the upstream folder; `english` is where the English of the train and validation files lies.

    Without it, a folder `english` in or beside `folder` is taken, and the upstream repository's own `dataset/splits`.
    Raises SourceError for files that cannot be read, ConfigError where `english` is not a folder.
    """
    result = Imported()
    contents = {file: read_records(file.path) for file in translated_files(folder)}
    lists = _english_lists(folder, english, contents)
    for file, records in contents.items():
        where = one_line(str(file.path.relative_to(folder)))
        rows, how = _rows(file, records, lists[file.kind], result)
        unmatched = sum(not row["text_en"] for row in rows)
        result.rows.extend(rows)
        result.files.append(
            FileReport(where, file.language, file.label, file.split, len(records), len(records) - unmatched, how)
        )
    result.ignored = [
        str(path.relative_to(folder)) for path in sorted(folder.rglob("*.json")) if not FILE_NAME.match(path.name)
    ]
    result.files.sort(key=lambda report: report.file)
    result.rows = merged([*english_rows(result.prompts.values()), *result.rows])
    return result


def _rows(
    file: TranslatedFile, records: Sequence[Record], lists: Sequence[EnglishList], result: Imported
) -> tuple[list[dict[str, Any]], str]:
    """The rows of a file, and how their English was found. English prompts that it brings go into `result`."""
    prompts: Sequence[Prompt] | None
    if file.language == SOURCE_LANGUAGE or any("instruction_translated" in record.fields for record in records):
        prompts, how = [_prompt(record, file) for record in records], "English in the file"
        texts = [record.string("instruction_translated") for record in records]
    else:
        texts = [record.string("instruction") for record in records]
        prompts, how = _match(records, texts, lists)
    if prompts is None:
        known = [{**_provenance(record, file), "label": file.label, "split": file.split} for record in records]
        return [
            unmatched_row(fields, file.language, text, record.place, translator=TRANSLATOR)
            for fields, text, record in zip(known, texts, records, strict=True)
        ], how
    for prompt in prompts:
        result.prompts.setdefault(prompt["id"], prompt)
    if file.language == SOURCE_LANGUAGE:
        return [], how
    return [
        imported_row(prompt, file.language, text, translator=TRANSLATOR, **_back_translation(record))
        for prompt, text, record in zip(prompts, texts, records, strict=True)
    ], how


def _match(
    records: Sequence[Record], texts: Sequence[str | None], lists: Sequence[EnglishList]
) -> tuple[tuple[Prompt, ...] | None, str]:
    """The English list that a file's rows run in parallel with, or None, and why."""
    fitting = [english for english in lists if len(english.prompts) == len(texts)]
    if not fitting:
        return None, f"no English file of {len(texts)} rows; name its folder with --english"
    proofs: list[tuple[Alignment, EnglishList]] = []
    for english in fitting:
        if not _same_categories(records, english):
            continue
        proof = alignment([prompt["text"] for prompt in english.prompts], [text or "" for text in texts])
        proofs.append((proof, english))
    if not proofs:
        return None, f"categories differ from {fitting[0].where}"
    proof, best = max(proofs, key=lambda pair: pair[0].file)
    if proof.holds:
        return best.prompts, f"parallel with {best.where}: {proof}"
    return None, f"not parallel with {best.where}: {proof}"


def _same_categories(records: Sequence[Record], english: EnglishList) -> bool:
    return all(
        record.string("category") == prompt["category"] for record, prompt in zip(records, english.prompts, strict=True)
    )


def _english_lists(
    folder: Path, english: Path | None, contents: dict[TranslatedFile, list[Record]]
) -> dict[tuple[str, str], list[EnglishList]]:
    """Every list of English prompts that is at hand, by (label, split)."""
    lists: dict[tuple[str, str], list[EnglishList]] = defaultdict(list)
    for path in _english_files(folder, english):
        name = FILE_NAME.match(path.name)
        if name and not _TRANSLATED_NAME.fullmatch(path.name):
            file = TranslatedFile(path, name["label"], SPLIT_NAMES[name["split"]], SOURCE_LANGUAGE)
            prompts = tuple(_prompt(record, file) for record in read_records(path))
            lists[file.kind].append(EnglishList(path.name, prompts))
    for file, records in contents.items():
        if file.language == SOURCE_LANGUAGE:
            prompts = tuple(_prompt(record, file) for record in records)
            lists[file.kind].append(EnglishList(file.path.name, prompts))
    return lists


def _english_files(folder: Path, english: Path | None) -> Iterator[Path]:
    if english is not None:
        if not english.is_dir():
            raise ConfigError(f"--english {english}: not a folder; name the one with harmful_val.json and the like")
        yield from sorted(english.glob("*.json"))
        return
    beside = folder.resolve().parent
    for place in (folder, *(root / sub for root in (folder, beside) for sub in ("english", "dataset/splits"))):
        if place.is_dir():
            yield from sorted(place.glob("*.json"))


def _prompt(record: Record, file: TranslatedFile) -> Prompt:
    provenance = _provenance(record, file)
    text = record.text(("instruction",))
    return {
        "id": prompt_id(provenance["source"], text),
        "label": file.label,
        "split": file.split,
        "text": text,
        "category": provenance["category"],
        "source": provenance["source"],
        "license": provenance["license"],
    }


def _provenance(record: Record, file: TranslatedFile) -> dict[str, Any]:
    category = record.string("category")
    source = "alpaca" if file.label == HARMLESS else _SOURCE_OF_CATEGORY.get(category or "", NAME)
    return {"category": category, "source": source, "license": LICENSES[file.label]}


def _back_translation(record: Record) -> dict[str, str]:
    text = record.string("instruction_back_translated")
    return {"back_translation": text, "back_translator": TRANSLATOR} if text else {}
