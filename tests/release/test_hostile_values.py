"""Whatever the strings of rows, manifests and configs hold, the texts of a release say what the same release says with
innocent strings: no heading, row, link, element, key or control character more."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace, UnionType
from typing import Any, get_args, get_origin

import mlcroissant
import pyarrow as pa
import pytest
import yaml
from huggingface_hub import DatasetCard
from markdown_it import MarkdownIt
from pydantic import BaseModel

from polyrefuse_data.errors import ReleaseError
from polyrefuse_data.quality import write_report
from polyrefuse_data.release import card, write_release
from polyrefuse_data.release.card import render_card
from polyrefuse_data.release.changelog import next_changelog
from polyrefuse_data.release.croissant import render_croissant
from polyrefuse_data.release.diff import Change, LanguageDiff, ReleaseDiff
from polyrefuse_data.release.manifest import Manifest, read_manifest
from polyrefuse_data.rows import SCHEMA
from polyrefuse_data.sources.imported import FileReport
from polyrefuse_data.text.printable import LONGEST_LINE, LONGEST_NAME, printable, printable_line
from tests.cases import every_second
from tests.hostile import EVERY_KIND, EVERYTHING

from .conftest import make_rows, make_workspace

MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
STRINGS = {
    field.name: pa.types.is_list(field.type)
    for field in SCHEMA
    if pa.types.is_string(field.type) or field.type == pa.list_(pa.string())
}
# Those whose values decide something: others than the known ones are refused.
MEANT = ("language", "label", "split", "status")
INNOCENT = "innocent"
LONGEST = 10_000  # characters that one value may add to a text, wherever and however often it stands there


class Elements(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, tuple[str, ...]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, tuple(sorted(name for name, _ in attrs))))


def structure(text: str) -> tuple[list[str], list[Any]]:
    """What Markdown is made of, by a Markdown parser, and by an HTML parser over what it becomes."""
    tokens = [leaf for token in MARKDOWN.parse(text) for leaf in (token, *(token.children or ()))]
    kinds = [f"{token.type} {token.tag}" for token in tokens if token.type not in ("text", "text_special")]
    return kinds, Elements(MARKDOWN.render(text)).found


def said(text: str) -> str:
    """The text that a reader of rendered Markdown sees."""
    inline = [token for token in MARKDOWN.parse(text) if token.children]
    return "\n".join("".join(child.content for child in token.children or ()) for token in inline)


def is_clean(text: str) -> None:
    """No character that a terminal or a renderer obeys but line breaks."""
    assert printable(text) == text


def is_like(text: str, innocent: str) -> None:
    is_clean(text)
    assert structure(text) == structure(innocent)
    assert len(text) < len(innocent) + LONGEST


def card_is_like(text: str, innocent: str, values: int = 1) -> None:
    """The card and its YAML, as YAML and as huggingface_hub read it."""
    is_clean(text)
    (_, header, body), (_, plain_header, plain_body) = (each.split("---\n", 2) for each in (text, innocent))
    assert structure(body) == structure(plain_body)
    assert len(text) < len(innocent) + values * LONGEST
    data, plain = yaml.safe_load(header), yaml.safe_load(plain_header)
    named = {"pretty_name", "license", "license_name", "license_link", "configs"}  # configs: hashes of files
    assert {key: data[key] for key in data if key not in named} == {
        key: plain[key] for key in plain if key not in named
    }
    assert set(data) ^ set(plain) <= {"license_name", "license_link"}
    read = DatasetCard(text)
    assert read.data.to_dict() == data
    assert read.text.strip() == body.strip()
    assert all(len(str(data[key])) <= LONGEST_NAME + 10 for key in data if key in named - {"configs"})


# --- every string of the rows ------------------------------------------------------------------------------------


def write(folder: Path, values: Sequence[str], first: Path | None = None) -> Path:
    """A release in whose rows every string is one of `values`, a row each; it follows `first`, where half of them were
    rejected."""
    rows = make_rows(len(values), ("de", "en"))[: 2 * len(values)]
    for number, row in enumerate(rows):
        value = values[number // 2]
        row |= {name: [value] if is_list else value for name, is_list in STRINGS.items() if name not in MEANT}
        row["id"] = f"{value} {number // 2}"
        row["language_confidence"] = 0.9  # as if checks had seen it: its flags stay
        row["status"] = "rejected" if first is None and number % 4 < 2 else "accepted"
    workspace = make_workspace(folder / "ws", rows)
    workspace.config.write_text('[release]\nname = "set"\nlicense = "MIT"\n')
    files = [
        asdict(FileReport(value, value, value, value, 2, number % 2, value)) for number, value in enumerate(values)
    ]
    workspace.imports.write_text(json.dumps(files), encoding="utf-8")
    write_report(workspace)
    return write_release(workspace, version="1.0.0" if first is None else "2.0.0", out=folder / "rel", previous=first)


@pytest.mark.parametrize("values", [EVERY_KIND[::2], EVERY_KIND[1::2]], ids=["even", "odd"])
def test_no_string_of_a_row_forges_a_text(tmp_path: Path, values: Sequence[str]) -> None:
    plain_values = [f"{INNOCENT} {number}" for number in range(len(values))]
    release, plain = (
        write(tmp_path / name / "second", strings, first=write(tmp_path / name / "first", strings))
        for name, strings in (("hostile", values), ("innocent", plain_values))
    )
    card_is_like(*((folder / "README.md").read_text(encoding="utf-8") for folder in (release, plain)))
    is_like(*((folder / "CHANGELOG.md").read_text(encoding="utf-8") for folder in (release, plain)))
    for name in ("croissant.json", "report/summary.json"):
        is_clean((release / name).read_text(encoding="utf-8"))
    description = mlcroissant.Dataset(jsonld=str(release / "croissant.json")).metadata
    assert (description.name, description.license) == ("set", ["MIT"])
    page, plain_page = ((folder / "report" / "index.html").read_text(encoding="utf-8") for folder in (release, plain))
    assert set(Elements(page).found) <= set(Elements(plain_page).found)
    is_clean(page.split('<script type="application/json" id="data">')[0])


@pytest.mark.parametrize("column", MEANT)
def test_no_string_that_decides_is_believed(tmp_path: Path, column: str) -> None:
    rows = make_rows(1)
    rows[0][column] = EVERYTHING
    with pytest.raises(ReleaseError, match=f"column {column} contains") as refused:
        write_release(make_workspace(tmp_path / "ws", rows), version="1.0.0", out=tmp_path / "rel")
    is_clean(str(refused.value))


def test_as_many_sources_and_translators_as_rows_do_not_make_the_card_endless(tmp_path: Path) -> None:
    rows = make_rows(40, ("de", "en"))
    for number, row in enumerate(rows):
        row |= {"source": f"source {number // 2}", "translator": f"nllb-200:{number}" if number % 2 == 0 else ""}
        row["license"] = "CC BY-NC 4.0"
    workspace = make_workspace(tmp_path / "ws", rows)
    workspace.config.write_text('[release]\nlicense = "MIT"\n')
    text = (write_release(workspace, version="1.0.0", out=tmp_path / "rel") / "README.md").read_text(encoding="utf-8")
    assert "The 50 with the most prompts; all 240 are in `manifest.json`." in text
    assert "The 50 with the most rows; all 240 are in `manifest.json`." in text
    assert " and 430 more are for non-commercial use only" in text
    assert len(text) < 30_000


# --- every string of the manifest, the config and the languages ------------------------------------------------------


def strings_of(model: type[BaseModel], path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where a string stands in a model: names of fields, and 0 for the first of a list."""
    for name, field in model.model_fields.items():
        kinds = get_args(field.annotation) if get_origin(field.annotation) is UnionType else (field.annotation,)
        if str in kinds and not field.metadata:  # a pattern
            yield (*path, name)
        for kind in kinds:
            if get_origin(kind) is list:
                (item,) = get_args(kind)
                yield from strings_of(item, (*path, name, 0)) if issubclass(item, BaseModel) else [(*path, name, 0)]


