from __future__ import annotations

import re
import tomllib
from pathlib import Path

from polyrefuse_data.system.extras import EXTRAS

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
MODULES = {"sklearn": "scikit-learn", "lm_eval": "lm-eval"}  # imported under another name than they are installed


def names(requirements: list[str]) -> set[str]:
    """The packages asked for, without this one, by which extras ask for each other."""
    found = {re.split(r"[\[><=!~ ]", requirement)[0].lower() for requirement in requirements}
    return found - {"polyrefuse-data"}


def test_every_dependency_is_explained_where_it_belongs_and_nothing_else() -> None:
    page = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    explained: dict[str, set[str]] = {}
    for section in page.split("\n## ")[1:]:
        columns = re.search(r"^\| package \|.*", section, flags=re.MULTILINE)
        has_extra = columns is not None and "| extra |" in columns[0]
        for package, extra in re.findall(r"^\| ([\w-]+) \| [^|]+ \| ([^|]+) \|", section, flags=re.MULTILINE):
            if package != "package":
                explained.setdefault(extra if has_extra else "", set()).add(package)
    extras = {extra: names(wanted) for extra, wanted in PROJECT["optional-dependencies"].items()}
    assert explained == {"": names(PROJECT["dependencies"])} | {extra: own for extra, own in extras.items() if own}


def test_what_tells_that_an_extra_is_installed_is_what_it_brings() -> None:
    for extra, modules in EXTRAS.items():
        assert {MODULES.get(module, module) for module in modules} <= _brought(extra), extra


def test_nothing_that_an_extra_brings_is_always_installed() -> None:
    heavy = {MODULES.get(module, module) for modules in EXTRAS.values() for module in modules}
    assert not heavy & names(PROJECT["dependencies"])


def test_all_is_all() -> None:
    """But `tasks`, which brings fifty packages that nothing else needs, and `quantized`, which slows every model's
    loading."""
    assert _brought("all") == set().union(*(_brought(extra) for extra in EXTRAS if extra not in ("tasks", "quantized")))


def _brought(extra: str) -> set[str]:
    """The packages that an extra asks for, by way of other extras too."""
    wanted = PROJECT["optional-dependencies"][extra]
    others = [name for requirement in wanted for name in _extras_of_ours(requirement)]
    return names(wanted).union(*map(_brought, others))


def _extras_of_ours(requirement: str) -> list[str]:
    match = re.fullmatch(r"polyrefuse-data\[([\w,]+)\]", requirement)
    return match[1].split(",") if match else []
