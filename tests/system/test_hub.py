"""What is said of a Hub that cannot be asked."""

from __future__ import annotations

import socket

import pytest
from huggingface_hub import HfApi

from polyrefuse_data.errors import SourceError
from polyrefuse_data.system.hub import client_errors, hub_error


def test_a_hub_that_cannot_be_reached_gave_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    with socket.socket() as taken:  # bound, but nobody listens
        taken.bind(("127.0.0.1", 0))
        nobody = HfApi(endpoint=f"http://127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(client_errors()) as caught:
            nobody.repo_info("org/name")
    said = str(hub_error(caught.value, "org/name", "model", SourceError))
    assert said.startswith("org/name: the Hub cannot be reached (") and said.endswith("then run again")
