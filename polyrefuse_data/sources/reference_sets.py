"""The public prompt sets of the reference pipeline (Arditi et al. 2024, arXiv 2406.11717) and XSTest, pinned.

Every file is named at a commit and, where its sha256 is known from public material, held to it. The reference pipeline
takes its harmful training prompts from AdvBench, MaliciousInstruct and TDC2023 (at most 128 of each, drawn at random
without a seed, minus what its other splits hold: 260), validates on HarmBench val (39) and tests on JailbreakBench,
HarmBench test and StrongREJECT (572); its harmless prompts are Alpaca's without inputs, split 60/20/20. The draw
cannot be repeated from the sets themselves, so `refusal-direction` is the result as its authors published it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from polyrefuse_data.rows import HARMFUL, HARMLESS
from polyrefuse_data.sources.public_set import GITHUB, HUB, PublicFile, PublicSet


def _harmbench_keeps(fields: Mapping[str, Any]) -> bool:
    """Excludes copyright behaviors and those that need context besides the prompt, as the reference pipeline does."""
    functional, tags = fields.get("FunctionalCategory") or "", fields.get("Tags") or ""
    return "copyright" not in functional.lower() and "context" not in tags.lower()


def _without_input(fields: Mapping[str, Any]) -> bool:
    return not (fields.get("input") or "").strip()


_ADVBENCH = "098262edf85f807224e70ecd87b9d83716bf6b73"
_MALICIOUS_INSTRUCT = "1e490531c0ef4bc13430178bf1fbc8f813e34b1a"
_TDC2023 = "f7ddd7d1c7bda82c6609ecfaf1484565d08d754a"
_HARMBENCH = "8e1604d1171fe8a48d8febecd22f600e462bdcdd"
_JAILBREAKBENCH = "886acc352a31533ffbcf4ef22c744658688086fc"
_STRONGREJECT = "f7cad6c17e624e21d8df2278e918ae1dddb4cb56"
_ALPACA = "dce01c9b08f87459cf36a430d809084718273017"
_XSTEST = "d7bb5bd738c1fcbc36edd83d5e7d1b71a3e2d84d"
_REFUSAL_DIRECTION = "0b9c8bc56a73b42f595fd173156d4aefe9a9143c"
_SPLITS = f"{GITHUB}/andyrdt/refusal_direction/{_REFUSAL_DIRECTION}/dataset/splits"
_BEHAVIORS = f"{GITHUB}/centerforaisafety/HarmBench/{_HARMBENCH}/data/behavior_datasets/harmbench_behaviors_text"
_RED_TEAMING = f"{GITHUB}/centerforaisafety/tdc2023-starter-kit/{_TDC2023}/red_teaming/data"

REFERENCE_SETS: tuple[PublicSet, ...] = (
    PublicSet(
        "advbench",
        "AdvBench",
        _ADVBENCH,
        "MIT",
        "harmful train; 128 of 520 in the reference pipeline",
        (
            PublicFile(
                f"{GITHUB}/llm-attacks/llm-attacks/{_ADVBENCH}/data/advbench/harmful_behaviors.csv",
                "6cd1a5c63c07610d7eb67307772ee5606017ee950b5770ab288a2c487489d3e1",
                text="goal",
                split="train",
            ),
        ),
    ),
    PublicSet(
        "malicious-instruct",
        "MaliciousInstruct",
        _MALICIOUS_INSTRUCT,
        "unknown",
        "harmful train; all 100",
        (
            PublicFile(
                f"{GITHUB}/Princeton-SysML/Jailbreak_LLM/{_MALICIOUS_INSTRUCT}/data/MaliciousInstruct.txt",
                None,
                split="train",
            ),
        ),
    ),
    PublicSet(
        "tdc2023",
        "TDC 2023 red teaming",
        _TDC2023,
        "MIT",
        "harmful train; all 100 (dev 50, test 50)",
        (
            PublicFile(f"{_RED_TEAMING}/dev/behaviors.json", None, split="train"),
            PublicFile(f"{_RED_TEAMING}/test/behaviors.json", None, split="train"),
        ),
    ),
    PublicSet(
        "harmbench",
        "HarmBench",
        _HARMBENCH,
        "MIT",
        "harmful validation and test; without copyright and contextual behaviors",
        (
            PublicFile(
                f"{_BEHAVIORS}_val.csv",
                "7bfaaa5e2b9b95002c89e2d33c019f58e9e8496e2fc65d368f1eeb8179e69534",
                text="Behavior",
                category="SemanticCategory",
                split="validation",
                keep=_harmbench_keeps,
            ),
            PublicFile(
                f"{_BEHAVIORS}_test.csv",
                "75d257b3e7428c52eb7b0154318f455af3e01b09a3794b5e2f3d36054f3c0e29",
                text="Behavior",
                category="SemanticCategory",
                split="test",
                keep=_harmbench_keeps,
            ),
        ),
    ),
    PublicSet(
        "jailbreakbench",
        "JailbreakBench",
        _JAILBREAKBENCH,
        "MIT",
        "harmful test; all 100",
        (
            PublicFile(
                f"{HUB}/JailbreakBench/JBB-Behaviors/resolve/{_JAILBREAKBENCH}/data/harmful-behaviors.csv",
                "4a8ec6832056b631eb092dccc60d37a61c3d441268268888b3d006288afeffa1",
                text="Goal",
                category="Category",
                split="test",
            ),
        ),
    ),
    PublicSet(
        "strongreject",
        "StrongREJECT",
        _STRONGREJECT,
        "MIT",
        "harmful test; all 313",
        (
            PublicFile(
                f"{GITHUB}/alexandrasouly/strongreject/{_STRONGREJECT}/strongreject_dataset/strongreject_dataset.csv",
                "4dd70357e4ff8b5d0ba5ebafecab5d6dd5633ce8046e3dd1c8bd93e64de44381",
                text="forbidden_prompt",
                category="category",
                split="test",
            ),
        ),
    ),
    PublicSet(
        "alpaca",
        "Alpaca",
        _ALPACA,
        "CC-BY-NC-4.0",
        "harmless; without inputs, assigned 60/20/20 by id",
        (
            PublicFile(
                f"{HUB}/tatsu-lab/alpaca/resolve/{_ALPACA}/data/train-00000-of-00001-a09b74b3ef9c3b56.parquet",
                "06391b656a06fd3fb9d213160ef2398796c3b7f3dc75ef1e3ced30d461517073",
                text="instruction",
                label=HARMLESS,
                keep=_without_input,
            ),
        ),
    ),
    PublicSet(
        "xstest",
        "XSTest",
        _XSTEST,
        "CC-BY-4.0",
        "test for over-refusal; 250 safe, 200 unsafe",
        (
            PublicFile(
                f"{GITHUB}/paul-rottger/xstest/{_XSTEST}/xstest_prompts.csv",
                "11783fb294ed017473ee53c207d71f2161c7672c8d0b037501e78387f801cb5a",
                text="prompt",
                category="type",
                split="test",
                labels=("label", {"safe": HARMLESS, "unsafe": HARMFUL}),
            ),
        ),
    ),
    PublicSet(
        "refusal-direction",
        "The reference pipeline's harmful splits",
        _REFUSAL_DIRECTION,
        "Apache-2.0",
        "harmful train 260, validation 39, test 572 as published, repeats within test left out",
        (
            PublicFile(f"{_SPLITS}/harmful_train.json", None, text="instruction", category="category", split="train"),
            PublicFile(
                f"{_SPLITS}/harmful_val.json",
                "305f1d1e6dfa6c50a32d24a18ef815f42b5441eb83e6d7767d242107162fd9f4",
                text="instruction",
                category="category",
                split="validation",
            ),
            PublicFile(f"{_SPLITS}/harmful_test.json", None, text="instruction", category="category", split="test"),
        ),
    ),
)
