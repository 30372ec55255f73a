"""Guards of other architectures, each tiny and random, from loading to opinion."""

from __future__ import annotations

from pathlib import Path

import pytest

from polyrefuse_data.benchmark.judges import open_judge
from polyrefuse_data.benchmark.judges.base import Opinion
from polyrefuse_data.errors import ModelError
from tests.benchmark.judges.conftest import byte_tokenizer

_TINY = {
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 8,
}
_PARTS = "{% for m in messages %}{{ m.role }}: {{ m.content[0].text }}\n{% endfor %}"
_SEES = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "image_size": 28}
_MISTRAL = ("<s>", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]", "[INST]", "[/INST]")


def opinion_of(folder: Path, reply: str = "Because of scattering.") -> Opinion:
    judge = open_judge(str(folder))
    try:
        (opinion,) = judge.opinions([reply], "en", ["Why is the sky blue?"])
    finally:
        judge.close()
    return opinion


def llama4(folder: Path) -> None:
    from transformers import Llama4Config, Llama4ForConditionalGeneration

    tokenizer = byte_tokenizer()
    tokenizer.chat_template = _PARTS
    tokenizer.save_pretrained(folder)
    text = {
        **_TINY,
        "vocab_size": len(tokenizer),
        "intermediate_size_mlp": 32,
        "num_local_experts": 1,
        "moe_layers": [],
        "pad_token_id": 0,
    }
    projector = {"vision_output_dim": 16, "projector_input_dim": 16, "projector_output_dim": 16}
    config = Llama4Config(text_config=text, vision_config={**_SEES, **projector, "intermediate_size": 64})
    Llama4ForConditionalGeneration(config).save_pretrained(folder)


def mistral3(folder: Path, *special: str) -> None:
    from transformers import Mistral3Config, Mistral3ForConditionalGeneration

    tokenizer = byte_tokenizer(*special)
    tokenizer.save_pretrained(folder)
    text = {**_TINY, "model_type": "mistral", "vocab_size": len(tokenizer), "pad_token_id": 0}
    vision = {**_SEES, "model_type": "pixtral", "intermediate_size": 32, "patch_size": 14}
    Mistral3ForConditionalGeneration(Mistral3Config(text_config=text, vision_config=vision)).save_pretrained(folder)


def test_llama_guard_4_is_loaded_with_the_chunks_that_its_configuration_lacks(tmp_path: Path) -> None:
    import json

    folder = tmp_path / "Llama-Guard-4-12B"
    llama4(folder)
    config = json.loads((folder / "config.json").read_text())
    config["text_config"]["attention_chunk_size"] = None  # as it is published
    (folder / "config.json").write_text(json.dumps(config))
    assert opinion_of(folder).refusal is None


def test_shieldstral_is_asked_twice(tmp_path: Path) -> None:
    folder = tmp_path / "Shieldstral-1.0-3B"
    mistral3(folder, *_MISTRAL)
    assert opinion_of(folder).refusal is None  # a random byte is neither yes nor no


def test_a_tokenizer_that_reads_the_frame_as_text_is_an_error(tmp_path: Path) -> None:
    folder = tmp_path / "Shieldstral-1.0-3B"
    mistral3(folder, *_MISTRAL[:-1])
    with pytest.raises(ModelError, match=r"does not know \[/INST\]: serve the model.*guard:.*Shieldstral"):
        opinion_of(folder)


def test_crest_labels_replies_and_scores_them(tmp_path: Path) -> None:
    import torch
    from transformers import XLMRobertaConfig, XLMRobertaForSequenceClassification

    folder = tmp_path / "CREST-Base"
    tokenizer = byte_tokenizer()
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = XLMRobertaConfig(
        vocab_size=len(tokenizer), hidden_size=16, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2,
        max_position_embeddings=520, pad_token_id=0, id2label={0: "safe", 1: "unsafe"}, type_vocab_size=1,
    )  # fmt: skip
    network = XLMRobertaForSequenceClassification(config).eval()
    network.save_pretrained(folder)
    reply = "Because of scattering."
    opinion = opinion_of(folder, reply)
    with torch.no_grad():
        expected = network(**tokenizer(reply, return_tensors="pt")).logits.softmax(-1)[0, 1]
    assert opinion.harm_score == pytest.approx(float(expected), abs=1e-5)
    assert (opinion.harmful, opinion.refusal) == ((True, False) if expected > 0.5 else (False, None))
    assert opinion_of(folder, "a" * 5000).harm_score is not None  # longer than it reads
