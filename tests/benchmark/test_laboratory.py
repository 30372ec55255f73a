"""The comparison of docs/notebook/real-models.md, on the demo's chat model and at its smallest."""

from __future__ import annotations

import laboratory
import pytest

from polyrefuse_data.benchmark import ChatModel

SIZES = laboratory.Sizes(("en",), train=6, validation=2, test=4, tokens=6, draws=2, positions=[-1], layers=[1])


@pytest.mark.slow
def test_every_way_is_measured_and_shown() -> None:
    rows = list(laboratory.Laboratory(ChatModel.load("bundled:demo-chat"), SIZES).compared())
    ways = [row["way"] for row in rows]
    for mode in ("reference", "complete", "centred"):
        assert {f"{mode}: polyrefuse with KL up to 3 with 90% coherent", f"{mode}: control, shuffled"} <= set(ways)
    assert {"erasure", "erasure: control, shuffled"} <= set(ways)
    assert {"centred: COSMIC's choice", "centred: each layer its own direction"} <= set(ways)
    assert {"centred: 3 principal components", "centred: cone by gradient, between both"} <= set(ways)
    plain, chosen = rows[0]["languages"]["en"], rows[2]["languages"]["en"]
    assert plain["refused"] == 1.0 and chosen["refused"] < 1.0
    for row in rows:
        shares = row.get("languages", {}).get("en")
        if shares:
            assert shares["n"] == 4
            assert abs(sum(shares[name] for name in ("refused", "coherent", "degenerate")) - 1) < 1e-9
            assert ("refused_range" in shares) == ("control" in row["way"])
    lines = laboratory.markdown(rows, ["en"]).splitlines()
    assert len(lines) == len(rows) + 2
    assert lines[2] == "| no intervention |  | 1.00 / 0.00 / 0.00 |"


def test_a_reply_that_loops_is_neither_refused_nor_coherent() -> None:
    loop = "Sure " * 20
    assert laboratory._outcomes(["I'm sorry, but I can't help with that.", "Sure, take two eggs.", loop], "en") == [
        "refused",
        "coherent",
        "degenerate",
    ]


def test_shares_have_their_range_over_draws_and_a_cell_of_the_table() -> None:
    shares = laboratory._shares([["refused", "coherent"], ["degenerate", "degenerate"]])
    assert shares["n"] == 4 and shares["degenerate"] == 0.5 and shares["degenerate_range"] == [0.0, 1.0]
    rows = [
        {"way": "control", "languages": {"en": shares}},
        {"way": "none", "chosen": None},
        {"way": "own", "chosen": {"layer": 3, "position": -1}, "languages": {"en": laboratory._shares([["refused"]])}},
    ]
    assert laboratory.markdown(rows, ["en"]).splitlines()[2:] == [
        "| control |  | 0.25 / 0.25 / 0.50 (degenerate 0.00 to 1.00) |",
        "| none |  | nothing passes |",
        "| own | 3 (-1) | 1.00 / 0.00 / 0.00 |",
    ]
