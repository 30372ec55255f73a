"""The conda recipe says what pyproject.toml says."""

from __future__ import annotations

import re
from typing import Any

import yaml

from tests.documents import ROOT
from tests.test_dependencies import PROJECT

RECIPE: dict[str, Any] = yaml.safe_load((ROOT / "recipe" / "recipe.yaml").read_text(encoding="utf-8"))


def split(requirement: str) -> tuple[str, str]:
    """A requirement of pip or conda as its name and its bounds."""
    name, bounds = re.fullmatch(r"([\w-]+)(?:\[\w+\])?\s*(.*)", requirement).groups()  # type: ignore[union-attr]
    return name, bounds


def test_it_needs_what_the_package_needs() -> None:
    wanted = {"python": PROJECT["requires-python"]} | dict(map(split, PROJECT["dependencies"]))
    assert dict(map(split, RECIPE["requirements"]["run"])) == wanted


def test_it_is_the_package() -> None:
    package, about = RECIPE["package"], RECIPE["about"]
    assert (package["name"], package["version"]) == (PROJECT["name"], PROJECT["version"])
    assert (about["summary"], about["license"]) == (PROJECT["description"], PROJECT["license"])
    assert (ROOT / about["license_file"]).exists()
    programs = [f"{name} = {place}" for name, place in PROJECT["scripts"].items()]
    assert RECIPE["build"]["python"]["entry_points"] == programs
