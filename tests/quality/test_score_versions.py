"""A check that gives other scores has another version: kept scores of the old one would pass for its own."""

from __future__ import annotations

import json

from tests.quality.score_versions import RECORD, digests


def test_no_check_gives_other_scores_under_the_same_version() -> None:
    recorded, found = json.loads(RECORD.read_text(encoding="utf-8")), digests()
    changed = [identity for identity in found if recorded.get(identity, found[identity]) != found[identity]]
    assert not changed, f"raise the version of {changed}, then run `python -m tests.quality.score_versions`"
    checks = [{identity.split("[")[0] for identity in known} for known in (found, recorded)]
    assert checks[0] == checks[1], "run `python -m tests.quality.score_versions` to record what is new"
