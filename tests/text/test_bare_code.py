"""Code without marks is kept as it stands, whatever blanks and wide forms a translator sets."""

from __future__ import annotations

import time

import pytest

from polyrefuse_data.text.bare_code import lost_bare_code


@pytest.mark.parametrize(
    ("source", "kept", "lost"),
    [
        ("Explain what rm -rf does.", "Erkläre, was rm -rf tut.", "Erkläre, was rm tut."),
        ("Read /etc/passwd now.", "现在读取/etc/passwd。", "现在读取密码文件。"),
        ("What does sorted() do?", "sorted （）関数は何をしますか？", "Que fait triée () ?"),
        ("Open notes.txt first.", "먼저 notes.txt를 여세요.", "먼저 메모를 여세요."),
        ("Set user_name to 3.", "Setze user_name auf 3.", "Setze benutzer_name auf 3."),
        ("Run git --hard twice.", "Führe git --hard zweimal aus.", "Führe git hart zweimal aus."),
    ],
)
def test_code_in_prose(source: str, kept: str, lost: str) -> None:
    assert lost_bare_code(kept, source) == 0
    assert lost_bare_code(lost, source) == 1


@pytest.mark.parametrize(
    "source",
    ["Use and/or, 24/7, he/she - or not.", "A TV -Serie, well-known (see 3.5).", "Mr. Smith says... no", "f(x) = 2"],
)
def test_prose_is_no_code(source: str) -> None:
    assert lost_bare_code("", source) == 0


@pytest.mark.parametrize("unit", ["/a", "a_", "-a ", "a.", "a()", "~/"])
def test_broken_rows_take_no_long_time(unit: str) -> None:
    started = time.process_time()
    lost_bare_code("", unit * (20_000 // len(unit)))
    assert time.process_time() - started < 2
