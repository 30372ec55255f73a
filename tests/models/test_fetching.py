"""fetch-model: a model of the Hub, pickled as Meta's are, becomes safetensors in the cache, checked on its way."""

from __future__ import annotations

import hashlib
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from huggingface_hub import constants
from safetensors.torch import load_file

from polyrefuse_data.config import NllbBackend
from polyrefuse_data.demo.bundled import TRANSLATOR, bundled_model
from polyrefuse_data.errors import ConfigError, MissingPrerequisite, ModelError
from polyrefuse_data.languages import language
from polyrefuse_data.models import conversion, pins
from polyrefuse_data.models.fetching import fetch_model
from polyrefuse_data.models.pins import PINS, Pin
from polyrefuse_data.models.store import located, read_record
from polyrefuse_data.translation import Pair
from polyrefuse_data.translation.nllb import open_nllb
from tests.hub_double import HubDouble
from tests.hub_double.repo import Blob, Repo, Tree

NAME = "org/tiny"
WEIGHTS = "/pytorch_model.bin"
PAIR = Pair(language("en"), language("de"))


def pickled(content: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def tree() -> Tree:
    """The bundled translator as Meta publishes NLLB: one pickle, its tied weights under each of their names."""
    folder = Path(bundled_model(TRANSLATOR))
    weights = load_file(folder / "model.safetensors")
    weights["lm_head.weight"] = weights["model.shared.weight"]
    small = ("config.json", "generation_config.json", "tokenizer_config.json")
    return {
        **{name: Blob((folder / name).read_bytes(), is_lfs=False) for name in small},
        "README.md": Blob(b"# A model", is_lfs=False),
        "run.py": Blob(b"raise SystemExit", is_lfs=False),
        "tokenizer.json": Blob((folder / "tokenizer.json").read_bytes(), is_lfs=True),
        "pytorch_model.bin": Blob(pickled(weights), is_lfs=True),
    }


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("POLYREFUSE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def hub(cache: Path, tree: Tree, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubDouble]:
    """A Hub that has the model, for this process."""
    with HubDouble() as double:
        double.models[NAME] = Repo(private=False)
        double.models[NAME].commit("main", tree, "weights")
        monkeypatch.setattr(constants, "ENDPOINT", double.endpoint)
        template = double.endpoint + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache / "hub"))
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
        yield double


@pytest.fixture(autouse=True)
def in_this_process(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A conversion's own process takes seconds to load torch; where a test is not about it, it runs here."""
    if request.node.get_closest_marker("own_process"):
        return

    def run(command: list[str], *_: object) -> subprocess.CompletedProcess[bytes]:
        folder, *sources = map(Path, command[3:])
        try:
            conversion._main(folder, sources)
        except ModelError as error:
            return subprocess.CompletedProcess(command, 1, b"", str(error).encode())
        return subprocess.CompletedProcess(command, 0, b"", b"")

    monkeypatch.setattr(conversion, "run_program", run)


def head(hub: HubDouble) -> str:
    return hub.models[NAME].branches["main"]


def publish(hub: HubDouble, **files: bytes) -> None:
    """A new commit on main with these files in place of others; `__` in a name is a dot."""
    changed = {name.replace("__", "."): Blob(content, is_lfs=True) for name, content in files.items()}
    hub.models[NAME].commit("main", hub.models[NAME].commits[head(hub)] | changed, "more")


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def nothing_is_left(cache: Path) -> bool:
    return not [path for path in (cache / "models").rglob("*") if path.is_file() and path.name != ".lock"]


# --- what comes out ----------------------------------------------------------------------------------------------


def test_a_build_finds_the_fetched_model_by_its_name_and_rows_name_its_commit(
    hub: HubDouble, tree: Tree, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ModelError, match=f"run `polyrefuse fetch-model {NAME}` once"):
        open_nllb(NllbBackend(model=NAME, runtime="transformers")).prepare([PAIR])
    folder = fetch_model(NAME)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    translator = open_nllb(NllbBackend(model=NAME, runtime="transformers"))
    translator.prepare([PAIR])
    assert translator.name == f"nllb:{NAME}@{head(hub)}"
    assert located(NAME) == str(folder)
    expected = load_file(Path(bundled_model(TRANSLATOR)) / "model.safetensors")
    found = load_file(folder / "model.safetensors")
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], expected[name]) for name in expected)


