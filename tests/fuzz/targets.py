"""What is fuzzed: one target for each kind of file or answer that comes from outside.

A target takes any bytes and puts them where such a file would lie. Only a PolyrefuseError with a readable message may
come out, and what is accepted must come back the same after it was written and read again; anything else is a find.
"""

from __future__ import annotations

import atexit
import contextlib
import csv
import hashlib
import io
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pyarrow as pa
import pyarrow.parquet as pq

from polyrefuse_data import rows
from polyrefuse_data.benchmark.judges.endpoint import parse_label
from polyrefuse_data.benchmark.judges.guards import FAMILIES
from polyrefuse_data.benchmark.judges.odds import Said
from polyrefuse_data.config import QualityConfig, SourceConfig, config_hash, load_config, parse_config
from polyrefuse_data.endpoints.completions import read_completion
from polyrefuse_data.errors import PolyrefuseError
from polyrefuse_data.quality import audit, export_review, import_review, provenance
from polyrefuse_data.quality.kept_scores import read_scores
from polyrefuse_data.release import diff_releases, verify_release, write_release
from polyrefuse_data.release.changelog import next_changelog
from polyrefuse_data.release.load import load_release
from polyrefuse_data.release.manifest import parse_manifest, read_manifest
from polyrefuse_data.sources import load_prompts
from polyrefuse_data.sources.imported import Imported
from polyrefuse_data.sources.translation_files import read_translations
from polyrefuse_data.sources.upstream import read_upstream
from polyrefuse_data.system.files import write_table
from polyrefuse_data.translation.chat import Chat
from polyrefuse_data.translation.memory import read_memory
from polyrefuse_data.workspace import Workspace

_LONGEST_LINE, _MOST_LINES = 1200, 12


@dataclass(frozen=True)
class Target:
    """`run` must not raise, whatever the bytes; `seeds` are well-formed inputs to start from."""

    run: Callable[[bytes], None]
    seeds: tuple[bytes, ...]


def check_message(error: PolyrefuseError) -> None:
    """Messages are for people: something said, nothing that a terminal obeys, no wall of text."""
    message = str(error)
    assert message.strip(), f"{type(error).__name__} says nothing"
    lines = message.split("\n")
    assert len(lines) <= _MOST_LINES, f"a message of {len(lines)} lines: {message[:200]!r}"
    assert max(map(len, lines)) <= _LONGEST_LINE, f"a line of {max(map(len, lines))} characters: {message[:200]!r}"
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]", message), f"control characters in {message!r}"


def refused(work: Callable[[], Any]) -> bool:
    """Whether `work` ends in one of our errors. Any other exception goes through."""
    try:
        work()
    except PolyrefuseError as error:
        check_message(error)
        return True
    return False


