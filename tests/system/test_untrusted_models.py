"""Model folders from elsewhere: no pickle is opened and no code of theirs runs, whichever part of us loads them."""

from __future__ import annotations

import contextlib
import json
import pickle
import resource
import shutil
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from polyrefuse_data.benchmark import ChatModel
from polyrefuse_data.benchmark.judges import judge_refusal
from polyrefuse_data.config import NllbBackend
from polyrefuse_data.demo.bundled import CHAT, TRANSLATOR, bundled_model
from polyrefuse_data.errors import MissingPrerequisite, ModelError, PolyrefuseError
from polyrefuse_data.languages import language
from polyrefuse_data.models import rendering
from polyrefuse_data.quality import audit
from polyrefuse_data.system.limits import bounded
from polyrefuse_data.system.safe_weights import load_weights
from polyrefuse_data.translation import Request, open_backend, translate_requests
from tests.patience import in_time
from tests.quality.tables import make_table

MARKER = "somebody-elses-program-ran"


class Attack:
    """Unpickling this creates a file."""

    def __init__(self, marker: Path) -> None:
        self._marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self._marker,)


def translate_with(runtime: str) -> Callable[[Path], object]:
    def load(folder: Path) -> object:
        backend = open_backend(NllbBackend(model=str(folder), runtime=runtime))  # type: ignore[arg-type]
        return translate_requests(backend, [Request("Hello.", language("en"), language("de"))])

    return load


# What loads a model, and the bundled model that it can load.
LOADERS: dict[str, tuple[Callable[[Path], object], str]] = {
    "benchmark": (ChatModel.load, CHAT),
    "judge": (lambda folder: judge_refusal(["No."], "en", str(folder), ["Say yes."]), CHAT),
    "semantic": (lambda folder: audit(make_table({}), {"semantic_model": str(folder)}), CHAT),
    "nllb": (translate_with("transformers"), TRANSLATOR),
    "ctranslate2": (translate_with("ctranslate2"), TRANSLATOR),
}


def copy_of(model: str, folder: Path) -> Path:
    """A bundled model under a name that the guard judge takes for a guard's."""
    return Path(shutil.copytree(bundled_model(model), folder / "wildguard-from-elsewhere"))


def change(path: Path, **entries: Any) -> None:
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    path.write_text(json.dumps({**known, **entries}), encoding="utf-8")


def only_a_pickle(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


def beside_safetensors(folder: Path) -> None:
    """The pickle lies there, and nothing points to it."""


def named_by_the_config(folder: Path) -> None:
    change(folder / "config.json", transformers_weights="pytorch_model.bin")


def named_by_an_index(folder: Path, weights: str = "pytorch_model.bin") -> None:
    from safetensors.torch import load_file

    names = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    index = {"metadata": {"total_size": 1}, "weight_map": dict.fromkeys(names, weights)}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.mark.parametrize("place", [only_a_pickle, beside_safetensors, named_by_the_config, named_by_an_index])
@pytest.mark.parametrize("loader", LOADERS)
def test_a_pickle_that_runs_a_program_never_runs(loader: str, place: Callable[[Path], None], tmp_path: Path) -> None:
    load, model = LOADERS[loader]
    folder = copy_of(model, tmp_path)
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Attack(tmp_path / MARKER)))
    place(folder)
    if place is beside_safetensors:
        load(folder)
    else:
        with pytest.raises(PolyrefuseError):
            load(folder)
    assert not (tmp_path / MARKER).exists()
    pickle.loads((folder / "pytorch_model.bin").read_bytes())  # the attack is a real one
    assert (tmp_path / MARKER).exists()


