"""Folders and files that hold no chat model, or a broken one: one line says why not, and the exit code is 3."""

from __future__ import annotations

import importlib.util
import json
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from polyrefuse_data.benchmark import ChatModel
from polyrefuse_data.benchmark.gguf import check_words
from polyrefuse_data.errors import MissingPrerequisite, ModelError
from tests.benchmark.conftest import word_tokenizer

_SMALL = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}


def told_of(path: Path) -> str:
    with pytest.raises(ModelError) as caught:
        ChatModel.load(path)
    assert caught.value.exit_code == 3
    assert "\n" not in str(caught.value)
    return str(caught.value)


def network_folder(folder: Path, class_name: str, **settings: Any) -> Path:
    """A random network of this class beside the toy tokenizer and its template."""
    import transformers

    tokenizer = word_tokenizer()
    made = getattr(transformers, class_name)
    network = made(made.config_class(vocab_size=len(tokenizer), **{**_SMALL, **settings}))
    network.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def test_a_vision_model(tmp_path: Path) -> None:
    from transformers import ViTConfig, ViTForImageClassification

    network = ViTForImageClassification(ViTConfig(**_SMALL, image_size=8, patch_size=4))
    network.save_pretrained(tmp_path)
    assert "ViTForImageClassification writes no text after a prompt; give a decoder-only" in told_of(tmp_path)


def test_an_encoder(tmp_path: Path) -> None:
    folder = network_folder(tmp_path, "BertForMaskedLM")
    assert "BertForMaskedLM writes no text after a prompt" in told_of(folder)


def test_an_encoder_that_is_loaded_as_a_decoder_is_told_by_what_it_computes(tmp_path: Path) -> None:
    folder = network_folder(tmp_path, "BertLMHeadModel", is_decoder=False)
    assert "depends on those after it: an encoder, and no chat model" in told_of(folder)


def test_an_encoder_decoder(tmp_path: Path) -> None:
    small = {"d_model": 16, "d_ff": 32, "d_kv": 8, "num_layers": 2, "num_heads": 2, "decoder_start_token_id": 0}
    folder = network_folder(tmp_path, "T5ForConditionalGeneration", **small)
    assert "t5 is an encoder-decoder, with no chat to measure" in told_of(folder)


def test_a_reward_model_of_a_chat_model(tmp_path: Path) -> None:
    """It would load with an output head of random numbers."""
    folder = network_folder(tmp_path, "LlamaForSequenceClassification", pad_token_id=0)
    assert "LlamaForSequenceClassification writes no text" in told_of(folder)


def gguf_file(path: Path, architecture: str) -> Path:
    """A GGUF file with no tensor and one entry: what it is of."""

    def text(value: str) -> bytes:
        return struct.pack("<Q", len(value)) + value.encode()

    entry = text("general.architecture") + struct.pack("<I", 8) + text(architecture)
    path.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + entry + bytes(64))
    return path


@pytest.mark.parametrize("split", [False, True])
def test_a_tokenizer_that_splits_the_words_of_its_vocabulary(split: bool) -> None:
    """As transformers 5.17 made that of Gemma 3 from a GGUF file: the whole vocabulary, but not its merges."""
    from tokenizers import Tokenizer, models, normalizers
    from transformers import PreTrainedTokenizerFast

    words = ["capital", "german", "boiling"]
    vocabulary = {token: number for number, token in enumerate(sorted({*"▁a", *"".join(words)}))}
    merges = []
    for word in words:
        for end in range(2, len(word) + 2):
            token = f"▁{word}"[:end]
            if token not in vocabulary:
                vocabulary[token] = len(vocabulary)
                merges.append((token[:-1], token[-1]))
    backend = Tokenizer(models.BPE(vocabulary, [] if split else merges))
    backend.normalizer = normalizers.Replace(" ", "▁")
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend)
    if not split:
        check_words(tokenizer, "some.gguf")
        return
    with pytest.raises(
        ModelError, match=r"some.gguf: transformers .* wrongly \(0 of 5 words of its vocabulary stay whole\)"
    ):
        check_words(tokenizer, "some.gguf")


@pytest.mark.skipif(importlib.util.find_spec("gguf") is None, reason="needs the package gguf")
def test_a_gguf_file_of_an_unknown_type(tmp_path: Path) -> None:
    told = told_of(gguf_file(tmp_path / "model.gguf", "pigeon"))
    assert told.startswith(f"{tmp_path / 'model.gguf'}: cannot be loaded as a chat model (")
    assert "pigeon" in told


def copied(chat_folder: Path, folder: Path) -> Path:
    shutil.copytree(chat_folder, folder, dirs_exist_ok=True)
    return folder


def test_two_checkpoints_in_one_folder(chat_folder: Path, tmp_path: Path) -> None:
    """transformers would take the one and never look at the other."""
    folder = copied(chat_folder, tmp_path)
    (folder / "model.safetensors.index.json").write_text("{}")
    assert "holds two checkpoints, model.safetensors and model.safetensors.index.json; keep one" in told_of(folder)


