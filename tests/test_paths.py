"""Names that come from files or from a Hub never lead a write, or a read, out of the folder it belongs to."""

from __future__ import annotations

import ast
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import constants

import polyrefuse_data
from polyrefuse_data.benchmark import run_benchmark
from polyrefuse_data.errors import ConfigError, PolyrefuseError, ReleaseError, SourceError
from polyrefuse_data.pipeline.importing import import_path
from polyrefuse_data.release import diff_releases, load_release, verify_release, write_release
from polyrefuse_data.rows import sort_rows, table_from_rows
from polyrefuse_data.system.files import write_table
from polyrefuse_data.workspace import Workspace
from tests.cases import every_second
from tests.hub_double import HubDouble
from tests.hub_double.repo import Blob, Repo
from tests.release.conftest import make_rows, make_workspace

HOSTILE = [
    "../../outside",
    "/outside",
    "..",
    ".",
    "a/../../outside",
    "..\\outside",
    "C:outside",
    "a\0b",
    "",
    "~root",
    "en\n",
]


def files_under(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


@pytest.fixture
def release(tmp_path: Path) -> Path:
    return write_release(make_workspace(tmp_path / "ws"), version="1.0.0", out=tmp_path / "rel")


@pytest.mark.parametrize("code", HOSTILE)
def test_a_language_of_rows_names_no_folder_elsewhere(code: str, tmp_path: Path) -> None:
    rows = [{**row, "language": code if row["language"] == "yo" else row["language"]} for row in make_rows()]
    workspace = Workspace(tmp_path / "deep" / "er" / "ws")
    write_table(sort_rows(table_from_rows(rows)), workspace.rows)
    before = files_under(tmp_path)
    with pytest.raises(ReleaseError, match="BCP-47"):
        write_release(workspace, version="1.0.0", out=tmp_path / "deep" / "er" / "rel")
    assert files_under(tmp_path) - before <= {"deep/er/ws/.lock"}


@pytest.mark.parametrize("code", every_second(HOSTILE))
@pytest.mark.parametrize("place", ["languages", "counts"])
def test_a_language_of_a_manifest_names_no_file_elsewhere(code: str, place: str, release: Path, tmp_path: Path) -> None:
    """A run is measured in the languages of a release, and its files are called by them."""
    manifest = json.loads((release / "manifest.json").read_bytes())
    if place == "languages":
        manifest["languages"].append(code)
    else:
        manifest["counts"][code] = manifest["counts"]["yo"]
    (release / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ReleaseError, match="BCP-47"):
        load_release(release)
    with pytest.raises(ReleaseError, match="BCP-47"):
        run_benchmark("model", release, tmp_path / "run")
    assert "BCP-47" in verify_release(release)[0]
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("code", HOSTILE)
def test_a_language_on_the_command_line_names_no_file_elsewhere(code: str, release: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="unknown language"):
        run_benchmark("model", release, tmp_path / "run", source_languages=[code])
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("code", HOSTILE[:-1])  # outer white space is stripped
@pytest.mark.parametrize("suffix", [".jsonl", ".tmx"])
def test_a_language_of_an_imported_file_is_one_that_exists(code: str, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"translations{suffix}"
    if suffix == ".jsonl":
        path.write_text(json.dumps({"language": code, "text": "x", "text_en": "y", "label": "harmful"}))
    else:
        tag = code.replace("\0", "").replace("\n", "&#10;")
        path.write_text(f'<tmx><tu><tuv xml:lang="{tag}"><seg>x</seg></tuv></tu></tmx>')
    with pytest.raises(SourceError, match=r"language|lang"):
        import_path(path, Workspace(tmp_path / "ws"), label="harmful")
    assert files_under(tmp_path) == {path.name}


def test_what_is_no_ordinary_file_is_never_read(release: Path) -> None:
    """A pipe would be waited for without end, a device read without end."""
    file = release / "data" / "de" / "harmful-train.parquet"
    file.unlink()
    for make in (lambda: os.mkfifo(file), lambda: file.symlink_to("/dev/zero")):
        make()
        assert verify_release(release) == ["data/de/harmful-train.parquet: missing"]
        with pytest.raises(ReleaseError, match="not a regular file"):
            load_release(release)
        with pytest.raises(ReleaseError):
            diff_releases(release, release)
        file.unlink()
    (release / "manifest.json").unlink()
    os.mkfifo(release / "manifest.json")
    for read in (load_release, verify_release):
        with pytest.raises(ReleaseError):
            read(release)


def test_a_folder_that_is_a_link_is_no_part_of_a_release(release: Path, tmp_path: Path) -> None:
    shutil.move(release / "data" / "de", tmp_path / "elsewhere")
    (release / "data" / "de").symlink_to(tmp_path / "elsewhere")
    differences = verify_release(release)
    assert "data/de: not part of this release" in differences
    assert "data/de/harmful-train.parquet: missing" in differences


@pytest.mark.parametrize("path", ["../../../outside", "data/../../../../outside", "/tmp/outside-of-the-cache"])
def test_a_path_that_a_hub_lists_stays_in_the_cache(
    path: str, release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "home" / "deep" / "cache"))
    with HubDouble() as hub:
        monkeypatch.setattr(constants, "ENDPOINT", hub.endpoint)
        monkeypatch.setattr(
            constants, "HUGGINGFACE_CO_URL_TEMPLATE", hub.endpoint + "/{repo_id}/resolve/{revision}/{filename}"
        )
        repo = hub.repos["org/name"] = Repo(private=False)
        files = {
            file: Blob((release / file).read_bytes(), False)
            for file in files_under(release)
            if (release / file).is_file()
        }
        repo.commit("main", files, "as it was written")
        assert verify_release("org/name") == []
        repo.commit("main", {**files, path: Blob(b"written by the Hub", False)}, "hostile")
        with pytest.raises(PolyrefuseError):
            verify_release("org/name")
    outside = [found for found in tmp_path.rglob("outside*") if "cache" not in found.parts]
    assert outside == [] and not Path("/tmp/outside-of-the-cache").exists()


# Modules that run what they read, or write where an archive says; nothing of ours may use them.
_FORBIDDEN = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib", "zipfile", "tarfile"}
_ALLOWED = {
    # Its pipes lead to processes that it started itself, from the same files; nobody else writes to them.
    "workers.py": {"pickle"},
    # A process of its own, without secrets or network, for pickled weights: torch's restricted unpickler, nothing else.
    "conversion.py": {"zipfile", "torch.load"},
    # Logs of Inspect are zips of JSON: members are read into memory, within a bound, and never written anywhere.
    "reply_files.py": {"zipfile"},
    # A workbook is a zip of XML: it is measured and its XML looked through before openpyxl reads it, all in memory.
    "excel.py": {"zipfile"},
    # It writes archives of releases, and reads none.
    "places.py": {"zipfile"},
}
_FORBIDDEN_CALLS = {"eval", "exec", "unpack_archive", "unsafe_load", "full_load", "load_module"}


def test_no_module_of_ours_opens_pickles_or_archives_or_runs_what_it_reads() -> None:
    found = []
    for path in sorted(Path(polyrefuse_data.__path__[0]).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name.split(".")[0] for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [(node.module or "").split(".")[0]]
            elif isinstance(node, ast.Call):
                name = node.func.id if isinstance(node.func, ast.Name) else ""
                attribute = node.func.attr if isinstance(node.func, ast.Attribute) else ""
                owner = node.func.value.id if attribute and isinstance(node.func.value, ast.Name) else ""  # type: ignore[attr-defined]
                names = [name, *([attribute] if attribute != "eval" else [])]
                if f"{owner}.{attribute}" in ("torch.load", "yaml.load"):
                    if owner == "torch":
                        assert {word.arg: getattr(word.value, "value", None) for word in node.keywords}["weights_only"]
                    found.append(f"{path.name}:{node.lineno} {owner}.{attribute}")
                found += [f"{path.name}:{node.lineno} {word.arg}" for word in node.keywords if _is_unsafe(word)]
            found += [f"{path.name}:{node.lineno} {name}" for name in names if name in _FORBIDDEN | _FORBIDDEN_CALLS]  # type: ignore[attr-defined]
    assert [use for use in found if use.split()[1] not in _ALLOWED.get(use.split(":")[0], ())] == []


def _is_unsafe(word: Any) -> bool:
    value = getattr(word.value, "value", None)
    return (word.arg, value) in (("trust_remote_code", True), ("allow_pickle", True), ("use_safetensors", False))
