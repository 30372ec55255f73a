"""What a build may cost: it stops before that, keeps what it paid for, and goes on with more."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from polyrefuse_data.endpoints.budget import Budget
from polyrefuse_data.endpoints.completions import Completion, read_completion
from polyrefuse_data.errors import ConfigError, EndpointError
from polyrefuse_data.pipeline.build import build
from polyrefuse_data.workspace import Workspace
from tests.endpoints.api_server import ApiServer, answer
from tests.pipeline.test_build import ENGLISH, api_backend, config
from tests.pipeline.test_build import api as api  # fixtures
from tests.pipeline.test_build import folder as folder

# The server counts 100 tokens there and 10 back for each request.
PRICES = {"input_price": 10_000.0, "output_price": 10_000.0, "concurrency": 4, "max_output_tokens": 50}
EACH = 110 * 10_000 / 1e6


def run(folder: Path, api: ApiServer, max_cost: float | None, **options: Any) -> None:
    made = config(folder, api_backend(api, **{**PRICES, **options}))
    build(Workspace(folder / "ws"), made, progress=False, max_cost=max_cost)


@pytest.mark.parametrize("most", [0.0, 30.0, 50.0, 1e6])
def test_it_is_never_exceeded_and_nothing_is_paid_twice(folder: Path, api: ApiServer, most: float) -> None:
    enough = 24 * EACH + 12  # there and back, and the most that the last one might cost
    if most < enough:
        with pytest.raises(
            EndpointError, match=rf"spent \$[\d.]+ so far, .* --max-cost {most:g}; the answers are kept"
        ):
            run(folder, api, most)
        assert len(api.asked) * EACH >= min(most - 12, 0)
    else:
        run(folder, api, most)
    assert len(api.asked) * EACH <= most
    run(folder, api, 1e6)
    assert sorted(api.asked) == sorted(set(api.asked))
    assert len(api.asked) == 24
    rows = Workspace(folder / "ws").read_rows().to_pylist()
    assert [row["status"] for row in rows] == ["accepted"] * 24


def test_what_was_paid_before_counts(folder: Path, api: ApiServer) -> None:
    run(folder, api, None)
    paid = len(api.asked)
    (folder / "prompts.jsonl").write_text('{"instruction": "Another one.", "label": "harmless"}')
    with pytest.raises(EndpointError, match=r"spent \$26\.4000"):
        run(folder, api, 24 * EACH + 0.1)
    assert len(api.asked) == paid


def test_retries_and_failures_count_and_free_what_they_held(folder: Path, api: ApiServer) -> None:
    api.faults[ENGLISH[0]] = [answer(None, refusal="no")]
    api.faults[ENGLISH[1]] = [answer("cut", finish_reason="length")]
    run(folder, api, 1e6)
    assert len(api.asked) == 22


def test_prices_have_to_be_known(folder: Path, api: ApiServer) -> None:
    with pytest.raises(ConfigError, match="has no prices: set input_price and output_price"):
        run(folder, api, 1.0, input_price=None)
    assert not api.asked
    run(folder, api, 0.0, input_price=0.0, output_price=0.0)  # a server of one's own


def test_a_batch_is_not_submitted_where_it_might_cost_too_much(folder: Path, api: ApiServer) -> None:
    with pytest.raises(EndpointError, match="--max-cost"):
        run(folder, api, 1.0, mode="batch", poll_seconds=0.01)
    assert not api.batches
    run(folder, api, 1e6, mode="batch", poll_seconds=0.01)
    assert len(api.paid) == 24


def test_a_budget_gives_back_what_was_not_used() -> None:
    budget = Budget(1.0)
    for _ in range(10):
        assert budget.reserve(0.4)
        budget.settle(0.4, 0.05)
    assert budget.reserve(0.4)
    assert not budget.reserve(0.4)  # perhaps later
    budget.settle(0.4, 0.0)
    with pytest.raises(EndpointError):
        budget.reserve(0.6)
    assert Budget(None).reserve(1e9)


@pytest.mark.parametrize(
    ("usage", "output"),
    [
        ({"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}, 10),
        ({"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 410}, 310),  # thinking in the total alone
        ({"prompt_tokens": 100, "completion_tokens": 310, "total_tokens": 410}, 310),
        ({"prompt_tokens": 100, "completion_tokens": 10}, 10),
        ({"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": "many"}, 10),
        ({"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": -1}, 10),
    ],
)
def test_thinking_is_paid_as_output(usage: dict[str, Any], output: int) -> None:
    body = {"choices": [{"message": {"content": "x"}, "finish_reason": "stop"}], "usage": usage}
    read = read_completion(body)
    assert isinstance(read, Completion)
    assert read.usage["output_tokens"] == output