def test_the_record_holds_the_commit_and_every_digest_and_no_code_comes_along(hub: HubDouble, tree: Tree) -> None:
    folder = fetch_model(NAME)
    record = read_record(folder)
    kept = {"config.json", "generation_config.json", "tokenizer_config.json", "tokenizer.json"}
    assert {path.name for path in folder.iterdir()} == kept | {"model.safetensors", "fetched.json"}
    assert (record["model"], record["revision"]) == (NAME, head(hub))
    assert record["origin"] == {name: sha256(tree[name].content) for name in (*kept, "pytorch_model.bin")}
    weights = sha256((folder / "model.safetensors").read_bytes())
    assert record["files"] == {name: sha256(tree[name].content) for name in kept} | {"model.safetensors": weights}


def test_fetching_again_asks_nobody_and_finds_damage(hub: HubDouble) -> None:
    folder = fetch_model(NAME)
    asked = len(hub.faults.requests)
    assert fetch_model(NAME) == folder
    assert len(hub.faults.requests) == asked
    weights = bytearray((folder / "model.safetensors").read_bytes())
    weights[len(weights) // 2] ^= 1
    (folder / "model.safetensors").write_bytes(weights)
    with pytest.raises(ModelError, match=r"model\.safetensors was changed since it was fetched: remove the folder"):
        fetch_model(NAME)


def test_a_revision_is_a_model_of_its_own(hub: HubDouble) -> None:
    first = head(hub)
    publish(hub, generation_config__json=b"{}")
    newer, older = fetch_model(NAME), fetch_model(NAME, first)
    assert (newer.name, older.name) == (head(hub), first)
    assert located(NAME) == located(NAME, "main") == located(NAME, head(hub)) == str(newer)
    assert located(NAME, first) == str(older)
    assert located(NAME, "other") == NAME


def test_a_model_that_has_safetensors_is_taken_as_it_is(hub: HubDouble, tree: Tree) -> None:
    content = (Path(bundled_model(TRANSLATOR)) / "model.safetensors").read_bytes()
    publish(hub, model__safetensors=content, pytorch_model__bin=b"not asked for")
    assert (fetch_model(NAME) / "model.safetensors").read_bytes() == content
    assert not any(request.endswith(WEIGHTS) for request in hub.faults.requests)


def test_shards_stay_shards(hub: HubDouble, tree: Tree) -> None:
    weights = load_file(Path(bundled_model(TRANSLATOR)) / "model.safetensors")
    names = sorted(weights)
    shards = {"pytorch_model-00001-of-00002.bin": names[:9], "pytorch_model-00002-of-00002.bin": names[9:]}
    index = {"metadata": {}, "weight_map": {name: shard for shard, some in shards.items() for name in some}}
    files = {shard: pickled({name: weights[name] for name in some}) for shard, some in shards.items()}
    rest = {name: blob for name, blob in tree.items() if name != "pytorch_model.bin"}
    added = {name: Blob(content, is_lfs=True) for name, content in files.items()}
    added["pytorch_model.bin.index.json"] = Blob(json.dumps(index).encode(), is_lfs=False)
    hub.models[NAME].commit("main", rest | added, "shards")
    folder = fetch_model(NAME)
    assert {path.name for path in folder.glob("model*")} == {
        "model-00001-of-00002.safetensors",
        "model-00002-of-00002.safetensors",
        "model.safetensors.index.json",
    }
    open_nllb(NllbBackend(model=NAME, runtime="transformers")).prepare([PAIR])


def test_a_folder_is_converted_where_it_is_said(tree: Tree, cache: Path, tmp_path: Path) -> None:
    source = tmp_path / "pickled"
    source.mkdir()
    for name, blob in tree.items():
        (source / name).write_bytes(blob.content)
    with pytest.raises(ConfigError, match="give --out for the converted model"):
        fetch_model(str(source))
    out = fetch_model(str(source), out=tmp_path / "made")
    open_nllb(NllbBackend(model=str(out), runtime="transformers")).prepare([PAIR])
    assert fetch_model(str(source), out=out) == out
    with pytest.raises(ConfigError, match="already there: choose another folder"):
        fetch_model(NAME, out=source)


# --- what is refused ---------------------------------------------------------------------------------------------


class Attack:
    """Unpickling this creates a file."""

    def __init__(self, marker: Path) -> None:
        self._marker = marker

    def __reduce__(self) -> tuple[object, ...]:
        return os.system, (f"touch {self._marker}",)


@pytest.mark.own_process
def test_a_pickle_that_runs_a_program_is_refused_and_leaves_nothing(
    hub: HubDouble, cache: Path, tmp_path: Path
) -> None:
    attack = pickled({"model.shared.weight": torch.zeros(2), "more": Attack(tmp_path / "ran")})
    publish(hub, pytorch_model__bin=attack)
    with pytest.raises(ModelError, match=r"contains more than tensors, which is refused .*system"):
        fetch_model(NAME)
    assert not (tmp_path / "ran").exists() and nothing_is_left(cache)
    torch.load(io.BytesIO(attack), weights_only=False)  # the attack is a real one
    assert (tmp_path / "ran").exists()


def truncated(content: bytes) -> bytes:
    return content[: len(content) // 2]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (truncated(pickled({"a": torch.zeros(1000)})), "it is damaged"),
        (b"", "it is damaged"),
        (b"garbage" * 100, "more than tensors"),
        (pickled([torch.zeros(3)]), "not a dict of tensors"),
        (pickled({"a": torch.zeros(3), "b": "text"}), "not a dict of tensors"),
        (pickled({"a": torch.zeros(1).expand(10**12)}), "a claims 4000000000000 bytes"),
    ],
)
def test_what_is_no_pickle_of_tensors_is_named(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "pytorch_model.bin").write_bytes(content)
    with pytest.raises(ModelError, match=reason):
        conversion._distinct(conversion._tensors(tmp_path / "pytorch_model.bin"))