def test_a_folder_of_checkpoints_names_them(chat_folder: Path, tmp_path: Path) -> None:
    for name in ("checkpoint-10", "checkpoint-20"):
        copied(chat_folder, tmp_path / name)
    gguf_file(tmp_path / "small.gguf", "llama")
    told = told_of(tmp_path)
    assert told.endswith("holds no config.json; give one of those in it: checkpoint-10, checkpoint-20, small.gguf")


def test_an_adapter(tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text('{"peft_type": "LORA"}')
    assert "an adapter, not a model; merge it into its base model" in told_of(tmp_path)


def with_config(chat_folder: Path, folder: Path, **settings: Any) -> Path:
    file = copied(chat_folder, folder) / "config.json"
    file.write_text(json.dumps({**json.loads(file.read_text(encoding="utf-8")), **settings}), encoding="utf-8")
    return folder


def test_a_type_that_transformers_does_not_know(chat_folder: Path, tmp_path: Path) -> None:
    own_code = {"AutoConfig": "configuration.Config", "AutoModelForCausalLM": "modeling.Model"}
    folder = with_config(chat_folder, tmp_path, model_type="pigeon", architectures=["PigeonForCausalLM"])
    assert "does not know its type; upgrade transformers" in told_of(folder)
    with_config(chat_folder, tmp_path, model_type="pigeon", auto_map=own_code)
    assert "its code comes with the model and is never run; use a model that transformers" in told_of(folder)


@pytest.mark.skipif(importlib.util.find_spec("bitsandbytes") is not None, reason="bitsandbytes is installed")
def test_weights_that_take_a_package(chat_folder: Path, tmp_path: Path) -> None:
    quantised = {"quant_method": "bitsandbytes", "load_in_4bit": True, "bnb_4bit_quant_type": "nf4"}
    folder = with_config(chat_folder, tmp_path, quantization_config=quantised)
    with pytest.raises(MissingPrerequisite, match=r"reading it takes another package .*bitsandbytes") as caught:
        ChatModel.load(folder)
    assert caught.value.exit_code == 3


def test_a_folder_without_a_tokenizer(chat_folder: Path, tmp_path: Path) -> None:
    for file in copied(chat_folder, tmp_path).glob("tokenizer*"):
        file.unlink()
    assert "holds no tokenizer that can be read; put the model's tokenizer.json there" in told_of(tmp_path)


def test_weights_that_are_cut_short(chat_folder: Path, tmp_path: Path) -> None:
    file = copied(chat_folder, tmp_path) / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-1000])
    assert "its safetensors are damaged" in told_of(tmp_path)


def test_weights_that_lack_some(chat_folder: Path, tmp_path: Path) -> None:
    """transformers would fill them with random numbers."""
    from safetensors.torch import load_file, save_file

    folder = copied(chat_folder, tmp_path)
    weights = load_file(folder / "model.safetensors")
    del weights["model.layers.1.mlp.up_proj.weight"]
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    assert "its weights lack model.layers.1.mlp.up_proj.weight; download the model again" in told_of(folder)


def with_template(change: Callable[[str], str], chat_folder: Path, folder: Path) -> Path:
    copied(chat_folder, folder)
    file = folder / "chat_template.jinja"
    file.write_text(change(file.read_text(encoding="utf-8")), encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("{{ raise_exception('Only tools.\\nAsk with tools.') }}", "(Only tools.)"),
        ("{{ messages[0].content.nothing() }}", "has no attribute 'nothing'"),
        ("{% for message in messages %}", "Unexpected end of template"),
    ],
)
def test_a_template_that_raises(template: str, reason: str, chat_folder: Path, tmp_path: Path) -> None:
    told = told_of(with_template(lambda _: template, chat_folder, tmp_path))
    assert "its chat template does not render a user message" in told
    assert reason in told


def test_a_tokenizer_with_other_special_tokens_than_the_models(chat_folder: Path, tmp_path: Path) -> None:
    """The model's end token is an ordinary word of this tokenizer: replies would end at that word."""
    folder = copied(chat_folder, tmp_path)
    for name in ("config.json", "generation_config.json"):
        config = json.loads((folder / name).read_text(encoding="utf-8"))
        (folder / name).write_text(json.dumps({**config, "eos_token_id": 40}), encoding="utf-8")
    word = word_tokenizer().decode([40])
    told = told_of(folder)
    assert f"ends replies at token 40 ('{word}'), which is no special token of the tokenizer" in told
    assert "'<|end|>'" in told


def test_a_tokenizer_with_more_tokens_than_the_model_embeds(chat_folder: Path, tmp_path: Path) -> None:
    from tokenizers import AddedToken

    folder = copied(chat_folder, tmp_path)
    tokenizer = word_tokenizer()
    tokenizer.add_tokens([AddedToken("<|late|>", special=True)])
    tokenizer.chat_template = tokenizer.chat_template + "<|late|>"
    tokenizer.save_pretrained(folder)
    last = len(tokenizer) - 1
    assert f"its tokenizer has token {last} ('<|late|>'), the model embeds {last}" in told_of(folder)