@pytest.mark.parametrize("named", ["../outside.safetensors", "ABSOLUTE", "below/../../outside.safetensors"])
@pytest.mark.parametrize("by", ["index", "config"])
@pytest.mark.parametrize("loader", LOADERS)
def test_weights_outside_the_folder_are_not_read(loader: str, by: str, named: str, tmp_path: Path) -> None:
    """They are no part of what identifies the model, and may be anybody's."""
    load, model = LOADERS[loader]
    folder = copy_of(model, tmp_path)
    (folder / "below").mkdir()
    shutil.copy(folder / "model.safetensors", tmp_path / "outside.safetensors")
    named = named.replace("ABSOLUTE", str(tmp_path / "outside.safetensors"))
    if by == "index":
        named_by_an_index(folder, named)
    else:
        change(folder / "config.json", transformers_weights=named)
    with pytest.raises(ModelError, match="not in its folder"):
        load(folder)


@pytest.mark.parametrize("loader", LOADERS)
def test_harmless_pickled_weights_are_refused_too(loader: str, tmp_path: Path) -> None:
    """torch could load these safely; a rule without exceptions is easier to trust."""
    import torch
    from safetensors.torch import load_file

    load, model = LOADERS[loader]
    folder = copy_of(model, tmp_path)
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    only_a_pickle(folder)
    with pytest.raises(ModelError, match=r"pickled weights .* never loaded"):
        load(folder)


@pytest.mark.parametrize("loader", LOADERS)
def test_damaged_safetensors_are_an_error_of_ours(loader: str, tmp_path: Path) -> None:
    load, model = LOADERS[loader]
    folder = copy_of(model, tmp_path)
    weights = (folder / "model.safetensors").read_bytes()
    for content in (b"", b"broken", weights[:5000], b"\xff" * 8 + weights[8:]):
        (folder / "model.safetensors").write_bytes(content)
        with pytest.raises(PolyrefuseError):
            load(folder)


@pytest.mark.parametrize("loader", LOADERS)
def test_a_claim_of_a_billion_layers_is_refused_before_they_are_built(loader: str, tmp_path: Path) -> None:
    load, model = LOADERS[loader]
    folder = copy_of(model, tmp_path)
    change(folder / "config.json", num_hidden_layers=10**9, encoder_layers=10**9)
    with pytest.raises(ModelError, match=r"claims \w+layers = 1000000000"):
        load(folder)


@pytest.mark.parametrize("loader", LOADERS)
def test_a_link_to_nowhere_is_named(loader: str, tmp_path: Path) -> None:
    """The Hub's cache consists of links, and a copy of a part of it may lead nowhere."""
    load, model = LOADERS[loader]
    folder = copy_of(model, tmp_path)
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors").symlink_to("../blobs/gone")
    with pytest.raises(ModelError, match=r"model\.safetensors: a link to \.\./blobs/gone, which does not exist"):
        load(folder)


@pytest.mark.parametrize("loader", LOADERS)
def test_code_in_a_model_folder_never_runs(loader: str, tmp_path: Path) -> None:
    load, model = LOADERS[loader]
    folder = copy_of(model, tmp_path)
    for name in ("configuration_own", "modeling_own", "tokenization_own"):
        (folder / f"{name}.py").write_text(f"open({str(tmp_path / MARKER)!r}, 'w').close()\n")
    classes = {"AutoConfig": "configuration_own.A", "AutoModel": "modeling_own.A"}
    change(folder / "config.json", auto_map=classes | {"AutoModelForCausalLM": "modeling_own.A"}, model_type="own")
    change(folder / "tokenizer_config.json", auto_map={"AutoTokenizer": ["tokenization_own.A", None]})
    with pytest.raises(PolyrefuseError):
        load(folder)
    assert not (tmp_path / MARKER).exists()