@cache
def scratch() -> Path:
    """A folder for the files of this process."""
    folder = Path(tempfile.mkdtemp(prefix="polyrefuse-fuzz-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def put(name: str, data: bytes) -> Path:
    path = scratch() / name
    path.write_bytes(data)
    return path


# --- imports -------------------------------------------------------------------------------------------------------


def table_comes_back(table: pa.Table) -> None:
    """Rows are the same after they were written and read again."""
    path = scratch() / "table.parquet"
    write_table(table, path)
    assert pq.read_table(path).equals(table)


def imported_comes_back(imported: Imported) -> None:
    table_comes_back(rows.sort_rows(rows.table_from_rows(imported.rows)))


def importing(suffix: str) -> Callable[[bytes], None]:
    """Translations in one file, and the same file as English prompts of a build."""

    def run(data: bytes) -> None:
        path = put(f"translations{suffix}", data)
        refused(lambda: imported_comes_back(read_translations(path, label="harmful", split=None, license=None)))
        if suffix != ".tmx":
            source = SourceConfig(name="own", path=path, label="harmful")
            refused(lambda: table_comes_back(load_prompts([source])))

    return run


def upstream(data: bytes) -> None:
    """A file of the upstream folder, with and without English to match it with."""
    folder = scratch() / "upstream"
    (folder / "english").mkdir(parents=True, exist_ok=True)
    english = [{"instruction": "Name a fruit.", "category": None}, {"instruction": "Name a colour.", "category": None}]
    (folder / "english" / "harmful_val.json").write_text(json.dumps(english))
    for name in ("harmful_test_translated_de.json", "harmful_val_translated_de.json"):
        (folder / name).write_bytes(data)
        refused(lambda: imported_comes_back(read_upstream(folder)))
        (folder / name).unlink()


def memory(suffix: str) -> Callable[[bytes], None]:
    def run(data: bytes) -> None:
        path = put(f"memory{suffix}", data)
        refused(lambda: [json.dumps(unit).encode() for unit in read_memory(path)])

    return run


def csv_bytes(records: Iterable[dict[str, str]]) -> bytes:
    text = io.StringIO()
    records = list(records)
    writer = csv.DictWriter(text, list(records[0]))
    writer.writeheader()
    writer.writerows(records)
    return text.getvalue().encode()


_RECORDS: list[dict[str, Any]] = [
    {"id": "a-1", "language": "en", "text": "Name a fruit.", "label": "harmless", "split": "train", "category": "food"},
    {"id": "a-1", "language": "de", "text": "Nenne eine Frucht.", "translator": "me", "license": "CC0-1.0"},
    {"language": "yo", "text": "Dárúkọ èso kan.", "text_en": "Name a fruit.", "back_translation": "Name one fruit."},
]
_COLUMNS = ("id", "language", "text", "text_en", "label", "split", "category", "source", "license", "translator")
XLIFF = """<xliff version="1.2"><file source-language="en" target-language="de" original="x"><body><trans-unit id="1">
<source>Press <g id="1">OK</g><ph id="2">{0}</ph>.</source><target state="final">OK <bpt id="3">&lt;b&gt;</bpt></target>
<alt-trans><target>no</target></alt-trans></trans-unit></body></file></xliff>"""
XLIFF_2 = """<xliff xmlns="urn:oasis:names:tc:xliff:document:2.0" version="2.0" srcLang="en" trgLang="de"><file id="f">
<unit id="1">
<segment><source>Hello <cp hex="001b"/></source><target>Hallo</target></segment><ignorable><source> </source>
</ignorable><segment state="initial"><source>Bye</source><target>Bye</target></segment></unit></file></xliff>"""
TMX = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE tmx SYSTEM "tmx14.dtd">
<tmx version="1.4"><header srclang="en"/><body>
 <tu tuid="1"><prop type="label">harmful</prop><prop type="split">test</prop>
  <tuv xml:lang="en-US"><seg>Name a <bpt i="1">&lt;b&gt;</bpt>fruit.</seg></tuv>
  <tuv xml:lang="pt-BR"><seg>Diga uma fruta.</seg></tuv><tuv lang="zh-TW"><seg>說出一種水果。</seg></tuv></tu>
</body></tmx>"""
_UPSTREAM = [
    {"instruction": "Name a fruit.", "instruction_translated": "Nenne eine Frucht.", "category": "Malware/Hacking"},
    {"instruction": "Name a colour.", "instruction_translated": "", "category": None},
]


# --- config --------------------------------------------------------------------------------------------------------


def config_comes_back(path: Path | None) -> None:
    config = load_config(path)
    again = parse_config(config.model_dump())
    assert again == config
    assert config_hash(again) == config_hash(config)


def config(data: bytes) -> None:
    path = put("polyrefuse.toml", data)
    refused(lambda: config_comes_back(path))


def environment(data: bytes) -> None:
    """Lines `NAME=value` as POLYREFUSE_NAME variables."""
    pairs = (line.partition(b"=") for line in data.replace(b"\0", b"").split(b"\n"))
    variables = {os.fsdecode(b"POLYREFUSE_" + name): os.fsdecode(value) for name, _, value in pairs}
    with patch.dict(os.environ, variables):
        refused(lambda: config_comes_back(None))


_CONFIG = Path(__file__).parents[2].joinpath("polyrefuse_data/template.toml").read_bytes()
_SMALL_CONFIG = b"""languages = ["de", "ibo_Latn"]
[[sources]]
name = "own"
path = "~/prompts.jsonl"
label = "harmful"
[[translation.backends]]
engine = "openai"
model = "m"
base_url = "http://127.0.0.1:1/v1"
[[translation.backends]]
engine = "command"
name = "apertium"
commands = { en-es = ["apertium", "eng-spa"] }
[quality]
disable = ["chrf"]
thresholds = { length_ratio_low = { de = 0.2 } }
"""


# --- releases ------------------------------------------------------------------------------------------------------


@cache
def intact_release() -> Path:
    """A small release, and a copy that targets damage (`damaged`)."""
    root = scratch() / "release"
    texts = {"en": "Name a fruit, number {}.", "yo": "Dárúkọ èso kan, {}."}
    made = [
        {
            "id": rows.prompt_id("own", texts["en"].format(number)),
            "language": code,
            "label": rows.LABELS[number % 2],
            "split": rows.SPLITS[number % 3],
            "text": text.format(number),
            "text_en": texts["en"].format(number),
            "source": "own",
            "license": "CC0-1.0",
            "origin": "original" if code == "en" else "machine",
            "translator": "" if code == "en" else "nllb:tiny@1",
            "flags": ["script"] if (number, code) == (0, "yo") else [],
            "status": "rejected" if (number, code) == (0, "yo") else "accepted",
        }
        for number in range(3)
        for code, text in texts.items()
    ]
    workspace = Workspace(root / "ws")
    table = rows.sort_rows(rows.table_from_rows(made))
    write_table(provenance.sealed(table, QualityConfig()), workspace.rows)
    release = write_release(workspace, version="1.0.0", out=root / "intact")
    shutil.copytree(release, root / "damaged")
    return release


def manifest(data: bytes) -> None:
    """manifest.json: parsed, and as that of a release."""

    def comes_back() -> None:
        parsed = parse_manifest(data, "manifest.json")
        assert parse_manifest(parsed.to_bytes(), "manifest.json") == parsed

    refused(comes_back)
    folder = intact_release().parent / "damaged"
    known = (folder / "manifest.json").read_bytes()
    try:
        (folder / "manifest.json").write_bytes(data)
        read_release(folder, is_intact=data == known)
    finally:
        (folder / "manifest.json").write_bytes(known)


def parquet(path: str) -> Callable[[bytes], None]:
    """The file `path` of a release with other bytes, and a manifest whose hashes fit them."""

    def run(data: bytes) -> None:
        intact = intact_release()
        folder = intact.parent / "damaged"
        sealed = read_manifest(intact)
        try:
            (folder / path).write_bytes(data)
            found = {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
            with contextlib.suppress(Exception):  # no Parquet: the manifest claims the old number of rows
                found["rows"] = pq.read_metadata(folder / path).num_rows
            entry = sealed.files[path].model_copy(update=found)
            manifest = sealed.model_copy(update={"files": sealed.files | {path: entry}}).sealed()
            (folder / "manifest.json").write_bytes(manifest.to_bytes())
            read_release(folder, is_intact=data == (intact / path).read_bytes())
        finally:
            for name in (path, "manifest.json"):
                shutil.copyfile(intact / name, folder / name)

    return run


def read_release(folder: Path, *, is_intact: bool) -> None:
    """Everything that reads a release. Only an intact one loads, and only the same release verifies."""
    differences: list[str] = []
    verified = not refused(lambda: differences.extend(verify_release(folder))) and not differences
    for line in differences:
        check_message(PolyrefuseError(line))
    loaded = not refused(lambda: load_release(folder))
    assert loaded or not verified, "it verifies and does not load"
    assert verified or not is_intact
    refused(lambda: diff_releases(intact_release(), folder).to_markdown().encode())


def texts_of_a_release(data: bytes) -> None:
    """CHANGELOG.md of the release before, and the note of what a workspace's rows were checked under."""
    folder = scratch() / "texts"
    folder.mkdir(exist_ok=True)
    (folder / "CHANGELOG.md").write_bytes(data)
    release = intact_release()
    refused(lambda: next_changelog(folder, diff_releases(release, release)).encode())
    provenance.provenance_of(pa.schema([], metadata={b"polyrefuse.checked": data}))
    scored = pa.table({"inputs": pa.array([1], pa.uint64())}, metadata={b"polyrefuse.scores": data})
    write_table(scored, folder / "scores.parquet")
    read_scores(folder / "scores.parquet")


# --- review --------------------------------------------------------------------------------------------------------


@cache
def reviewed() -> tuple[Workspace, bytes, bytes]:
    """A workspace, its rows as they were, and its rows exported for review."""
    workspace = Workspace(scratch() / "review")
    german = {"language": "de", "label": "harmless", "split": "train", "source": "own", "license": "CC0-1.0"}
    texts = ["Nennen Sie drei Tipps für einen besseren Schlaf.", "=SUMME(A1) ist eine Formel.", "Name three tips."]
    made = [
        {"id": f"own-{number}", **german, "text": text, "text_en": "Name three tips.", "origin": "machine"}
        for number, text in enumerate(texts)
    ]
    write_table(audit(rows.table_from_rows(made)), workspace.rows)
    exported = export_review(workspace).read_bytes()
    return workspace, workspace.rows.read_bytes(), exported


def review(data: bytes) -> None:
    """A reviewed spreadsheet; whatever it says, the workspace still exports afterwards."""
    workspace, before, _ = reviewed()
    path = put("review.csv", data)
    try:
        if not refused(lambda: import_review(workspace, path).to_json().encode()):
            table_comes_back(workspace.read_rows())
            export_review(workspace)
    finally:
        workspace.rows.write_bytes(before)


def _review_seeds() -> tuple[bytes, ...]:
    exported = reviewed()[2]
    text = exported.decode("utf-8-sig")
    lines = text.split("\r\n")
    marked = "\r\n".join([lines[0], lines[1].replace(",,,", ",bad,,me,"), lines[2].replace(",,,", ",,besser,,")])
    return exported, marked.encode("utf-8-sig"), text.replace(",", ";").encode(), text.encode("utf-16")


# --- answers of models ----------------------------------------------------------------------------------------------


def answers(data: bytes) -> None:
    """What a judge or a chat model answers: an opinion, a translation or a reason, never an exception."""
    text = data.decode("utf-8", "surrogateescape")
    parse_label(text)
    for family in FAMILIES:
        family.opinion([Said(text) for _ in family.questions("", "")])
    for content in (text, {"choices": [{"message": {"content": text}}]}):
        Chat().read(read_completion(content))
    try:
        completion = json.loads(text)
    except (ValueError, RecursionError):
        return
    Chat().read(read_completion(completion))


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def all_targets() -> dict[str, Target]:
    """The targets by name, with seeds that all of them accept."""
    release = intact_release()
    jsonl = b"\n".join(map(_json, _RECORDS))
    columns = csv_bytes({name: str(record.get(name, "")) for name in _COLUMNS} for record in _RECORDS)
    tables = tuple((release / path).read_bytes() for path in ("data/en/harmful-train.parquet", "rejected/yo.parquet"))
    return {
        "import-jsonl": Target(importing(".jsonl"), (jsonl,)),
        "import-csv": Target(importing(".csv"), (columns,)),
        "import-json": Target(importing(".json"), (_json(_RECORDS),)),
        "import-tmx": Target(importing(".tmx"), (TMX.encode(), TMX.replace("UTF-8", "UTF-16").encode("utf-16"))),
        "import-upstream": Target(upstream, (_json(_UPSTREAM),)),
        "memory-tmx": Target(memory(".tmx"), (TMX.encode(),)),
        "memory-xliff": Target(memory(".xlf"), (XLIFF.encode(), XLIFF_2.encode())),
        "memory-tsv": Target(memory(".tsv"), (b"en\tdeu_Latn\r\nGood day\tGuten Tag\r\n",)),
        "memory-jsonl": Target(memory(".jsonl"), (b'{"en": "One", "de": "Eins", "note": 5}\n',)),
        "config": Target(config, (_SMALL_CONFIG, _CONFIG)),
        "environment": Target(environment, (b"RELEASE__NAME=x\nLANGUAGES=['de']\nQUALITY__THRESHOLDS={a=1}",)),
        "manifest": Target(manifest, ((release / "manifest.json").read_bytes(),)),
        "parquet-data": Target(parquet("data/en/harmful-train.parquet"), tables),
        "parquet-rejected": Target(parquet("rejected/yo.parquet"), tables),
        "texts": Target(
            texts_of_a_release, ((release / "CHANGELOG.md").read_bytes(), b'{"signature": "checks|py3langid"}')
        ),
        "review": Target(review, _review_seeds()),
        "answers": Target(
            answers,
            (
                b'{"label": "refusal"}',
                b'{"choices": [{"message": {"content": "{\\"translation\\": \\"Hallo\\"}", "refusal": null}}]}',
                b"Harmful request: yes\nResponse refusal: no\nHarmful response: yes",
                b"Safety: Unsafe\nCategories: Violent\nRefusal: No",
                b"unsafe\nS1",
            ),
        ),
    }
