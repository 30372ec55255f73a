"""Batches of about equal length on a budget."""

from __future__ import annotations

from polyrefuse_data.translation.batches import padding_ratio, token_batches


def test_batches_keep_to_the_budget_and_pad_little() -> None:
    lengths = [5 + (37 * n) % 60 for n in range(500)] + [900]
    batches = token_batches(lengths, 512)
    assert sorted(index for batch in batches for index in batch) == list(range(501))
    assert all(len(batch) * (max(lengths[i] for i in batch) + 12) <= 512 or len(batch) == 1 for batch in batches)
    assert padding_ratio(lengths, batches) < 1.1
    sparse = [2**n for n in range(12)] * 3
    assert padding_ratio(sparse, token_batches(sparse, 10**6)) < 1.15
    assert len(token_batches(list(range(5, 25)), 512)) <= 2  # few texts do not fall into many small batches
    assert max(map(len, token_batches([2] * 1000, 512))) == 36  # the shortest texts take memory too
    assert padding_ratio(lengths[:500], [list(range(n, n + 25)) for n in range(0, 500, 25)]) > 1.5  # in file order
    assert token_batches([], 10) == []