@pytest.mark.parametrize(
    ("auto_map", "says"),
    [
        ({"AutoModelForCausalLM": "modeling_own.A"}, "it needs code of its own, which is never run"),
        ({"AutoConfig": "org/elsewhere--configuration_own.A"}, "it needs code of its own, which is never run"),
        ({}, "this transformers does not know its type; upgrade transformers"),
    ],
)
@pytest.mark.parametrize("loader", ["benchmark", "judge", "semantic"])  # NLLB's says which types it takes
def test_what_transformers_cannot_know_is_told_with_what_to_do(
    loader: str, auto_map: dict[str, str], says: str, tmp_path: Path
) -> None:
    load, model = LOADERS[loader]
    folder = copy_of(model, tmp_path)
    change(folder / "config.json", auto_map=auto_map, model_type="own")
    with pytest.raises(ModelError, match=says):
        load(folder)


@pytest.mark.parametrize("loader", ["judge", "semantic"])
def test_a_folder_that_lacks_files_is_not_to_be_downloaded(loader: str, tmp_path: Path) -> None:
    load, model = LOADERS[loader]
    folder = copy_of(model, tmp_path)
    (folder / "config.json").write_text("no JSON", encoding="utf-8")
    with pytest.raises(MissingPrerequisite, match=r"cannot be loaded .* give a folder with config\.json") as told:
        load(folder)
    assert "hf download" not in str(told.value)


def test_torch_load_is_given_back_after_an_error(tmp_path: Path) -> None:
    import torch
    from transformers import AutoModel

    before = torch.load
    with pytest.raises(ValueError, match="model_type"):
        load_weights(AutoModel, str(tmp_path))
    assert torch.load is before


# Templates are programs in Jinja's sandbox. What the sandbox allows still costs time and memory.
ATTACKS = {
    "python's insides": "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "a shell": "{{ cycler.__init__.__globals__.os.popen('touch MARKER').read() }}",
    "a file": "{% include '/etc/passwd' %}",
    "changed messages": "{{ messages.append(1) }}",
    "an endless loop": "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
    "an endless call": "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
    "a huge text": "{{ 'a' * 10 ** 11 }}",
    "a huge list": "{{ [1] * 10 ** 11 }}",
    "a wide number": "{{ '%0999999999d' % 1 }}",
    "a long prompt": "{{ 'a' * 10 ** 6 }}",
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_in_a_chat_template_is_an_error_within_bounds(
    attack: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rendering, "_RENDER_SECONDS", 1.0)
    folder = copy_of(CHAT, tmp_path)
    template = ATTACKS[attack].replace("MARKER", str(tmp_path / MARKER))
    (folder / "chat_template.jinja").write_text(template, encoding="utf-8")
    before = resource.getrlimit(resource.RLIMIT_AS), signal.getsignal(signal.SIGALRM)
    started = time.monotonic()
    with pytest.raises(ModelError, match="its chat template"):
        ChatModel.load(folder)
    assert in_time(started, 20)
    assert (resource.getrlimit(resource.RLIMIT_AS), signal.getsignal(signal.SIGALRM)) == before
    assert not (tmp_path / MARKER).exists()


def test_a_bound_leaves_nothing_behind_in_a_thread(tmp_path: Path) -> None:
    """Signals reach the main thread only; elsewhere the block runs without a deadline."""
    said: list[str] = []

    def work() -> None:
        with bounded(0.001, 64):
            time.sleep(0.01)
            said.append("done")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert said == ["done"]


@pytest.mark.parametrize(
    "name",
    [
        "config.json",
        pytest.param("tokenizer.json", marks=pytest.mark.slow),
        pytest.param("tokenizer_config.json", marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("loader", LOADERS)
def test_a_damaged_description_of_a_model_is_an_error_of_ours(loader: str, name: str, tmp_path: Path) -> None:
    load, model = LOADERS[loader]
    folder = copy_of(model, tmp_path)
    whole = (folder / name).read_bytes()
    for content in (b"", b"[]", b"{}", b"null", b'"text"', b"\xff" + whole, whole[: len(whole) // 2], b"[" * 100_000):
        (folder / name).write_bytes(content)
        with contextlib.suppress(PolyrefuseError):  # a tokenizer has more than one way to be described
            load(folder)