def test_a_model_without_all_of_its_weights_is_refused(hub: HubDouble, cache: Path, tree: Tree) -> None:
    weights = load_file(Path(bundled_model(TRANSLATOR)) / "model.safetensors")
    del weights["model.encoder.layers.0.fc1.weight"]
    publish(hub, pytorch_model__bin=pickled(weights))
    with pytest.raises(ModelError, match=r"lacks weights \(model\.encoder\.layers\.0\.fc1\.weight, 1 in all\)"):
        fetch_model(NAME)
    assert nothing_is_left(cache)


def test_a_conversion_is_told_no_secret(hub: HubDouble, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret-secret-secret")
    told = {}

    def run(command: list[str], fed: bytes, timeout: float, environment: dict[str, str]) -> None:
        told.update(environment)
        raise ModelError("far enough")

    monkeypatch.setattr(conversion, "run_program", run)
    with pytest.raises(ModelError, match="far enough"):
        fetch_model(NAME)
    assert told["PATH"] and not [value for value in told.values() if "sk-secret" in value]


# --- what is not what was published ------------------------------------------------------------------------------


def test_a_file_that_arrives_corrupt_is_fetched_once_more(hub: HubDouble) -> None:
    hub.faults.of(f"GET /{NAME}/resolve/{head(hub)}{WEIGHTS}", "corrupt")
    fetch_model(NAME)
    assert [fault.split()[0] for fault in hub.faults.fired] == ["corrupt"]


@pytest.mark.parametrize("name", ["pytorch_model.bin", "config.json"])
def test_a_file_that_stays_corrupt_is_refused(hub: HubDouble, cache: Path, name: str) -> None:
    hub.faults.of(f"GET /{NAME}/resolve/{head(hub)}/{name}", "corrupt", "corrupt")
    with pytest.raises(ModelError, match=rf"{name} does not match the Hub's digest, twice in a row"):
        fetch_model(NAME)
    assert nothing_is_left(cache)


def test_a_pinned_model_is_its_pin_wherever_main_has_moved(hub: HubDouble, monkeypatch: pytest.MonkeyPatch) -> None:
    pinned = head(hub)
    publish(hub, pytorch_model__bin=pickled({"other": torch.zeros(2)}))
    monkeypatch.setattr(pins, "PINS", {NAME: Pin(pinned, {})})
    folder = fetch_model(NAME)
    assert folder.name == pinned and located(NAME) == str(folder)


def test_a_pinned_digest_outweighs_what_the_hub_says(
    hub: HubDouble, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pin = {NAME: Pin(head(hub), {"pytorch_model.bin": "0" * 64})}
    monkeypatch.setattr(pins, "PINS", pin)
    with pytest.raises(ModelError, match=f"{'0' * 64} is pinned: the published file has changed"):
        fetch_model(NAME)
    assert nothing_is_left(cache)


def test_pins_are_whole() -> None:
    for pin in PINS.values():
        assert len(pin.revision) == 40
        assert pin.sha256["pytorch_model.bin"] and {len(digest) for digest in pin.sha256.values()} == {64}
    assert NllbBackend().model in PINS


# --- what breaks off ---------------------------------------------------------------------------------------------


def test_a_download_that_breaks_off_goes_on_where_it_was(hub: HubDouble, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import file_download

    monkeypatch.setattr(file_download.time, "sleep", lambda seconds: None)
    hub.faults.of(f"GET /{NAME}/resolve/{head(hub)}{WEIGHTS}", "cut_half")
    fetch_model(NAME)
    asked = [request for request in hub.faults.requests if request.startswith("GET") and request.endswith(WEIGHTS)]
    assert len(asked) == 2


@pytest.mark.slow
def test_killed_half_way_the_same_command_ends_as_if_nothing_had_been(
    hub: HubDouble, cache: Path, tmp_path: Path
) -> None:
    environment = hub.environment(tmp_path / "home", token=None) | {"POLYREFUSE_CACHE": str(cache)}
    command = [sys.executable, "-m", "polyrefuse_data.cli", "fetch-model", NAME, "--json"]
    hub.faults.of(f"GET /{NAME}/resolve/{head(hub)}{WEIGHTS}", "stall")
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as killed:
        assert hub.stalled.wait(60)
        killed.send_signal(signal.SIGKILL)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    folder = Path(json.loads(done.stdout)["path"])
    assert not list(folder.parent.rglob("*.part"))
    assert json.loads(done.stdout)["revision"] == folder.name == head(hub)


@pytest.mark.parametrize(
    ("model", "revision", "kind", "words"),
    [
        ("org/none", None, MissingPrerequisite, "nor a model on the Hub that you can see"),
        (NAME, "nowhere", ModelError, "no such revision"),
        ("not a name", None, ModelError, r"not a name is neither a folder nor a Hub id"),
    ],
)
def test_what_is_not_there_is_named(
    hub: HubDouble, model: str, revision: str | None, kind: type[Exception], words: str
) -> None:
    with pytest.raises(kind, match=words):
        fetch_model(model, revision)


def test_weights_of_neither_kind_are_named(hub: HubDouble, tree: Tree) -> None:
    hub.models[NAME].commit("main", {"config.json": tree["config.json"]}, "no weights")
    with pytest.raises(ModelError, match=r"has neither model\.safetensors nor pytorch_model\.bin"):
        fetch_model(NAME)


def test_without_the_network_the_reason_is_told(hub: HubDouble, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(MissingPrerequisite, match="HF_HUB_OFFLINE is set"):
        fetch_model(NAME)
