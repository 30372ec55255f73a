"""The fuzz targets under Hypothesis, finds of the fuzzers kept as examples, and a short run of the fuzzer itself."""

from __future__ import annotations

import csv
import importlib.util
import io
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from polyrefuse_data.sources.reading import NOTHING
from polyrefuse_data.sources.translation_files import read_translations
from tests.fuzz.targets import Target, all_targets, put, scratch

SLOW = {"manifest", "parquet-data", "parquet-rejected", "texts", "review"}
NAMES = (
    *("import-jsonl", "import-csv", "import-json", "import-tmx", "import-upstream"),
    *("memory-tmx", "memory-xliff", "memory-tsv", "memory-jsonl", "config", "environment"),
    *("manifest", "parquet-data", "parquet-rejected", "texts", "review", "answers"),
)

# Pieces that mean something to one reader or another.
PIECES = (
    *(b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\xe2\x80\xa8", b"\x1b[2J", b"\x85", b'"', b"'", b"\\"),
    *(b"\n", b"\r", b"\r\n", b"\t", b",", b";", b"=", b".", b"[", b"]", b"{", b"}", b"[[", b"[]", b"{}", b"()"),
    *(b"null", b"true", b"NaN", b"nan", b"inf", b"1e999", b"-1", b"9" * 25, b"0.5", b"1979-05-27", b'""', b"1"),
    *(b"\\ud800", b"\\u0000", b"../", b"~nobody/x", b"x" * 300, b"<tu>", b"</tu>", b"<tuv>", b"&b;", b"<![CDATA["),
    b'<!DOCTYPE a [<!ENTITY b "c">]>',
)


@pytest.fixture(scope="module", autouse=True)
def nothing_left_behind() -> Iterator[None]:
    """Worker processes of pytest end without the clean-up that ordinary ones do."""
    yield
    shutil.rmtree(scratch(), ignore_errors=True)


@cache
def target(name: str) -> Target:
    return all_targets()[name]


@st.composite
def damaged(draw: st.DrawFn, seeds: tuple[bytes, ...]) -> bytes:
    """A well-formed input with a few bytes flipped, cut out, doubled or put in."""
    data = bytearray(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.sampled_from((0, 1, 2, 8, 64))))
        kind = draw(st.sampled_from(("flip", "cut", "put", "double")))
        if kind == "flip" and end > start:
            data[start] ^= 1 << draw(st.integers(0, 7))
        elif kind == "double":
            data[start:start] = data[start:end]
        else:
            data[start:end] = b"" if kind == "cut" else draw(st.sampled_from(PIECES) | st.binary(max_size=8))
    return bytes(data)


def test_every_target_is_listed_and_takes_its_seeds() -> None:
    assert set(NAMES) == set(all_targets())
    for name in NAMES:
        for seed in target(name).seeds:
            target(name).run(seed)


@pytest.mark.parametrize("name", NAMES)
def test_damaged_input_ends_in_an_error_of_ours_or_comes_back_the_same(name: str) -> None:
    @settings(max_examples=15 if name in SLOW else 60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(data=st.binary(max_size=64) | damaged(target(name).seeds))
    def holds(data: bytes) -> None:
        target(name).run(data)

    holds()


# What Hypothesis and the fuzzers found, and what it did before it was mended.
FINDS = {
    "config: a default counted as another setting than the same value written down": ("config", b'languages = ["de"]'),
    "config: RuntimeError": ("config", b'[[sources]]\nname = "x"\npath = "~nobody/x"'),
    "config: a null character reached the file system": ("config", b'[[sources]]\nname = "x"\npath = "a\\u0000b"'),
    "config: RecursionError": ("config", b"a = " + b"[" * 5000),
    "config: a message of a thousand lines": ("config", b"".join(b"k%d = 1\n" % key for key in range(1000))),
    "config: a key that a terminal obeys": ("config", b'"\\u001b[2J" = 1'),
    "environment: UnicodeEncodeError": ("environment", b"RELEASE__NAME=\xff"),
    "import: a key that a terminal obeys": ("import-jsonl", b'{"language": "de", "label": "\\u001b[2J"}'),
    "import: an unknown encoding": ("import-tmx", b'<?xml version="1.0" encoding="nope"?><tmx/>'),
    "import: an encoding of several bytes": ("import-tmx", b'<?xml version="1.0" encoding="big5"?><tmx/>'),
    "memory: RecursionError": ("memory-jsonl", b"[" * 100_000),
    "texts: UnicodeDecodeError": ("texts", b"# Changelog \xff"),
    "texts: RecursionError": ("texts", b"[" * 100_000),
    "review: csv.Error": ("review", b'id,language\n"' + b"a" * 200_000),
    "answers: TypeError": ("answers", b'{"label": []}'),
    "answers: RecursionError": ("answers", b"[" * 100_000),
}


@pytest.mark.parametrize("find", FINDS)
def test_what_was_found_stays_mended(find: str) -> None:
    name, data = FINDS[find]
    target(name).run(data)


def seed_of(name: str, old: bytes, new: bytes) -> bytes:
    seed = target(name).seeds[0]
    assert old in seed
    return seed.replace(old, new)


def test_types_that_a_parquet_file_declares_for_itself_are_not_believed() -> None:
    """`datasets` reads them: broken ones raised JSONDecodeError, others could call harmful rows harmless."""
    for old, new in (
        (b'"names"', b'"namez"'),
        (b"harmless", b"harmful!"),
        (b'{"info"', b'["info"'),
        (b"info", b"\xffnfo"),
    ):
        target("parquet-data").run(seed_of("parquet-data", old, new))


# --- what is accepted comes back ---------------------------------------------------------------------------------

# Text as XML can hold it, without outer white space, which imports strip, and none of the words for nothing.
texts = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn")), min_size=1, max_size=40).filter(
    lambda text: text == text.strip() and not re.search("[\ufffe\uffff]", text) and not NOTHING.fullmatch(text)
)
records = st.lists(
    st.fixed_dictionaries(
        {"language": st.sampled_from(("de", "yo", "zh-Hant", "ibo_Latn")), "text": texts, "text_en": texts}
    ),
    min_size=1,
    max_size=5,
)


def as_csv(translations: list[dict[str, str]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, ["language", "text", "text_en"])
    writer.writeheader()
    writer.writerows(translations)
    return text.getvalue().encode()


def as_tmx(translations: list[dict[str, str]]) -> bytes:
    units = (
        f'<tu><tuv xml:lang="en"><seg>{escape(record["text_en"])}</seg></tuv>'
        f'<tuv xml:lang="{record["language"]}"><seg>{escape(record["text"])}</seg></tuv></tu>'
        for record in translations
    )
    return f'<tmx version="1.4"><body>{"".join(units)}</body></tmx>'.encode()


def imported(suffix: str, data: bytes) -> list[dict[str, Any]]:
    path = put(f"same{suffix}", data)
    found = read_translations(path, label="harmful", split="test", license="CC0-1.0")
    return sorted(found.rows, key=lambda row: (row["id"], row["language"], row["text"]))


@settings(max_examples=60, deadline=None)
@given(translations=records)
@example(translations=[{"language": "de", "text": "=1+1", "text_en": "a\u2028'\"&<>]]>,;"}])
def test_the_same_translations_are_the_same_rows_from_every_format(translations: list[dict[str, str]]) -> None:
    rows = imported(".jsonl", b"\n".join(json.dumps(record).encode() for record in translations))
    assert {(row["text"], row["text_en"]) for row in rows if row["language"] != "en"} == {
        (record["text"], record["text_en"]) for record in translations
    }
    assert imported(".json", json.dumps(translations).encode()) == rows
    assert imported(".csv", as_csv(translations)) == rows
    assert imported(".tmx", as_tmx(translations)) == rows


# --- in processes of their own -----------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [30_000, pytest.param(1_000_000, marks=pytest.mark.slow)])
def test_input_that_is_made_to_cost_ends_soon_and_within_a_gigabyte(size: int) -> None:
    said = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.bombs", str(size)], stdout=subprocess.PIPE, check=True, timeout=500
    ).stdout
    results: dict[str, tuple[float, str]] = json.loads(said)
    assert len(results) >= 40
    assert {name: outcome for name, (_, outcome) in results.items() if outcome != "ends"} == {}
    assert {name: seconds for name, (seconds, _) in results.items() if seconds > 30} == {}


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason='needs atheris: pip install -e ".[fuzz]"')
@pytest.mark.parametrize("name", ["import-tmx", "config"])
def test_the_fuzzer_runs_and_finds_nothing_in_a_moment(name: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.fuzz.run", name, "--seconds", "2", "--out", str(tmp_path)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout
    runs, branches = map(int, re.findall(r"(\d+) (?:runs|branches)", done.stdout))
    assert runs > 100 and branches > 50
