"""The pages made from code say what the code says today."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

from docs.generators import measured
from docs.generators.config_keys import SECTIONS, meanings
from docs.generators.pages import DOCS, PAGES
from docs.generators.python_api import MODULES, public_names
from polyrefuse_data import config_sections as config
from polyrefuse_data.benchmark.config import BenchmarkConfig
from tests.documents import ROOT


@pytest.mark.parametrize("name", PAGES)
def test_the_page_is_what_the_code_says(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == PAGES[name](), "run `python -m docs.generators`"


def test_every_key_of_a_config_is_explained() -> None:
    unexplained = [
        f"{section}.{key}"
        for section, model in [*SECTIONS.items(), ("benchmark", BenchmarkConfig)]
        for key in model.model_fields.keys() - meanings(model).keys() - {"engine"}
    ]
    assert not unexplained


def test_every_section_of_a_config_is_on_the_page() -> None:
    classes = {
        model for model in vars(config).values() if isinstance(model, type) and model.__module__ == config.__name__
    }
    sections = {model for model in classes if issubclass(model, config._Section)}
    assert sections - {config._Section, config._Backend, config.Config} == set(SECTIONS.values())


def test_every_public_name_is_on_the_page_and_has_a_docstring() -> None:
    page = (DOCS / "reference" / "python.md").read_text(encoding="utf-8")
    for module in MODULES:
        for name in public_names(module):
            assert f"\n### {name}\n" in page
            value = getattr(importlib.import_module(module), name)
            assert not callable(value) or value.__doc__, name


def test_a_signature_has_a_line_for_each_parameter_where_it_is_long() -> None:
    lines = (DOCS / "reference" / "python.md").read_text(encoding="utf-8").splitlines()
    place = lines.index("judge_run(")
    assert lines[place + 1] == "    replies: str | Path | Iterable[str | Path],"
    assert "audit(rows: pa.Table, config: Settings = None, *, workers: int | None = None) -> pa.Table" in lines


def test_a_measured_table_has_the_numbers_of_the_page_of_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = {name: (ROOT / name).read_text(encoding="utf-8") for name in ("docs/figures.md", "docs/quality-figures.md")}
    for name in (*pages, "benchmarks/figures.toml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text((ROOT / name).read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setattr(measured, "_ROOT", tmp_path)
    again = re.sub(r"^( +worst +)[\d.]+", r"\g<1>0.123", pages["docs/figures.md"], count=1, flags=re.MULTILINE)
    (tmp_path / "docs" / "figures.md").write_text(again, encoding="utf-8")
    differing = set(measured.page().splitlines()) - set(pages["docs/quality-figures.md"].splitlines())
    assert [line.strip("| ").split(" | ")[::14] for line in differing] == [["untouched", "0.123"]]  # the worst is last
    (tmp_path / "docs" / "figures.md").write_text(again.replace("```text", "```"), encoding="utf-8")
    with pytest.raises(ValueError, match=r"run `make figures FIGURES='--only planted'`"):
        measured.page()
