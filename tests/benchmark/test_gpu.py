"""On a GPU, in float32, everything is as on the CPU."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from polyrefuse_data.benchmark import ChatModel, extract_directions, generate, harmless_means, score_candidates
from polyrefuse_data.benchmark.interventions import ABLATION_MODES
from polyrefuse_data.benchmark.weight_edit import fastest_ablation, is_proved

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no CUDA device on this machine")

PARITY = Path(__file__).parent / "parity"
FOLDERS = sorted(path.parent for path in PARITY.glob("*/reference.json"))
PROMPTS = json.loads((PARITY / "prompts.json").read_text(encoding="utf-8"))
TRAINED = PROMPTS["harmful_train"], PROMPTS["harmless_train"]


@pytest.fixture(params=FOLDERS, ids=lambda folder: folder.name)
def both(request: pytest.FixtureRequest) -> Iterator[tuple[ChatModel, ChatModel]]:
    cpu, gpu = (ChatModel.load(request.param, dtype="float32", device=device) for device in ("cpu", "cuda"))
    assert (cpu.device.type, gpu.device.type) == ("cpu", "cuda")
    yield cpu, gpu


def test_directions_and_scores(both: tuple[ChatModel, ChatModel]) -> None:
    directions = [extract_directions(model, *TRAINED) for model in both]
    assert float((directions[0].cpu() - directions[1].cpu()).abs().max()) <= 1e-4
    for mode in ABLATION_MODES:
        tables = [
            score_candidates(
                model,
                directions[0],
                PROMPTS["harmful_val"],
                PROMPTS["harmless_val"],
                [5, 9],
                mode=mode,
                means=harmless_means(model, TRAINED[1]) if mode == "centred" else None,
            )
            for model in both
        ]
        for row, same in zip(*tables, strict=True):
            for name in ("refusal_score", "steering_score", "kl_div_score"):
                assert row[name] == pytest.approx(same[name], abs=1e-3)


@pytest.mark.parametrize("mode", ABLATION_MODES)
def test_replies(both: tuple[ChatModel, ChatModel], mode: str) -> None:
    """Also with directions that lie on the GPU, one for each prompt, and through edited weights."""
    cpu, gpu = both
    asked = PROMPTS["harmful_val"][:6]
    direction = extract_directions(cpu, *TRAINED)[-1, -1]
    each = torch.stack([direction * sign for sign in (1, 2, -1, 3, 1, 1)])
    for given in (None, each):
        replies = [
            generate(
                model,
                asked,
                max_new_tokens=12,
                directions=given if given is None else given.to(model.device),
                mode=mode,
                means=harmless_means(model, TRAINED[1]) if given is not None and mode == "centred" else None,
            )
            for model in (cpu, gpu)
        ]
        assert [reply.token_ids for reply in replies[0]] == [reply.token_ids for reply in replies[1]]
    if mode != "centred":
        with fastest_ablation(gpu, direction, mode, is_proved(gpu, mode)):
            assert generate(gpu, asked, max_new_tokens=12) == generate(
                gpu, asked, max_new_tokens=12, directions=each[:1].expand(6, -1), mode=mode
            )
