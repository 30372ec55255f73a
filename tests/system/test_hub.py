"""What is said of a Hub that cannot be asked."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from huggingface_hub import HfApi, constants

from polyrefuse_data.errors import PolyrefuseError, SourceError
from polyrefuse_data.models.hub_files import HubFiles
from polyrefuse_data.release.fetch import locate
from polyrefuse_data.sources.hub import hub_files
from polyrefuse_data.system.hub import asking_the_hub, client_errors, hub_error
from tests.hub_double import HubDouble


def test_a_hub_that_cannot_be_reached_gave_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    with socket.socket() as taken:  # bound, but nobody listens
        taken.bind(("127.0.0.1", 0))
        nobody = HfApi(endpoint=f"http://127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(client_errors()) as caught:
            nobody.repo_info("org/name")
    said = str(hub_error(caught.value, "org/name", "model", SourceError))
    assert said.startswith("org/name: the Hub cannot be reached (") and said.endswith("then run again")


@pytest.mark.parametrize("fault", ["page", "object"])
@pytest.mark.parametrize("asked", ["release", "model", "source"])
def test_what_answers_in_the_place_of_the_hub_is_told_as_that(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, asked: str, fault: str
) -> None:
    """A proxy's login page, and JSON of another form, which huggingface_hub runs into."""
    ask = {
        "release": lambda: locate("org/name"),
        "model": lambda: HubFiles("org/name", None),
        "source": lambda: hub_files(f"org/name@{'a' * 40}", "*", "sources.0.hub"),
    }[asked]
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    with HubDouble() as hub:
        monkeypatch.setattr(constants, "ENDPOINT", hub.endpoint)
        hub.faults.from_now_on(fault)
        says = r"not in the Hub's form: a proxy|does not say which commit|no file '\*', and no other"
        with pytest.raises(PolyrefuseError, match=says) as told:
            ask()
    assert told.value.exit_code in (2, 3)


def test_a_fault_of_our_own_is_not_the_hubs() -> None:
    with pytest.raises(KeyError), asking_the_hub():
        {}["missing"]
