"""What is known of a language stands in its pack: no code has a table by language, or asks which one it is."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import polyrefuse_data
from polyrefuse_data.languages import TARGET_LANGUAGES

PACKAGE = Path(polyrefuse_data.__file__).parent
# Nothing that is known of languages: those whose directions a figure of the paper shows, and the columns of MultiJail.
ALLOWED = {
    ("benchmark/figure_catalogue.py", ("de", "th", "zh")),
    ("sources/safety_sets.py", ("ar", "it", "ko", "th", "zh")),
}


def codes_of(nodes: list[ast.expr | None]) -> tuple[str, ...]:
    values = (node.value for node in nodes if isinstance(node, ast.Constant))
    return tuple(sorted(value for value in values if value in TARGET_LANGUAGES))


def tables(tree: ast.AST) -> Iterator[tuple[str, ...]]:
    for node in ast.walk(tree):
        found: tuple[str, ...] = ()
        if isinstance(node, ast.Dict):
            found = codes_of(node.keys)
        elif isinstance(node, ast.Set | ast.Tuple | ast.List):
            found = codes_of(list(node.elts))
            found = found if len(found) > 1 else ()  # one alone may be a word
        elif isinstance(node, ast.Compare):
            found = codes_of([node.left, *node.comparators])
        elif isinstance(node, ast.keyword) and node.arg in TARGET_LANGUAGES:
            found = (node.arg,)
        if found:
            yield found


def test_no_code_has_a_table_by_language_or_asks_for_one() -> None:
    found = set()
    for path in sorted(PACKAGE.rglob("*.py")):
        for codes in tables(ast.parse(path.read_text(encoding="utf-8"))):
            found.add((path.relative_to(PACKAGE).as_posix(), codes))
    assert {entry for entry in found if not entry[0].startswith("demo/")} == ALLOWED


def test_what_looks_at_text_knows_no_language() -> None:
    for path in sorted((PACKAGE / "text").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            modules = [node.module] if isinstance(node, ast.ImportFrom) else []
            if isinstance(node, ast.Import):
                modules = [name.name for name in node.names]
            for module in filter(None, modules):
                inside = module.startswith("polyrefuse_data.")
                assert not inside or module.split(".")[1] in ("text", "system", "errors"), (path.name, module)
