"""Checks what a run needs before its first expensive step: judges, keys, devices, and settings that the model must
support.

Cheap checks come first: wrong names before torch is imported, missing keys before the release is read, and whatever the
model's configuration and template show before its weights are loaded.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from polyrefuse_data.benchmark.config import BenchmarkConfig
from polyrefuse_data.benchmark.experiments.harness import find_tasks
from polyrefuse_data.benchmark.experiments.wrappers import read_wrappers
from polyrefuse_data.benchmark.judges.in_english import prepare_judging
from polyrefuse_data.benchmark.plan import Plan, check_transfer
from polyrefuse_data.benchmark.refusal_tokens import published_tokens
from polyrefuse_data.models.quantization import quantized_dtype

if TYPE_CHECKING:
    from polyrefuse_data.benchmark.model_files import ModelFiles


def probe_settings(config: BenchmarkConfig) -> None:
    """Check what can be checked without release and model.

    Raises ConfigError for an unknown judge, language or device; MissingPrerequisite for a missing key, server, guard
    model, GPU or task's questions; ModelError if the model's folder is not one.
    """
    prepare_judging(config.settings(), config.languages or ())
    if config.endpoint:
        return
    if config.source_languages or config.languages:
        check_transfer(config.transfer, config.source_languages or config.languages or ())
    from polyrefuse_data.benchmark.model_files import check_placement
    from polyrefuse_data.benchmark.model_folder import check_place
    from polyrefuse_data.models.store import bundled_folder

    if config.jailbreaks:
        read_wrappers(Path(config.jailbreaks))
    if config.tasks:
        find_tasks(config.tasks)
    check_place(Path(bundled_folder(config.model)), config.model)
    on_gpu = check_placement(config.device, config.device_map)
    if config.quantization:
        quantized_dtype(config.quantization, config.dtype, on_gpu)


def probe_plan(plan: Plan) -> None:
    """Check that the judge can judge the release's languages. Raises as `prepare_judging` does."""
    if not plan.config.languages:
        prepare_judging(plan.config.settings(), plan.targets)


def probe_files(files: ModelFiles, config: BenchmarkConfig) -> None:
    """Check the settings against the model's configuration and template.

    Raises ModelError if the template does not render prompts; ConfigError for positions, layers or published refusal
    tokens that the model does not have.
    """
    from polyrefuse_data.benchmark.candidates import candidate_places

    candidate_places(len(files.chat.post_instruction_token_ids()), files.n_layers, config.positions, config.layers)
    if config.refusal_tokens == "published":
        text = files.config.get_text_config(decoder=True)
        published_tokens(text.model_type, text.vocab_size, [])
