"""An extra that is not installed is told with the pip command, early and in one form."""

from __future__ import annotations

import importlib.util
import sys

import pytest

from polyrefuse_data import cli
from polyrefuse_data.errors import MissingPrerequisite
from polyrefuse_data.system import extras
from polyrefuse_data.system.extras import missing_extra, require
from polyrefuse_data.system.lazy import lazy_names


@pytest.fixture
def without_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(extras.importlib.util, "find_spec", lambda name: None if name == "torch" else find(name))


def test_what_is_missing_is_named_together(without_torch: None) -> None:
    require("a cluster", "ray")
    with pytest.raises(MissingPrerequisite) as raised:
        require("the demo", "nllb", "ray", "benchmark")
    assert str(raised.value) == (
        'the demo needs packages that are not installed: `pip install "polyrefuse-data[nllb,benchmark]"`'
    )


def test_an_import_that_fails_for_want_of_an_extra_is_known() -> None:
    missing = missing_extra(ModuleNotFoundError("No module", name="ray.data"), "this")
    assert missing is not None and "polyrefuse-data[ray]" in str(missing)
    for other in (ModuleNotFoundError("No module", name="rayon"), ModuleNotFoundError("No module"), ValueError("ray")):
        assert missing_extra(other, "this") is None


def test_the_command_line_tells_it_of_any_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run() -> None:
        raise ModuleNotFoundError("No module named 'sklearn'", name="sklearn.metrics")

    monkeypatch.setattr(cli, "command", lambda: run)
    for name in ("take_over_streams", "stop_on_signals"):
        monkeypatch.setattr(cli, name, lambda: None)
    with pytest.raises(SystemExit) as raised:
        cli.main()
    assert raised.value.code == 3
    assert '`pip install "polyrefuse-data[benchmark]"`' in capsys.readouterr().err


def test_names_that_load_on_first_use_are_listed_and_name_their_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    import polyrefuse_data
    from polyrefuse_data import benchmark

    assert set(polyrefuse_data.__all__) <= set(dir(polyrefuse_data))
    for name in ("Workspace", "audit", "build", "check", "load_config", "load_release", "write_release"):
        assert callable(getattr(polyrefuse_data, name))
    assert set(benchmark.__all__) <= set(dir(benchmark)) and "lazy_names" not in dir(benchmark)
    monkeypatch.setitem(sys.modules, "polyrefuse_data.benchmark.model", None)
    get, _ = lazy_names("polyrefuse_data.benchmark", {"ChatModel": "model"}, extras=("benchmark",))
    with pytest.raises(ModuleNotFoundError, match=r"benchmark\.model"):  # one of our own: a fault, not an extra
        get("ChatModel")
    monkeypatch.delitem(sys.modules, "polyrefuse_data.benchmark.model")
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingPrerequisite, match=r'ChatModel needs .*"polyrefuse-data\[benchmark\]"'):
        get("ChatModel")
