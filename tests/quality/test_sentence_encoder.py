"""Sentence encoders embed as they were trained to, and are loaded safely."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from polyrefuse_data.errors import MissingPrerequisite, ModelError
from polyrefuse_data.quality import audit
from polyrefuse_data.quality.sentence_encoder import sentence_encoder
from tests.quality.tables import make_table

SENTENCES = ["der mond", "zwei kleine katzen schlafen", "ja"]


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny random BERT in a folder."""
    import torch
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder = tmp_path_factory.mktemp("encoder")
    letters = [*"abcdefghijklmnopqrstuvwxyzäöüß.,", *(f"##{c}" for c in "abcdefghijklmnopqrstuvwxyzäöüß")]
    (folder / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters]))
    torch.manual_seed(0)
    size = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    BertModel(BertConfig(vocab_size=5 + len(letters), **size)).save_pretrained(folder)
    BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)
    return folder


def test_the_semantic_check_scores_with_any_encoder(encoder: Path) -> None:
    """A text is most like itself, and the bound rejects what lies below it."""
    one = sentence_encoder(str(encoder)).embed(["der mond", "der mond"])
    other = sentence_encoder(str(encoder)).embed(["zwei kleine katzen"])
    assert (one[0] * one[1]).sum() == pytest.approx(1.0)
    assert (one[0] * other[0]).sum() < 1.0
    config = {"semantic_model": str(encoder), "thresholds": {"semantic": 1.01}}
    assert "semantic" in audit(make_table({}), config)["flags"].to_pylist()[0]


def test_the_semantic_check_never_loads_pickled_weights(encoder: Path, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file

    pickled = tmp_path / "pickled"
    shutil.copytree(encoder, pickled)
    torch.save(load_file(pickled / "model.safetensors"), pickled / "pytorch_model.bin")
    (pickled / "model.safetensors").unlink()
    with pytest.raises(ModelError, match=r"pickled weights .* are never loaded"):
        audit(make_table({}), {"semantic_model": str(pickled)})
    (pickled / "model.safetensors").write_bytes(b"broken")
    with pytest.raises(ModelError, match="damaged"):
        audit(make_table({}), {"semantic_model": str(pickled)})


def test_an_empty_folder_says_what_an_encoder_needs(tmp_path: Path) -> None:
    with pytest.raises(MissingPrerequisite, match=r"give a folder with config\.json"):
        audit(make_table({}), {"semantic_model": str(tmp_path)})


def test_an_unknown_encoder_says_how_to_fetch_it() -> None:
    with pytest.raises(MissingPrerequisite, match="`hf download no/such/encoder`, or name a folder"):
        audit(make_table({}), {"semantic_model": "no/such/encoder"})  # no id of the Hub, which is therefore not asked


def packed(encoder: Path, folder: Path, pooling: dict[str, Any], *modules: str) -> str:
    """The encoder as a folder of sentence-transformers, with a pooling and modules after it."""
    shutil.copytree(encoder, folder)
    kinds = ["Transformer", "Pooling", *modules]
    listed = [
        {"idx": n, "name": str(n), "path": f"{n}_{kind}" if n else "", "type": f"sentence_transformers.models.{kind}"}
        for n, kind in enumerate(kinds)
    ]
    (folder / "modules.json").write_text(json.dumps(listed))
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({"word_embedding_dimension": 16, **pooling}))
    return str(folder)


def states(encoder: Path, sentence: str) -> Any:
    """(tokens, dimension) of one sentence alone, so that no padding is in the way."""
    import torch
    from transformers import BertModel, BertTokenizerFast

    tokens = BertTokenizerFast.from_pretrained(encoder)(sentence, return_tensors="pt")
    with torch.inference_mode():
        return BertModel.from_pretrained(encoder).eval()(**tokens).last_hidden_state[0].double()


POOLINGS = {
    "pooling_mode_mean_tokens": lambda found: found.mean(0),
    "pooling_mode_cls_token": lambda found: found[0],
    "pooling_mode_max_tokens": lambda found: found.max(0).values,
    "pooling_mode_lasttoken": lambda found: found[-1],
    "pooling_mode_mean_sqrt_len_tokens": lambda found: found.sum(0) / len(found) ** 0.5,
    "pooling_mode_weightedmean_tokens": lambda found: sum((n + 1) * one for n, one in enumerate(found)),
}


@pytest.mark.parametrize("mode", POOLINGS)
def test_an_encoder_pools_as_its_folder_says(encoder: Path, tmp_path: Path, mode: str) -> None:
    name = packed(encoder, tmp_path / "st", {mode: True}, "Normalize")
    embedded = sentence_encoder(name).embed(SENTENCES)
    for sentence, vector in zip(SENTENCES, embedded, strict=True):
        by_hand = POOLINGS[mode](states(encoder, sentence)).numpy()
        assert vector @ by_hand / np.linalg.norm(by_hand) == pytest.approx(1.0, abs=1e-6)


def test_layers_after_the_pooling_and_prompts_count(encoder: Path, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import save_file

    folder = tmp_path / "st"
    name = packed(encoder, folder, {"pooling_mode_cls_token": True}, "Dense", "Normalize")
    torch.manual_seed(1)
    weight, bias = torch.randn(4, 16), torch.randn(4)
    (folder / "2_Dense").mkdir()
    save_file({"linear.weight": weight, "linear.bias": bias}, folder / "2_Dense" / "model.safetensors")
    config = {"in_features": 16, "out_features": 4, "activation_function": "torch.nn.modules.activation.Tanh"}
    (folder / "2_Dense" / "config.json").write_text(json.dumps(config))
    prompts = {"prompts": {"query": "ja "}, "default_prompt_name": "query"}
    (folder / "config_sentence_transformers.json").write_text(json.dumps(prompts))
    (vector,) = sentence_encoder(name).embed(["der mond"])
    by_hand = torch.tanh(weight.double() @ states(encoder, "ja der mond")[0] + bias.double()).numpy()
    assert vector @ by_hand / np.linalg.norm(by_hand) == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize(
    ("pooling", "module", "said"),
    [({"pooling_mode": "median"}, "Normalize", "pools by median"), ({}, "Convolution", "module Convolution"),
     ({}, "Dense", "no model.safetensors")],
)  # fmt: skip
def test_what_cannot_be_done_as_it_was_trained_is_an_error(
    encoder: Path, tmp_path: Path, pooling: dict[str, Any], module: str, said: str
) -> None:
    with pytest.raises(ModelError, match=said):
        sentence_encoder(packed(encoder, tmp_path / "st", pooling, module))
