"""What a run needs, looked for before its first expensive step: judges, keys, devices, and settings against the model.

Cheap things first: a wrong name is said before torch is imported, a missing key before the release is read, what the
model's configuration and template do not allow before its weights are loaded.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from polyrefuse_data.benchmark.config import BenchmarkConfig
from polyrefuse_data.benchmark.judges import judge_signature, prepare_judge
from polyrefuse_data.benchmark.plan import Plan, check_transfer
from polyrefuse_data.benchmark.refusal_tokens import published_tokens

if TYPE_CHECKING:
    from polyrefuse_data.benchmark.model_files import ModelFiles


def probe_settings(config: BenchmarkConfig) -> None:
    """What can be known without release and model.

    Raises ConfigError for a judge, language or device that there is not, MissingPrerequisite for a key, server, guard
    model or GPU that is not there, ModelError for a model's folder that is none.
    """
    prepare_judge(config.judge, config.languages or ())
    if config.endpoint:
        return
    if config.source_languages or config.languages:
        check_transfer(config.transfer, config.source_languages or config.languages or ())
    from polyrefuse_data.benchmark.model_files import check_device, check_place
    from polyrefuse_data.models.store import bundled_folder

    check_place(Path(bundled_folder(config.model)), config.model)
    check_device(config.device)


def probe_plan(plan: Plan) -> None:
    """What the release's languages ask of the judge. Raises ConfigError where it cannot judge one."""
    if not plan.config.languages:
        for language in plan.targets:
            judge_signature(plan.config.judge, language)


def probe_files(files: ModelFiles, config: BenchmarkConfig) -> None:
    """What the model's configuration and template allow.

    Raises ModelError for a template that renders no prompts, ConfigError for positions, layers or published refusal
    tokens that it does not have.
    """
    from polyrefuse_data.benchmark.scoring import candidate_places

    candidate_places(len(files.chat.post_instruction_token_ids()), files.n_layers, config.positions, config.layers)
    if config.refusal_tokens == "published":
        text = files.config.get_text_config(decoder=True)
        published_tokens(text.model_type, text.vocab_size, [])
