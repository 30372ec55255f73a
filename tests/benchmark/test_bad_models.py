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
    assert "depends on later tokens, so it is an encoder" in told_of(folder)


def test_an_encoder_decoder(tmp_path: Path) -> None:
    small = {"d_model": 16, "d_ff": 32, "d_kv": 8, "num_layers": 2, "num_heads": 2, "decoder_start_token_id": 0}
    folder = network_folder(tmp_path, "T5ForConditionalGeneration", **small)
    assert "t5 is an encoder-decoder, not a chat model" in told_of(folder)


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


def whole_gguf_file(path: Path) -> bytes:
    """A tiny Llama, as the package gguf writes it."""
    import numpy as np
    from gguf import GGUFWriter

    words = ["<unk>", "<s>", "</s>", *(f"▁{chr(97 + place)}" for place in range(26)), *map(chr, range(97, 123))]
    writer = GGUFWriter(str(path), "llama")
    for name in ("block_count", "head_count", "head_count_kv"):
        getattr(writer, f"add_{name}")(2)
    writer.add_context_length(64)
    writer.add_embedding_length(16)
    writer.add_feed_forward_length(32)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_tokenizer_model("llama")
    writer.add_token_list(words)
    writer.add_token_scores([0.0] * len(words))
    writer.add_token_types([2, 3, 3] + [1] * (len(words) - 3))
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_chat_template("{{ messages[0].content }}</s>")
    random = np.random.default_rng(0)
    square, up, down = (16, 16), (32, 16), (16, 32)
    block = {"attn_q": square, "attn_k": square, "attn_v": square, "attn_output": square, "ffn_gate": up, "ffn_up": up}
    shapes = {"token_embd": (len(words), 16), "output": (len(words), 16), "output_norm": (16,)}
    for layer in range(2):
        named = {**block, "ffn_down": down, "attn_norm": (16,), "ffn_norm": (16,)}
        shapes |= {f"blk.{layer}.{name}": shape for name, shape in named.items()}
    for name, shape in shapes.items():
        writer.add_tensor(f"{name}.weight", random.standard_normal(shape).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path.read_bytes()


@pytest.mark.skipif(importlib.util.find_spec("gguf") is None, reason="needs the package gguf")
def test_a_gguf_file_that_is_cut_anywhere(tmp_path: Path) -> None:
    file = tmp_path / "model.gguf"
    whole = whole_gguf_file(file)
    assert ChatModel.load(file).n_layers == 2
    for size in (20, 200, len(whole) // 12, len(whole) // 4, len(whole) // 2, len(whole) - 4):
        file.write_bytes(whole[:size])
        assert told_of(file) == f"{file}: the file is cut short; download it again", size


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


def test_a_model_with_an_adapter(chat_folder: Path, tmp_path: Path) -> None:
    """With peft installed, transformers would load the base model that the adapter names."""
    (copied(chat_folder, tmp_path) / "adapter_config.json").write_text('{"peft_type": "LORA"}')
    assert "holds a model and an adapter; move adapter_config.json away" in told_of(tmp_path)


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json"])
def test_a_clone_without_git_lfs(name: str, chat_folder: Path, tmp_path: Path) -> None:
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:12\nsize 1234\n"
    (copied(chat_folder, tmp_path) / name).write_text(pointer)
    assert f"{name} is only a Git LFS pointer; fetch the file with `git lfs pull`" in told_of(tmp_path)


def test_a_folder_without_weights(chat_folder: Path, tmp_path: Path) -> None:
    (copied(chat_folder, tmp_path) / "model.safetensors").unlink()
    assert "this folder holds no weights; download the model's model.safetensors" in told_of(tmp_path)


def test_a_pickle_alone(chat_folder: Path, tmp_path: Path) -> None:
    file = copied(chat_folder, tmp_path) / "model.safetensors"
    file.rename(tmp_path / "pytorch_model.bin")
    assert f"convert them once with `polyrefuse fetch-model {tmp_path} --out FOLDER`" in told_of(tmp_path)


def in_two_shards(folder: Path) -> list[Path]:
    """The model's weights, split into two files with an index."""
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    shards = [folder / f"model-0000{number}-of-00002.safetensors" for number in (1, 2)]
    names = sorted(weights)
    halves = names[: len(names) // 2], names[len(names) // 2 :]
    for file, half in zip(shards, halves, strict=True):
        save_file({name: weights[name] for name in half}, file, {"format": "pt"})
    where = {name: file.name for file, half in zip(shards, halves, strict=True) for name in half}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": where}))
    return shards


def test_a_shard_that_is_missing_or_cut_short(chat_folder: Path, tmp_path: Path) -> None:
    _, last = in_two_shards(copied(chat_folder, tmp_path))
    assert ChatModel.load(tmp_path).n_layers == 4
    last.write_bytes(last.read_bytes()[:200])
    assert "its safetensors are damaged" in told_of(tmp_path)
    last.unlink()
    assert f"its weights lack {last.name}; download the model again" in told_of(tmp_path)


@pytest.mark.parametrize(("value", "said"), [("nan", "computes NaN"), ("inf", "computes infinity")])
def test_a_shard_with_broken_numbers(value: str, said: str, chat_folder: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    _, last = in_two_shards(copied(chat_folder, tmp_path))
    weights = load_file(last)
    weights["model.norm.weight"][0] = float(value)
    save_file(weights, last, {"format": "pt"})
    assert f"{said} on a plain prompt; its weights are broken" in told_of(tmp_path)


def test_weights_in_float8(chat_folder: Path, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file, save_file

    fp8 = {"quant_method": "fp8", "activation_scheme": "dynamic", "weight_block_size": [128, 128]}
    file = with_config(chat_folder, tmp_path, quantization_config=fp8) / "model.safetensors"
    weights = {name: each.to(torch.float8_e4m3fn) if each.ndim == 2 else each for name, each in load_file(file).items()}
    save_file(weights, file, {"format": "pt"})
    told = told_of(tmp_path) if not torch.cuda.is_available() else "float8, which needs a GPU"
    assert "float8, which needs a GPU" in told


def with_config(chat_folder: Path, folder: Path, **settings: Any) -> Path:
    file = copied(chat_folder, folder) / "config.json"
    file.write_text(json.dumps({**json.loads(file.read_text(encoding="utf-8")), **settings}), encoding="utf-8")
    return folder


def test_a_type_that_transformers_does_not_know(chat_folder: Path, tmp_path: Path) -> None:
    own_code = {"AutoConfig": "configuration.Config", "AutoModelForCausalLM": "modeling.Model"}
    folder = with_config(chat_folder, tmp_path, model_type="pigeon", architectures=["PigeonForCausalLM"])
    assert "does not know its type; upgrade transformers" in told_of(folder)
    with_config(chat_folder, tmp_path, model_type="pigeon", auto_map=own_code)
    assert "it needs code of its own, which is never run; use a model that transformers" in told_of(folder)


@pytest.mark.parametrize(
    "settings",
    [{"rope_parameters": {"rope_type": "pigeon"}}, {"hidden_act": "pigeon"}, {"num_hidden_layers": "four"}],
)
def test_a_configuration_of_a_newer_transformers(settings: dict[str, Any], chat_folder: Path, tmp_path: Path) -> None:
    told = told_of(with_config(chat_folder, tmp_path, transformers_version="99.1.0.dev0", **settings))
    assert "transformers 99.1.0.dev0 has saved it" in told
    assert told.endswith("is installed; upgrade it")
    assert str(next(iter(settings.values()))) in told or "pigeon" in told
    told = told_of(with_config(chat_folder, tmp_path, transformers_version="4.0.0", **settings))
    assert "upgrade" not in told


def test_weights_of_other_sizes(chat_folder: Path, tmp_path: Path) -> None:
    told = told_of(with_config(chat_folder, tmp_path, hidden_size=64))
    assert "its weights do not match the sizes in its config.json; download the model again" in told


@pytest.mark.skipif(importlib.util.find_spec("bitsandbytes") is not None, reason="bitsandbytes is installed")
def test_weights_that_take_a_package(chat_folder: Path, tmp_path: Path) -> None:
    quantised = {"quant_method": "bitsandbytes", "load_in_4bit": True, "bnb_4bit_quant_type": "nf4"}
    folder = with_config(chat_folder, tmp_path, quantization_config=quantised)
    with pytest.raises(MissingPrerequisite, match=r"reading it needs another package .*bitsandbytes") as caught:
        ChatModel.load(folder)
    assert caught.value.exit_code == 3


def test_a_folder_without_a_tokenizer(chat_folder: Path, tmp_path: Path) -> None:
    for file in copied(chat_folder, tmp_path).glob("tokenizer*"):
        file.unlink()
    assert "has no readable tokenizer; put the model's tokenizer.json there" in told_of(tmp_path)


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


def test_a_configuration_with_fewer_layers_than_the_weights(chat_folder: Path, tmp_path: Path) -> None:
    """transformers would load the first ones alone, and the half of a model answers without an error."""
    folder = copied(chat_folder, tmp_path)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config["num_hidden_layers"] = 2
    config["layer_types"] = config.get("layer_types") and config["layer_types"][:2]
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    assert "its weights contain model.layers.2, but its configuration has only 2 layers; correct num_hid" in told_of(
        folder
    )
    config["num_nextn_predict_layers"] = 2  # blocks that predict several tokens at once stand behind the others
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    assert ChatModel.load(folder).n_layers == 2


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
    assert f"ends replies at token 40 ('{word}'), which is not a special token of the tokenizer" in told
    assert "'<|end|>'" in told


def test_a_tokenizer_with_more_tokens_than_the_model_embeds(chat_folder: Path, tmp_path: Path) -> None:
    from tokenizers import AddedToken

    folder = copied(chat_folder, tmp_path)
    tokenizer = word_tokenizer()
    tokenizer.add_tokens([AddedToken("<|late|>", special=True)])
    tokenizer.chat_template = tokenizer.chat_template + "<|late|>"
    tokenizer.save_pretrained(folder)
    last = len(tokenizer) - 1
    assert f"its tokenizer has a token {last} ('<|late|>'), but the model has only {last} embeddings" in told_of(folder)


def test_end_tokens_that_are_none(chat_folder: Path, tmp_path: Path) -> None:
    (copied(chat_folder, tmp_path) / "generation_config.json").write_text('{"eos_token_id": "<|end|>"}')
    assert "eos_token_id in its generation_config.json is not a token id ('<|end|>'); correct it" in told_of(tmp_path)


def named_templates(folder: Path, chat_template: Any) -> Path:
    (folder / "chat_template.jinja").unlink()
    file = folder / "tokenizer_config.json"
    file.write_text(json.dumps({**json.loads(file.read_text(encoding="utf-8")), "chat_template": chat_template}))
    return folder


def test_templates_by_name_without_a_default(chat_folder: Path, tmp_path: Path) -> None:
    named = [{"name": "rag", "template": "{{ messages }}"}, {"name": "tool_use", "template": "{{ messages }}"}]
    told = told_of(named_templates(copied(chat_folder, tmp_path), named))
    assert "it has several named chat templates but no `default`; put the one to measure" in told


def test_a_template_that_is_no_text(chat_folder: Path, tmp_path: Path) -> None:
    assert "its chat template is not text" in told_of(named_templates(copied(chat_folder, tmp_path), 5))


def test_the_template_of_a_processor(chat_folder: Path, tmp_path: Path) -> None:
    """Older multimodal models keep it in a file that tokenizers do not read."""
    file = copied(chat_folder, tmp_path) / "chat_template.jinja"
    (tmp_path / "chat_template.json").write_text(json.dumps({"chat_template": file.read_text(encoding="utf-8")}))
    file.unlink()
    assert "hi" in ChatModel.load(tmp_path).chat.render("hi")
    (tmp_path / "chat_template.json").write_text("[]")
    assert "the tokenizer has no chat template" in told_of(tmp_path)
