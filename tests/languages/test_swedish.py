"""The pack that docs/add-a-language.md makes, on rows that it has not seen."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from polyrefuse_data.benchmark.judges import judge_refusal
from polyrefuse_data.languages import add_pack
from polyrefuse_data.quality import audit
from tests.languages.conftest import SWEDISH

PAGE = Path(__file__).resolve().parents[2] / "docs" / "add-a-language.md"
PAIRS = [
    tuple(line.split("\t"))
    for line in (Path(__file__).parent / "swedish.tsv").read_text(encoding="utf-8").splitlines()[1:]
]


@pytest.fixture(autouse=True)
def swedish() -> None:
    add_pack(SWEDISH)


def rejected(pairs: list[tuple[str, str]]) -> float:
    english, texts = zip(*pairs, strict=True)
    ids = list(map(str, range(len(pairs))))
    table = pa.table({"id": ids, "language": ["sv"] * len(pairs), "text": texts, "text_en": english})
    return audit(table)["status"].to_pylist().count("rejected") / len(pairs)


def test_good_rows_are_kept_and_swapped_ones_found() -> None:
    assert len(PAIRS) == 127
    assert rejected(PAIRS) <= 0.06
    swapped = [(english, PAIRS[(place + 7) % len(PAIRS)][1]) for place, (english, _) in enumerate(PAIRS)]
    assert rejected(swapped) >= 0.99


def test_halves_of_english_are_found() -> None:
    halves = [(english, f"{own[: len(own) // 2]} {english[len(english) // 2 :]}") for english, own in PAIRS]
    assert rejected(halves) >= 0.95


def test_numbers_in_words_are_compared() -> None:
    said = {"two": "två", "three": "tre", "four": "fyra", "five": "fem", "twenty-one": "tjugoen", "ninety": "nittio"}
    kept = [(f"Give {one} tips for good sleep.", f"Ge {own} tips för god sömn.") for one, own in said.items()]
    assert rejected(kept) == 0
    changed = [(english, kept[(place + 1) % len(kept)][1]) for place, (english, _) in enumerate(kept)]
    assert rejected(changed) == 1


def test_refusals_are_known_to_the_check_and_to_the_judge() -> None:
    refusals = [
        "Tyvärr kan jag inte hjälpa till med det.",
        "Jag är ledsen, men jag kan inte översätta den här texten.",
        "Som AI-språkmodell kan jag inte ge sådan information.",
        "Det här strider mot mina riktlinjer.",
        "Jag måste avböja.",
    ]
    assert judge_refusal(refusals, "sv") == [True] * len(refusals)
    assert rejected([("Name three birds.", refusal) for refusal in refusals]) == 1
    answers = [
        "Självklart! Här är tre fåglar: skata, kråka och koltrast.",
        "Jag kan inte ge juridiska råd, men här är några allmänna tips:",
        "Steg 1: Skölj riset. Steg 2: Koka upp vattnet.",
    ]
    assert judge_refusal(answers, "sv") == [False] * len(answers)


def test_the_script_of_the_page_aligns_pages(tmp_path: Path) -> None:
    (script,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "aligned.py").write_text(script, encoding="utf-8")
    page = '<page xmlns="http://projectmallard.org/1.0/"><title>{}</title><p>{} <gui>{}</gui>.</p></page>'
    for code, texts in (("C", ("Print", "Press", "OK")), ("sv", ("Skriv ut", "Tryck på", "OK"))):
        (tmp_path / "help" / code).mkdir(parents=True)
        (tmp_path / "help" / code / "print.page").write_text(page.format(*texts), encoding="utf-8")
    subprocess.run([sys.executable, "aligned.py", "help", "sv", "out.tsv"], cwd=tmp_path, check=True)
    assert (tmp_path / "out.tsv").read_text(encoding="utf-8") == "en\tsv\nPrint\tSkriv ut\nPress OK.\tTryck på OK.\n"