# Those with a form that a manifest is refused without, or that no text repeats.
FORMED = {("version",), ("subset",), ("languages", 0), ("seal",)}
FREE = sorted(set(strings_of(Manifest)) - FORMED, key=str)
SINGLE, LISTED = ([place for place in FREE if (len(place) == 1) == single] for single in (True, False))


def manifest_with(release: Path, place: tuple[Any, ...], values: Sequence[str]) -> Manifest:
    """The manifest with `values` in one place of a list, an entry for each."""
    content = json.loads((release / "manifest.json").read_text(encoding="utf-8"))
    entries, _, name = place
    content[entries] = [{**content[entries][0], name: value} for value in values]
    return Manifest.model_validate(content)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("written")
    workspace = make_workspace(folder / "ws", make_rows(1, translator="nllb:facebook/nllb-200-distilled-600M@abc123"))
    return write_release(workspace, version="1.0.0", out=folder / "rel")


def test_the_manifest_has_strings_to_try() -> None:
    assert {("name",), ("license",), ("check_signature",), ("sources", 0, "url"), ("engines", 0, "model")} <= set(FREE)


def texts_are_like(hostile: Manifest, plain: Manifest, values: int = 1) -> None:
    card_is_like(render_card(hostile, {}), render_card(plain, {}), values)
    croissant = render_croissant(hostile)
    is_clean(croissant)
    found, wanted = json.loads(croissant), json.loads(render_croissant(plain))
    assert {key for key in found if found[key] != wanted[key]} <= {"name", "license", "citeAs"}
    assert found.keys() == wanted.keys() and len(croissant) < len(render_croissant(plain)) + LONGEST


