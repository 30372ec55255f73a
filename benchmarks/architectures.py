"""Every model type of the installed transformers that writes text, as a tiny random network: does it load, and is what
is measured on it right?

python -m benchmarks.architectures [TYPE...] [--page docs/models.md]
"""

from __future__ import annotations

import argparse
import signal
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers
from torch import Tensor
from transformers.models.auto import modeling_auto

from polyrefuse_data.benchmark import ChatModel, ablate
from polyrefuse_data.benchmark.activations import block_inputs
from polyrefuse_data.benchmark.generation import generate
from polyrefuse_data.benchmark.module_io import first_tensor
from polyrefuse_data.errors import ModelError
from tests.benchmark.conftest import word_tokenizer
from tests.benchmark.tiny_models import tiny_network

PROMPTS = ["steal the car", "please tell me how to wreck the house", "dis moi comment voler : lampe", "poison"]
TOKENS = 6
SECONDS = 40  # a type that takes longer is not made small by the names of its sizes
MARK = "<!-- matrix -->"


@dataclass(frozen=True)
class Row:
    """What was found for one type. Numbers are the largest over blocks and prompts, relative to the largest entry."""

    writers: str
    directions: float | None  # block inputs against the hidden states that the model reports, None where it does not
    left_reference: float
    left_complete: float
    generation: str

    def cells(self) -> list[str]:
        shown = [
            "" if value is None else f"{value:.0e}"
            for value in (self.directions, self.left_reference, self.left_complete)
        ]
        return [self.writers, *shown, self.generation]


def measure(model_type: str) -> Row:
    tokenizer = word_tokenizer()
    model = ChatModel(tiny_network(model_type, len(tokenizer)), tokenizer, name=model_type)
    direction = torch.randn(model.d_model, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    return Row(
        writers=_writers(model),
        directions=_directions(model),
        left_reference=_left(model, direction, "reference"),
        left_complete=_left(model, direction, "complete"),
        generation=_generation(model),
    )


def _writers(model: ChatModel) -> str:
    kinds = {}
    for block in model.blocks:
        names = {id(module): name for name, module in block.module.named_modules()}
        told = "block" if block.is_whole else ", ".join(names[id(module)] for module in block.sublayers)
        kinds[told + (" (post-norms)" if block.has_post_norms else "")] = None
    return "; ".join(kinds)


def _directions(model: ChatModel) -> float | None:
    taken = block_inputs(model, PROMPTS)
    n_positions = len(model.post_instruction_token_ids)
    worst = 0.0
    for ids, ours in zip(model.encode(PROMPTS), taken, strict=True):
        output = model.network(**model.inputs(model.batch([ids])), use_cache=False, output_hidden_states=True)
        states = output.get("hidden_states")
        if states is None or len(states) < model.n_layers or states[0].ndim != 3:
            return None
        theirs = torch.stack([state[0, -n_positions:] for state in states[: model.n_layers]], 1)
        after = float((ours[:, 1:] - theirs[:, :-1]).abs().max())  # of models that report what blocks return (Mamba)
        worst = max(worst, min(float((ours - theirs).abs().max()), after) / float(theirs.abs().max()))
    return worst


def _left(model: ChatModel, direction: Tensor, mode: str) -> float:
    unit = direction / direction.norm()
    worst = 0.0

    def look(module: Any, args: Any, output: Any) -> None:
        nonlocal worst
        hidden = first_tensor(output).double()
        worst = max(worst, float((hidden @ unit).abs().max() / hidden.abs().max()))

    with ablate(model, direction, mode=mode):  # hooks run in order: these see what the ablation has left
        handles = [block.module.register_forward_hook(look) for block in model.blocks]
        model.run_blocks(model.batch(model.encode(PROMPTS)))
    for handle in handles:
        handle.remove()
    return worst


def _generation(model: ChatModel) -> str:
    """Batched, padded, cached replies against each prompt alone, run whole at every token."""
    together = [reply.token_ids for reply in generate(model, PROMPTS, max_new_tokens=TOKENS)]
    alone = []
    for ids in model.encode(PROMPTS):
        said: list[int] = []
        while len(said) < TOKENS and (not said or said[-1] not in model.end_token_ids):
            said.append(int(model.last_logits(model.batch([ids + said])).argmax()))
        alone.append(said)
    how = model.way + ("" if model.pads else ", unpadded")
    return how if together == alone else f"{how}: differs"


def text_types() -> list[str]:
    """Model types that transformers loads as a causal, image-text or multimodal language model."""
    names = ("CAUSAL_LM", "IMAGE_TEXT_TO_TEXT", "MULTIMODAL_LM")
    mappings = (getattr(modeling_auto, f"MODEL_FOR_{name}_MAPPING_NAMES") for name in names)
    return sorted({model_type for mapping in mappings for model_type in mapping})


def matrix(types: list[str]) -> tuple[dict[str, Row], dict[str, str]]:
    """What was measured by type, and why not for the others."""
    rows: dict[str, Row] = {}
    reasons: dict[str, str] = {}

    def out_of_time(*_: object) -> None:
        raise TimeoutError(f"not made small enough for {SECONDS} seconds")

    signal.signal(signal.SIGALRM, out_of_time)
    for model_type in types:
        signal.alarm(SECONDS)
        try:
            rows[model_type] = measure(model_type)
        except ModelError as error:
            reasons[model_type] = str(error).removeprefix(f"{model_type}: ")
        except Exception as error:  # noqa: BLE001 - whatever a configuration or a forward of 285 kinds raises
            lines = str(error).strip().splitlines() or [""]
            reasons[model_type] = f"{type(error).__name__}: {lines[-1].strip()[:150]}"
        finally:
            signal.alarm(0)
        found = " | ".join(rows[model_type].cells()) if model_type in rows else reasons[model_type]
        print(f"{model_type}: {found}", file=sys.stderr, flush=True)
    return rows, reasons


def page(rows: dict[str, Row], reasons: dict[str, str]) -> str:
    head = "| type | writers | directions | left: reference | left: complete | generation |"
    lines = [f"{len(rows)} of {len(rows) + len(reasons)} types, transformers {transformers.__version__}.", "", head]
    lines += ["|---|---|---|---|---|---|"]
    lines += [f"| {' | '.join([model_type, *row.cells()])} |" for model_type, row in sorted(rows.items())]
    lines += ["", "Not measured:", "", "| type | why |", "|---|---|"]
    lines += [f"| {model_type} | {reason.replace('|', ' ')} |" for model_type, reason in sorted(reasons.items())]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("types", nargs="*")
    parser.add_argument("--page", type=Path)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    transformers.logging.set_verbosity(transformers.logging.CRITICAL)
    torch.set_num_threads(1)
    text = page(*matrix(options.types or text_types()))
    if options.page is None:
        print(text)
        return
    before, mark, _ = options.page.read_text(encoding="utf-8").partition(MARK)
    options.page.write_text(f"{before}{mark}\n\n{text}", encoding="utf-8")


if __name__ == "__main__":
    main()
