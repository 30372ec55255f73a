"""The upstream PolyRefuse folder as published, with ids, English, label, split and provenance restored.

    <label>_<split>_translated_<language>.json                      instruction[, instruction_translated], category
    harmful_test_back_translated/..._back_translated_<language>.json  + instruction_back_translated

Test files contain the English beside each translation. Train and validation files hold translations alone, row by row
with English files elsewhere; that is accepted for a file only if `alignment` can prove it.
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
from polyrefuse_data.languages.lexicon import lexicon_for
from polyrefuse_data.rows import HARMFUL, HARMLESS, LABELS, UNPROVEN, prompt_id
from polyrefuse_data.sources.imported import FileReport, Imported, english_rows, imported_row, merged, unmatched_row
from polyrefuse_data.sources.matching import EnglishList, Match, match_by_position
from polyrefuse_data.sources.prompts import FILE_NAME, SPLIT_NAMES, Prompt
from polyrefuse_data.sources.reading import Record, read_records
from polyrefuse_data.text.printable import printable_line

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
    """A file of the folder, and what its name says."""

    path: Path
    label: str
    split: str
    language: str

    @property
    def kind(self) -> tuple[str, str]:
        return self.label, self.split


def translated_files(folder: Path) -> list[TranslatedFile]:
    """The translation files under a folder, those with back-translations first, because they contain more.

    Raises SourceError for a file whose language is not in NLLB-200.
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
    """Read the upstream folder; `english` is the folder with the English of the train and validation files.

    Without it, a folder `english` in or next to `folder` is used, and the upstream repository's own `dataset/splits`.
    Raises SourceError for files that cannot be read, ConfigError if `english` is not a folder.
    """
    result = Imported()
    contents = {file: read_records(file.path) for file in translated_files(folder)}
    lists = _english_lists(folder, english, contents)
    for file, records in contents.items():
        match = _match(file, records, lists[file.kind])
        for prompt in filter(None, match.prompts):
            result.prompts.setdefault(prompt["id"], prompt)
        result.rows.extend(_rows(file, records, match))
        result.files.append(
            FileReport(
                printable_line(str(file.path.relative_to(folder))), file.language, file.label, file.split,
                len(records), match.proven, match.how, len(match.unproven),
            )
        )  # fmt: skip
    result.ignored = [
        str(path.relative_to(folder)) for path in sorted(folder.rglob("*.json")) if not FILE_NAME.match(path.name)
    ]
    result.files.sort(key=lambda report: report.file)
    result.rows.sort(key=lambda row: UNPROVEN in row["flags"])  # of two rows for one prompt the first stands
    result.rows = merged([*english_rows(result.prompts.values()), *result.rows])
    return result


def _match(file: TranslatedFile, records: Sequence[Record], lists: Sequence[EnglishList]) -> Match:
    """The English of a file's records: from the file, or from one of the lists that they provably follow."""
    if file.language == SOURCE_LANGUAGE or _carries_english(records):
        return Match([_prompt(record, file) for record in records], "English in the file")
    texts = [record.string("instruction") or "" for record in records]
    categories = [record.string("category") for record in records]
    return match_by_position(texts, categories, lists, lexicon_for(file.language))


def _carries_english(records: Sequence[Record]) -> bool:
    return any("instruction_translated" in record.fields for record in records)


def _rows(file: TranslatedFile, records: Sequence[Record], match: Match) -> Iterator[dict[str, Any]]:
    """The rows of a file; none for an English file, whose prompts are rows already."""
    if file.language == SOURCE_LANGUAGE:
        return
    column = "instruction_translated" if _carries_english(records) else "instruction"
    for place, (record, prompt) in enumerate(zip(records, match.prompts, strict=True)):
        text = record.string(column)
        if prompt is None:
            known = {**_provenance(record, file), "label": file.label, "split": file.split}
            yield unmatched_row(known, file.language, text, record.place, translator=TRANSLATOR)
        else:
            flags = [UNPROVEN] if place in match.unproven else []
            yield imported_row(prompt, file.language, text, flags, translator=TRANSLATOR, **_back_translation(record))


def _english_lists(
    folder: Path, english: Path | None, contents: dict[TranslatedFile, list[Record]]
) -> dict[tuple[str, str], list[EnglishList]]:
    """Every available list of English prompts, by (label, split)."""
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