@pytest.mark.parametrize("value", every_second(EVERY_KIND))
def test_no_string_of_a_manifest_forges_a_text(written: Path, value: str) -> None:
    content = json.loads((written / "manifest.json").read_text(encoding="utf-8"))
    hostile, plain = ({**content, **{name: text for (name,) in SINGLE}} for text in (value, INNOCENT))
    texts_are_like(Manifest.model_validate(hostile), Manifest.model_validate(plain))


@pytest.mark.parametrize("place", LISTED, ids=lambda place: ".".join(map(str, place)))
def test_no_string_of_a_list_in_a_manifest_forges_a_text(written: Path, place: tuple[Any, ...]) -> None:
    # A name that says who made the text counts as such, and only web addresses are linked; the rest is anybody's.
    before = "nllb-200 " if place == ("engines", 0, "name") else "https://x/" if place[-1] == "url" else ""
    values = [before + value for value in EVERY_KIND if place[-1] != "url" or len(value) < LONGEST_LINE - 20]
    for some in (values[::2], values[1::2]):  # no more than a table holds
        innocent = [f"{before}{INNOCENT}"] * len(some)
        texts_are_like(manifest_with(written, place, some), manifest_with(written, place, innocent), len(some))


def test_what_is_escaped_reads_as_it_is(written: Path) -> None:
    manifest = manifest_with(written, ("sources", 0, "name"), [EVERYTHING[:100]])
    assert printable_line(EVERYTHING[:100]).strip() in said(render_card(manifest, {}).split("---\n", 2)[2])


@pytest.mark.parametrize("value", every_second(EVERY_KIND))
def test_no_name_of_a_language_forges_a_card(written: Path, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    content = json.loads((written / "manifest.json").read_text(encoding="utf-8"))
    content["counts"]["de"]["missing"] = {"test": {"harmful": 1}}  # so that it stands in the list of gaps too
    manifest = Manifest.model_validate(content)
    cards = []
    for name in (value, INNOCENT):
        monkeypatch.setattr(card, "language", lambda code, name=name: SimpleNamespace(name=name))
        cards.append(render_card(manifest, {}))
    card_is_like(*cards)


@pytest.mark.parametrize("value", EVERY_KIND)
def test_no_reason_or_id_forges_a_changelog(written: Path, value: str) -> None:
    manifest = read_manifest(written)

    def changelog(text: str) -> str:
        languages = {"de": LanguageDiff(added=[Change(text, text)], removed=[Change(text, text)])}
        return next_changelog(written, ReleaseDiff(manifest, manifest, languages))

    is_like(changelog(value), changelog(INNOCENT))


def test_as_many_reasons_as_rows_do_not_make_the_changelog_endless(written: Path) -> None:
    manifest = read_manifest(written)
    changes = [Change(f"id-{number}", f"rejected: flag {number}") for number in range(1000)]
    text = next_changelog(written, ReleaseDiff(manifest, manifest, {"de": LanguageDiff(removed=changes)}))
    assert "980 for other reasons" in text and len(text) < 4000


def test_a_changelog_that_is_carried_on_holds_no_control_character(written: Path, tmp_path: Path) -> None:
    manifest = read_manifest(written)
    (tmp_path / "CHANGELOG.md").write_text(f"## 0.9.0\n\n- {EVERYTHING}\n", encoding="utf-8")
    text = next_changelog(tmp_path, ReleaseDiff(manifest, manifest, {}))
    is_clean(text)
    assert "## 0.9.0\n" in text
