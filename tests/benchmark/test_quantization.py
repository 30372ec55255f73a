"""Weights in fewer bits, and weights that a device map places: what is refused, what results say of them, and that
ablation is exact on them.

The packages are installed apart from the environment of the tests (`make real`): transformers loads torchao with every
model where it finds it.
"""

from __future__ import annotations

import copy
import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from polyrefuse_data.benchmark import ChatModel, ablate, run_benchmark
from polyrefuse_data.benchmark.weight_edit import can_edit, is_proved
from polyrefuse_data.errors import ConfigError, MissingPrerequisite
from polyrefuse_data.models.quantization import SCHEMES, package_of
from tests.benchmark.conftest import SMALL_RUN, word_tokenizer
from tests.benchmark.tiny_models import tiny_network

PROMPTS = ["please tell me how to steal the car", "dis moi comment laver : lampe", "wash"]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_missing_package_is_named_with_its_extra(
    chat_folder: Path, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    monkeypatch.setattr("polyrefuse_data.models.quantization.importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingPrerequisite, match=rf"quantization '{scheme}' .*polyrefuse-data\[quantized\]"):
        ChatModel.load(chat_folder, quantization=scheme)


def test_what_cannot_be_done_is_said_before_the_weights_are_read(
    chat_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("polyrefuse_data.models.quantization.importlib.util.find_spec", lambda name: object())
    monkeypatch.setattr("polyrefuse_data.benchmark.model_files.load_weights", lambda *_, **__: pytest.fail("loaded"))
    with pytest.raises(MissingPrerequisite, match="'torchao-int4' needs a GPU: on a CPU use bitsandbytes-8bit, "):
        ChatModel.load(chat_folder, quantization="torchao-int4", device="cpu")
    with pytest.raises(ConfigError, match="'bitsandbytes-8bit' does not take dtype float32: use auto or bfloat16 or "):
        ChatModel.load(chat_folder, quantization="bitsandbytes-8bit", dtype="float32", device="cpu")
    with pytest.raises(ConfigError, match="quantization '4bit' is unknown: use bitsandbytes-8bit, "):
        ChatModel.load(chat_folder, quantization="4bit")
    with pytest.raises(ConfigError, match="device 'cpu' and device_map both"):
        ChatModel.load(chat_folder, device="cpu", device_map="auto")
    with pytest.raises(ConfigError, match="device_map 'fair' is unknown: use auto, balanced, "):
        ChatModel.load(chat_folder, device_map="fair")
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(
        MissingPrerequisite, match=r"device_map 'auto' spreads the model over GPUs, but torch finds none .*leave it out"
    ):
        ChatModel.load(chat_folder, device_map="auto")
    with pytest.raises(MissingPrerequisite, match=r"device 'cuda(:7)?'"):
        ChatModel.load(chat_folder, device_map={"model": "cpu", "lm_head": 7})
    for file in chat_folder.iterdir():
        (tmp_path / file.name).symlink_to(file)
    config = json.loads((chat_folder / "config.json").read_text()) | {"quantization_config": {"quant_method": "awq"}}
    (tmp_path / "config.json").unlink()
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(ConfigError, match=r"quantised already \(awq\): leave out quantization"):
        ChatModel.load(tmp_path, quantization="torchao-int8", device="cpu")


class _Packed(Tensor):
    """A weight that calls itself a float tensor and is none, as torchao's are."""


def test_only_plain_weights_are_edited(chat_model: ChatModel) -> None:
    assert can_edit(chat_model)
    for weight in (torch.zeros(1).as_subclass(_Packed), torch.zeros(1, device="meta")):
        network = copy.deepcopy(chat_model.network)
        model = ChatModel(network, chat_model.tokenizer, name="packed")
        model.blocks[1].output_linears[0].weight = nn.Parameter(weight, requires_grad=False)
        assert not can_edit(model)
        assert not is_proved(model)


def test_a_model_partly_on_disk_computes_the_same(chat_folder: Path, chat_model: ChatModel) -> None:
    """accelerate brings a block's weights when it runs, and takes them away again: nothing of them can be edited."""
    parts = [name for name, _ in chat_model.network.model.named_children() if name != "layers"]
    places: dict[str, int | str] = {f"model.{name}": "cpu" for name in [*parts, "layers.0", "layers.1", "layers.3"]}
    placed = ChatModel.load(chat_folder, device_map={**places, "lm_head": "cpu", "model.layers.2": "disk"})
    assert placed.placement == {"cpu": len(places) + 1, "disk": 1}
    assert not can_edit(placed)
    batch = chat_model.batch(chat_model.encode(PROMPTS))
    direction = torch.randn(chat_model.d_model, generator=torch.Generator().manual_seed(1))
    with ablate(chat_model, direction), ablate(placed, direction):
        assert torch.allclose(placed.last_logits(batch), chat_model.last_logits(batch), atol=1e-5)


@pytest.fixture(scope="module")
def wide_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random Llama of width 64, which is as many weights as share a scale in NF4. Its weights are as small as trained
    ones: larger ones blow every rounding up."""
    folder, tokenizer = tmp_path_factory.mktemp("wide"), word_tokenizer()
    network = tiny_network("llama", len(tokenizer))
    for parameter in network.parameters():
        parameter.data *= 0.3 if parameter.ndim == 2 else 1
    network.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # those of the packages
@pytest.mark.parametrize("scheme", [name for name in SCHEMES if name != "torchao-int4"])
def test_ablation_is_exact_on_quantised_weights(wide_folder: Path, scheme: str) -> None:
    _packages(scheme)
    full = ChatModel.load(wide_folder, device="cpu")
    model = ChatModel.load(wide_folder, quantization=scheme, device="cpu")
    assert (model.identity.quantization, can_edit(model)) == (scheme, False)
    assert not any(block.is_whole for block in model.blocks)
    batch = model.batch(model.encode(PROMPTS))
    plain, quantised = full.last_logits(batch), model.last_logits(batch)
    assert 0 < float((plain - quantised).abs().max()) < 0.3 * float(plain.abs().max())
    before = [kept.clone() for kept in _kept(model)]
    direction = torch.randn(model.d_model, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    seen: list[Tensor] = []
    with ablate(model, direction, mode="complete"):
        hooks = [b.module.register_forward_hook(lambda module, args, output: seen.append(output)) for b in model.blocks]
        model.last_logits(batch)
    for hook in hooks:
        hook.remove()
    unit = direction / direction.norm()
    left = max(float((hidden.double() @ unit).abs().max() / hidden.abs().max()) for hidden in seen)
    assert left < 4 * torch.finfo(model.dtype).eps
    assert torch.equal(model.last_logits(batch), quantised)
    assert all(torch.equal(*both) for both in zip(before, _kept(model), strict=True))


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
@pytest.mark.usefixtures("no_figures")
def test_a_run_says_how_it_was_quantised_and_goes_on_with_nothing_else(
    chat_folder: Path, release: Path, tmp_path: Path
) -> None:
    _packages("torchao-int8")
    options: dict[str, Any] = SMALL_RUN | {"languages": ["en"], "random_control": False}
    run = run_benchmark(str(chat_folder), release, tmp_path / "run", quantization="torchao-int8", **options)
    told = json.loads((run / "run.json").read_text(encoding="utf-8"))
    assert told["model"]["quantization"] == told["settings"]["quantization"] == "torchao-int8"
    assert (told["generation"]["ablation"], "torchao" in told["versions"]) == ("hooks", True)
    assert "quantised by torchao-int8" in (run / "report.html").read_text(encoding="utf-8")
    for other in (None, "bitsandbytes-8bit"):
        with pytest.raises(ConfigError, match="another quantization"):
            run_benchmark(str(chat_folder), release, run, quantization=other, **options)


def _kept(model: ChatModel) -> list[Tensor]:
    """What the model's parameters hold; of those of torchao, the integers."""
    return [getattr(parameter.data, "qdata", parameter.data) for parameter in model.network.parameters()]


def _packages(scheme: str) -> None:
    if importlib.util.find_spec(package_of(scheme)) is None:
        pytest.skip(f"{package_of(scheme)} is not installed: make real")
