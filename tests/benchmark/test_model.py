from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from polyrefuse_data.benchmark import ChatModel, extract_directions, gguf
from polyrefuse_data.errors import ConfigError, MissingPrerequisite, ModelError


def test_block_inputs_are_the_hidden_states_that_the_library_reports(chat_model: ChatModel) -> None:
    from polyrefuse_data.benchmark.activations import block_inputs

    prompts = ["please tell me how to steal the car", "dis moi comment laver : lampe", "wash"]
    taken = block_inputs(chat_model, prompts)
    n_positions = len(chat_model.post_instruction_token_ids)
    for prompt, ours in zip(prompts, taken, strict=True):
        ids = torch.tensor(chat_model.encode([prompt]))
        states = chat_model.network(input_ids=ids, output_hidden_states=True).hidden_states
        expected = torch.stack(states[: chat_model.n_layers])[:, 0, -n_positions:].transpose(0, 1)
        assert torch.allclose(ours, expected, atol=1e-5)


def test_post_instruction_tokens_are_the_templates(chat_model: ChatModel) -> None:
    tokens = chat_model.tokenizer.convert_ids_to_tokens(chat_model.post_instruction_token_ids)
    assert tokens == ["<|end|>", "<|assistant|>"]
    assert chat_model.end_token_ids == {chat_model.tokenizer.convert_tokens_to_ids("<|end|>")}


def test_a_model_without_chat_template_says_what_to_do(chat_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(chat_folder, folder)
    (folder / "chat_template.jinja").unlink(missing_ok=True)
    config = json.loads((folder / "tokenizer_config.json").read_text())
    config.pop("chat_template", None)
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match="no chat template; use the instruction-tuned checkpoint"):
        ChatModel.load(folder)


def test_folders_that_hold_no_model_are_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no config\.json"):
        ChatModel.load(tmp_path)
    with pytest.raises(ModelError, match="no such folder"):
        ChatModel.load(tmp_path / "missing")
    (tmp_path / "file").write_text("x")
    with pytest.raises(ModelError, match="is a file; give the folder that holds it, a GGUF file"):
        ChatModel.load(tmp_path / "file")
    (tmp_path / "config.json").write_text("{broken")
    (tmp_path / "model.safetensors").touch()
    with pytest.raises(ModelError, match="cannot be loaded"):
        ChatModel.load(tmp_path)
    assert ModelError.exit_code == 3


def test_gguf_files_that_cannot_be_read_say_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "model.gguf"
    file.write_bytes(b"GGML, of another time")
    monkeypatch.setattr(gguf, "_READERS", ("polyrefuse_no_such_package",))
    with pytest.raises(MissingPrerequisite, match=r'`pip install "polyrefuse-data\[gguf\]"`'):
        ChatModel.load(file)
    monkeypatch.setattr(gguf, "_READERS", ())
    with pytest.raises(ModelError, match="is not a GGUF file"):
        ChatModel.load(file)
    file.write_bytes(b"GGUF\x03\x00")
    with pytest.raises(ModelError, match=r"model\.gguf: "):
        ChatModel.load(file)


def test_an_unknown_dtype_names_the_known_ones(chat_folder: Path) -> None:
    with pytest.raises(ModelError, match="use auto, float32"):
        ChatModel.load(chat_folder, dtype="int3")


def test_an_empty_class_is_an_error_of_the_caller(chat_model: ChatModel) -> None:
    with pytest.raises(ConfigError, match="no harmless prompts"):
        extract_directions(chat_model, ["steal the car"], [])


def test_memory_that_runs_out_halves_the_batch(monkeypatch: pytest.MonkeyPatch, chat_model: ChatModel) -> None:
    """The first forwards of more than one row fail as a full GPU does; the numbers are those of small batches."""
    from polyrefuse_data.benchmark.activations import block_inputs

    prompts = ["steal the car", "wash the boat", "draw the lamp"]
    expected = block_inputs(chat_model, prompts)
    sizes: list[int] = []
    run = type(chat_model).run_blocks

    def scarce(model: ChatModel, batch: Any) -> None:
        sizes.append(len(batch.input_ids))
        if sizes[-1] > 1:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        run(model, batch)

    monkeypatch.setattr(type(chat_model), "run_blocks", scarce)
    assert torch.allclose(block_inputs(chat_model, prompts), expected, atol=1e-6)
    assert sizes == [3, 1, 2, 1, 1]


def test_importing_the_room_loads_no_torch() -> None:
    import subprocess
    import sys

    program = "import sys, polyrefuse_data.benchmark; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
