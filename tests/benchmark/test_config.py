"""One model of a run's settings for Python, TOML files and the command line."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any, get_args

import pytest
from typer.testing import CliRunner

from polyrefuse_data.benchmark import BenchmarkConfig, ModuleNames, benchmark_config
from polyrefuse_data.cli import app
from polyrefuse_data.cli.benchmark import _OF_THE_COMMAND, benchmark_run
from polyrefuse_data.errors import ConfigError


def flags() -> dict[str, inspect.Parameter]:
    parameters = dict(inspect.signature(benchmark_run, eval_str=True).parameters)
    return {name: flag for name, flag in parameters.items() if name not in _OF_THE_COMMAND}


def test_every_setting_is_a_flag_without_a_default_of_its_own() -> None:
    assert set(flags()) == {*BenchmarkConfig.model_fields, "preset"}  # which stands for several
    assert {flag.default for flag in flags().values()} == {None}


def test_every_flag_arrives_as_a_setting(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    arrived: dict[str, Any] = {}

    def take(config: Path | None, **given: Any) -> None:
        arrived.update(given)
        raise ConfigError("enough")

    monkeypatch.setattr("polyrefuse_data.benchmark.config.benchmark_config", take)
    samples = {str: "text", int: 3, float: 0.5, bool: False}
    wanted = {name: samples[get_args(flag.annotation.__origin__)[0]] for name, flag in flags().items()}
    arguments = ["benchmark", "run", "--out", str(tmp_path)]
    for name, value in wanted.items():
        option = name.replace("_", "-")
        arguments += [f"--no-{option}"] if value is False else [f"--{option}", str(value)]
    CliRunner().invoke(app, arguments)
    assert arrived == wanted


def test_the_help_names_the_defaults_of_the_settings() -> None:
    for name, field in BenchmarkConfig.model_fields.items():
        (option,) = flags()[name].annotation.__metadata__
        shown = re.search(r"\[default: (.*)\]$", option.help or "")
        if shown is None:
            assert field.is_required() or field.default in (None, "", ModuleNames()), name
        else:
            value = field.default
            wanted = "all" if value is None else ("yes" if value else "no") if isinstance(value, bool) else str(value)
            assert shown[1] == wanted, name


def test_flags_win_over_the_file_and_the_file_over_defaults(tmp_path: Path) -> None:
    (tmp_path / "release").mkdir()
    file = tmp_path / "run.toml"
    file.write_text(
        'model = "ORG/NAME"\ndataset = "release"\nlanguages = ["en", "de"]\nlayers = "2..4,7"\nseed = 5\n'
        'rule = "arditi"\ntransfer = ["en"]\n[modules]\nblocks = "model.layers"\n',
        encoding="utf-8",
    )
    config = benchmark_config(file, seed=6, languages="yo,en")
    assert config == BenchmarkConfig(
        model="ORG/NAME",
        dataset=str(tmp_path / "release"),
        languages=("yo", "en"),
        layers=(2, 3, 4, 7),
        seed=6,
        rule="arditi",
        transfer=("en",),
        modules=ModuleNames(blocks="model.layers"),
    )
    assert config.n_train == BenchmarkConfig(model="m", dataset="d").n_train == 128


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("rules = 1", r"run\.toml: rules: unknown key; use model, endpoint, "),
        ("model = 3", r"run\.toml: model: Input should be a valid string"),
        ("[modules]\nhead = 'x'", r"run\.toml: modules.*head: unknown key"),
        ('model = "m"\ndataset = "d"\naddition = [0.0]', r"addition: coefficients lie between 0.001 and 1000"),
        ('model = "m"\ndataset = "d"\naddition = [nan]', r"addition: coefficients lie between"),
        ('model = "m"\ndataset = "d"\ntop = 2\nscoring = "staged"', r'use scoring = "full", not "staged"'),
        ('model = "m"\ndataset = "d"\ntasks_limit = 2', r"tasks_limit works only with tasks"),
        ("seed = ", r"run\.toml: not readable as TOML"),
        ("", r"dataset: Field required"),
        ('dataset = "d"', r"name one model: --model for weights, or --endpoint"),
    ],
)
def test_a_wrong_file_is_named_with_its_key(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "run.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=told):
        benchmark_config(file)


@pytest.mark.parametrize(
    ("text", "numbers"), [("3", (3,)), ("1..3", (1, 2, 3)), ("9, 1..2 ,1", (9, 1, 2)), ("0..0", (0,))]
)
def test_lists_of_numbers(text: str, numbers: tuple[int, ...]) -> None:
    assert benchmark_config(model="m", dataset="d", layers=text).layers == numbers


def test_positions_and_layers_leave_other_candidates_out(chat_model: Any) -> None:
    from polyrefuse_data.benchmark import extract_directions, score_candidates
    from polyrefuse_data.benchmark.selection import Rule
    from polyrefuse_data.benchmark.staged import choose_direction

    harmful, harmless = ["steal the car", "poison the boat"], ["paint the car", "wash the boat"]
    directions = extract_directions(chat_model, harmful, harmless)
    every = score_candidates(chat_model, directions, harmful, harmless, [9])
    some = score_candidates(chat_model, directions, harmful, harmless, [9], positions=[-1], layers=[1, 2])
    wanted = [row for row in every if row["position"] == -1 and row["layer"] in (1, 2)]
    assert [(row["position"], row["layer"]) for row in some] == [(-1, 1), (-1, 2)]
    for ours, full in zip(some, wanted, strict=True):
        assert ours == pytest.approx(full, abs=1e-4)
    loose = Rule("loose", 1e9, -1e9)
    chosen = choose_direction(chat_model, directions, harmful, harmless, [9], loose, positions=[-1], layers=[1])
    assert chosen is not None
    assert (chosen["position"], chosen["layer"]) == (-1, 1)
