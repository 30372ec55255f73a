"""Sets for measuring refusal in many languages, on small stand-ins in their exact layouts, with harmless texts."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from polyrefuse_data.config import SourceConfig
from polyrefuse_data.errors import ConfigError, SourceError
from polyrefuse_data.languages import language
from polyrefuse_data.sources import REGISTRY, human_translations
from polyrefuse_data.sources.registry import load_public_set
from polyrefuse_data.sources.safety_sets import SAFETY_SETS
from tests.hub_double import HubDouble
from tests.hub_double.repo import Blob, Repo
from tests.sources.conftest import StandIn
from tests.sources.test_registry import csv_of

COMMIT = "c" * 40
ENGLISH, OTHER = "Name a fruit.", "Name a colour."

MULTIJAIL = {
    "id": "0", "source": "anthropics", "en": ENGLISH, "zh": "说出一种水果。", "it": "Nomina un frutto.",
    "vi": "Kể tên một loại trái cây.", "ar": "اذكر فاكهة.", "ko": "과일 하나를 대세요.", "th": "บอกชื่อผลไม้",
    "bn": "একটি ফলের নাম বলুন।", "sw": "Taja tunda moja.", "jv": "Sebutna woh siji.", "tags": "['Fruit', 'Food']",
}  # fmt: skip
POLYGUARD = {
    "prompt": ENGLISH, "response": "An apple.", "prompt_harm_label": "unharmful", "prompt_label": "safe",
    "adversarial": False, "subcategory": "benign", "prompt_categories": "", "language": "English", "id": 7,
}  # fmt: skip
DO_NOT_ANSWER = {"id": "0", "risk_area": "Fruit", "types_of_harm": "Apples", "specific_harms": "", "question": ENGLISH}


def lines(*records: dict[str, Any]) -> bytes:
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records).encode()


def parquet(*records: dict[str, Any]) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(list(records)), sink)
    return sink.getvalue()


def aya(prompt: str, english: str | None) -> dict[str, Any]:
    facts = {"harm_category": "['Fruit']", "global_or_local": "global", "explanation": None}
    return {"prompt": prompt, "literal_translation": english, **facts}


FETCHED: dict[str, list[bytes]] = {
    "multijail": [csv_of(MULTIJAIL, {**MULTIJAIL, "id": "1", "en": OTHER, "ko": ""})],
    "xsafety": [f"{text}\n".encode() for text in (f'"{ENGLISH[:-1]}, please"', OTHER, "Name a tree.", "Name a river.")],
    "aya-redteaming": [
        lines(aya(ENGLISH, None)),
        *(lines(aya(f"{code}: fruit", f"Fruit of {code}.")) for code in ("ar", "fr", "hi", "ru", "es", "sr", "tl")),
    ],
    "polyguard-prompts": [
        parquet(
            POLYGUARD,
            {**POLYGUARD, "prompt": OTHER, "prompt_harm_label": "harmful", "subcategory": "Colour", "id": 8},
            {**POLYGUARD, "prompt": "Nenne eine Frucht.", "language": "German"},
            {**POLYGUARD, "prompt": "Name a tree.", "prompt_harm_label": None, "id": 9},
        )
    ],
    "or-bench-hard": [csv_of({"prompt": ENGLISH, "category": "fruit"})],
    "do-not-answer": [csv_of(DO_NOT_ANSWER)],
}

LINGUASAFE = {"id": 1.0, "lang": "en", "prompt": ENGLISH, "subtype": "Fruit", "level": 0, "specific": False}
SORRY = {"question_id": 1, "category": 5, "turns": [ENGLISH], "prompt_style": "base"}
SEA = {"topic": "Fruit", "en_prompt": ENGLISH, "local_prompt": "บอกชื่อผลไม้", "prompt_label": "Safe"}

ON_THE_HUB: dict[str, dict[str, bytes]] = {
    "linguasafe": {
        "linguasafe.jsonl": lines(
            LINGUASAFE,
            {**LINGUASAFE, "prompt": OTHER, "level": 3},
            {**LINGUASAFE, "lang": "th", "prompt": "บอกชื่อผลไม้"},
        )
    },
    "sea-safeguardbench": {
        **{
            f"cultural_in_the_wild/{split}_EN-00000-of-00001.parquet": parquet(SEA | {"en_prompt": f"Fruit of {split}"})
            for split in ("IN", "MS", "MY", "TA", "TL", "VI")
        },
        "cultural_in_the_wild/TH_EN-00000-of-00001.parquet": parquet(
            SEA, {**SEA, "en_prompt": OTHER, "prompt_label": "Harmful"}, {**SEA, "prompt_label": "Sensitive"}
        ),
        "general/TH-00000-of-00001.parquet": parquet({"prompt": "not read", "prompt_label": "Safe"}),
    },
    "sorry-bench": {
        "question.jsonl": lines(SORRY, {**SORRY, "turns": ["Name a slang fruit."], "prompt_style": "slang"}),
        "meta_info.py": b"",
    },
    "m-alert": {"data/train-00000-of-00001.parquet": parquet({"id": 1, "category": "fruit", "en": ENGLISH, "de": "x"})},
}


@pytest.fixture
def fetched(stand_in: StandIn) -> None:
    for name, contents in FETCHED.items():
        stand_in(name, contents)


@pytest.fixture
def on_the_hub(mirror: HubDouble, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubDouble]:
    for name, files in ON_THE_HUB.items():
        hub = REGISTRY[name].hub
        assert hub
        repo = mirror.repos[hub] = Repo(private=False)
        tree = {"README.md": b"# A card", **files}
        commit = repo.commit("main", {path: Blob(content, False) for path, content in tree.items()}, "files")
        repo.commits[REGISTRY[name].revision or COMMIT] = repo.commits[commit]
    yield mirror


def loaded(name: str, **options: str) -> list[tuple[str, str, str | None]]:
    prompts = load_public_set(SourceConfig(name=name, **options))
    assert {(prompt["split"], prompt["source"]) for prompt in prompts} == {("test", name)}
    return [(prompt["text"], prompt["label"], prompt["category"]) for prompt in prompts]


def test_every_set_has_a_stand_in() -> None:
    assert {*FETCHED, *ON_THE_HUB} == {public.name for public in SAFETY_SETS}
    for public in SAFETY_SETS:
        assert [language(code).code for code in public.translated_into] == public.translated_into


@pytest.mark.usefixtures("fetched")
def test_sets_with_addresses_are_read_in_their_layouts() -> None:
    tags = "['Fruit', 'Food']"
    assert loaded("multijail") == [(ENGLISH, "harmful", tags), (OTHER, "harmful", tags)]
    assert [text for text, *_ in loaded("xsafety")] == [
        "Name a fruit, please", OTHER, "Name a tree.", "Name a river."
    ]  # fmt: skip
    assert loaded("aya-redteaming")[:2] == [
        (ENGLISH, "harmful", "['Fruit']"), ("Fruit of ar.", "harmful", "['Fruit']")
    ]  # fmt: skip
    assert loaded("polyguard-prompts") == [(ENGLISH, "harmless", "benign"), (OTHER, "harmful", "Colour")]
    assert loaded("or-bench-hard") == [(ENGLISH, "harmless", "fruit")]
    assert loaded("do-not-answer") == [(ENGLISH, "harmful", "Apples")]


@pytest.mark.usefixtures("on_the_hub")
def test_sets_of_the_hub_are_read_in_their_layouts() -> None:
    assert loaded("linguasafe", revision=COMMIT) == [
        (ENGLISH, "harmless", "Fruit, level 0"),
        (OTHER, "harmful", "Fruit, level 3"),
    ]
    sea = loaded("sea-safeguardbench", revision=COMMIT)
    assert len(sea) == 8 and {(ENGLISH, "harmless", "Fruit"), (OTHER, "harmful", "Fruit")} <= set(sea)
    assert loaded("sorry-bench") == [(ENGLISH, "harmful", "5")]
    assert loaded("m-alert", revision=COMMIT) == [(ENGLISH, "harmful", "fruit")]


@pytest.mark.usefixtures("fetched")
def test_what_people_translated_comes_with_the_prompts() -> None:
    first, second = human_translations(SourceConfig(name="multijail"))
    assert first == {code: MULTIJAIL[code] for code in ("en", *REGISTRY["multijail"].translated_into)}
    assert "ko" not in second
    assert {"en": "Fruit of fr.", "fr": "fr: fruit"} in human_translations(SourceConfig(name="aya-redteaming"))
    for name in ("polyguard-prompts", "or-bench-hard", "demo-seeds"):
        assert human_translations(SourceConfig(name=name)) == []


@pytest.mark.usefixtures("on_the_hub")
def test_so_do_those_of_the_hub() -> None:
    units = human_translations(SourceConfig(name="sea-safeguardbench", revision=COMMIT))
    assert {"en": ENGLISH, "th": "บอกชื่อผลไม้"} in units and len(units) == 8


def test_a_set_without_a_pin_asks_for_a_commit(on_the_hub: HubDouble) -> None:
    with pytest.raises(ConfigError, match=r"sources\.revision: m-alert is not pinned.*datasets/felfri/M-ALERT/commits"):
        loaded("m-alert")
    head = on_the_hub.repos["felfri/M-ALERT"].branches["main"]
    with pytest.raises(
        ConfigError,
        match=rf"sources\.revision: .*main names no commit, so its content may change: pin the current one, {head}",
    ):
        loaded("m-alert", revision="main")
    with pytest.raises(ConfigError, match="multijail is pinned to 93d65c77"):
        loaded("multijail", revision=COMMIT)
    with pytest.raises(ValueError, match="revision works only with a public set"):
        SourceConfig(name="mine", hub=f"a/b@{COMMIT}", files="x.csv", revision=COMMIT)


def test_files_of_another_name_can_be_named(on_the_hub: HubDouble) -> None:
    tree = on_the_hub.repos["telegraphpolehead/linguasafe"].commits[COMMIT]
    tree["other/unrelated.jsonl"] = Blob(lines({"text": "not read"}), False)
    assert len(loaded("linguasafe", revision=COMMIT, files="linguasafe.*")) == 2
    with pytest.raises(SourceError, match=r"has no file 'data/\*', only README\.md, linguasafe\.jsonl, other"):
        loaded("linguasafe", revision=COMMIT, files="data/*")


@pytest.mark.usefixtures("on_the_hub")
def test_a_label_that_the_set_did_not_have_is_an_error(on_the_hub: HubDouble) -> None:
    tree = on_the_hub.repos["telegraphpolehead/linguasafe"].commits[COMMIT]
    tree["linguasafe.jsonl"] = Blob(lines({**LINGUASAFE, "level": 4}), False)
    with pytest.raises(SourceError, match=r"level '4' is not one of 0, 1, 2, 3: the file has changed"):
        loaded("linguasafe", revision=COMMIT)
