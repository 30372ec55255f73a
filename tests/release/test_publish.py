"""Publishing to a Hub that answers, fails and moves: one commit and a tag, whatever happens on the way."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from contextlib import nullcontext
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from huggingface_hub import HfApi, constants
from huggingface_hub.utils import _http

from polyrefuse_data.errors import ConfigError, MissingPrerequisite, ReleaseError
from polyrefuse_data.release import load_release, publish_release, write_release
from polyrefuse_data.release.publish import PublishStopped
from tests.hub_double import TOKEN, HubDouble, server

from .conftest import make_rows, make_workspace

REPO = "safety/prompts"


@pytest.fixture
def hub(monkeypatch):
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    # Retries of the client wait seconds each; here they need not.
    monkeypatch.setattr(_http.time, "sleep", lambda seconds: None)
    with HubDouble() as double:
        yield double


def publish(hub, release, **options):
    return publish_release(release, REPO, endpoint=hub.endpoint, **options).to_text()


def released(folder, version, rows=None):
    return write_release(make_workspace(folder / f"ws-{version}", rows), version=version, out=folder / f"rel-{version}")


@pytest.fixture
def releases(tmp_path):
    """1.0.0 with Yoruba and 1.1.0 with one prompt more and Yoruba's test split gone: files come, change and go."""
    later = [row for row in make_rows(5) if (row["language"], row["split"]) != ("yo", "test")]
    return released(tmp_path, "1.0.0"), released(tmp_path, "1.1.0", later)


def files_of(release):
    return {path.relative_to(release).as_posix() for path in release.rglob("*") if path.is_file()}


def test_publish_makes_a_private_gated_repository_with_one_commit_and_a_tag(hub, release):
    said = publish(hub, release)
    repo = hub.repos[REPO]
    assert repo.private and repo.gated == "manual"
    assert len(repo.log) == 2  # the Hub's initial commit, and ours
    assert repo.tags == {"v1.0.0": repo.branches["main"]}
    assert set(repo.commits[repo.tags["v1.0.0"]]) == files_of(release) | {".gitattributes"}
    assert "v1.0.0 is published" in said and TOKEN not in said


def test_the_next_version_deletes_stale_files_and_both_tags_stay(hub, releases):
    for release in releases:
        publish(hub, release)
    repo = hub.repos[REPO]
    assert len(repo.log) == 3
    for tag, release in zip(("v1.0.0", "v1.1.0"), releases, strict=True):
        tree = repo.commits[repo.tags[tag]]
        assert set(tree) - {".gitattributes"} == files_of(release)
        assert all(tree[path].content == (release / path).read_bytes() for path in files_of(release))
    assert "data/yo/harmful-test.parquet" not in repo.commits[repo.branches["main"]]


def test_publishing_again_changes_nothing(hub, release):
    publish(hub, release)
    before = hub.repos[REPO].state()
    hub.repos[REPO].gated = "auto"  # a setting that the maintainer changed since
    hub.faults.reset()
    assert "nothing changed" in publish(hub, release)
    assert hub.repos[REPO].state() == before | {"gated": "auto"}
    assert [request for request in hub.faults.requests if not request.startswith("GET")] == []


def test_another_content_under_a_published_version_is_refused(hub, release, tmp_path):
    publish(hub, release)
    before = hub.repos[REPO].state()
    rows = make_rows()
    rows[0]["text"] = "another text"
    with pytest.raises(ReleaseError, match=r"v1\.0\.0 is published already .* with other content"):
        publish(hub, released(tmp_path, "1.0.0", rows))
    assert hub.repos[REPO].state() == before


def test_an_older_version_does_not_go_on_top_of_a_newer_one(hub, releases):
    publish(hub, releases[1])
    with pytest.raises(ReleaseError, match=r"has v1\.1\.0"):
        publish(hub, releases[0])


@pytest.fixture
def elsewhere():
    """Another host, and the requests that reach it."""
    reached = []

    class Elsewhere(BaseHTTPRequestHandler):
        def do_POST(self):
            reached.append(self.command)
            self.send_error(500)

        do_GET = do_HEAD = do_PUT = do_POST

    with ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere) as running:
        threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://localhost:{running.server_port}", reached
        running.shutdown()


def redirecting(hub, monkeypatch, path, status, target):
    """Let the Hub redirect each request for `path` that did not come from `target`."""
    answer = hub.answer

    def redirect(request):
        if path in request.path and "moved" not in request.query:
            return server.Answer(status, headers={"Location": f"{target}{request.path}?moved=1"})
        return answer(request)

    monkeypatch.setattr(hub, "answer", redirect)


@pytest.mark.parametrize(
    ("path", "status"),
    [("/commit/main", 307), ("/lfs/", 307), ("/preupload/", 308), ("/validate-yaml", 308), ("/settings", 301)],
)
def test_an_upload_is_not_redirected_to_another_host(hub, release, elsewhere, monkeypatch, path, status):
    address, reached = elsewhere
    redirecting(hub, monkeypatch, path, status, address)
    with pytest.raises(ReleaseError, match=f"redirects an upload to {address}, where nothing was sent: .*--endpoint"):
        publish(hub, release)
    assert reached == [] and not hub.repos[REPO].tags


def test_an_upload_is_redirected_on_the_same_host(hub, release, monkeypatch):
    """As the Hub does where a repository has another name now."""
    redirecting(hub, monkeypatch, "/commit/main", 307, hub.endpoint)
    assert "is published" in publish(hub, release)


def test_an_upload_is_not_redirected_after_a_lost_connection(hub, release, elsewhere, monkeypatch):
    """huggingface_hub then makes another client."""
    address, reached = elsewhere
    redirecting(hub, monkeypatch, "/commit/main", 307, address)
    update = HfApi.update_repo_settings

    def update_and_lose_the_connection(*arguments, **options):
        update(*arguments, **options)
        _http.close_session()

    monkeypatch.setattr(HfApi, "update_repo_settings", update_and_lose_the_connection)
    with pytest.raises(ReleaseError, match="redirects an upload"):
        publish(hub, release)
    assert reached == []


def test_the_client_of_others_is_given_back(hub, release):
    before = _http._GLOBAL_CLIENT_FACTORY
    publish(hub, release)
    assert _http._GLOBAL_CLIENT_FACTORY is before
    assert not _http.get_session().event_hooks["response"]


def test_a_release_that_does_not_verify_is_not_sent(hub, release):
    (release / "README.md").write_text("other")
    with pytest.raises(ReleaseError, match=r"README\.md"):
        publish(hub, release)
    assert hub.faults.requests == []


def test_dry_run_needs_no_network_and_no_token(hub, release, monkeypatch):
    monkeypatch.delenv("HF_TOKEN")
    plan = publish(hub, release, dry_run=True)
    assert hub.faults.requests == [] and not hub.repos
    assert "tagged v1.0.0" in plan and "private" in plan and "gated" in plan
    assert all(path in plan for path in files_of(release))


@pytest.mark.parametrize("repo_id", ["prompts", "a b/c", "a/b/c", "../x"])
def test_only_org_name_is_a_repository(hub, release, repo_id):
    with pytest.raises(ConfigError, match="--repo-id"):
        publish_release(release, repo_id, endpoint=hub.endpoint, dry_run=True)


def test_a_hub_that_keeps_failing_is_exit_4(hub, release):
    hub.faults.from_now_on("500")
    with pytest.raises(PublishStopped, match=r"HTTP 500.*run again") as stopped:
        publish(hub, release)
    assert stopped.value.exit_code == 4


@pytest.mark.parametrize("request_kind", ["/refs", "/commit/main", "/settings"])
def test_a_hub_that_asks_to_wait_is_waited_for(hub, release, monkeypatch, request_kind):
    waited = []
    monkeypatch.setattr(_http.time, "sleep", waited.append)  # the one of every module
    hub.faults.of(request_kind, "429", "429")
    assert "v1.0.0 is published" in publish(hub, release)
    assert [kind for kind in hub.faults.fired if kind.startswith("429")] and waited and min(waited) >= 7
    assert hub.repos[REPO].tags


def test_a_hub_that_asks_to_wait_for_ever_is_exit_4_with_its_reason(hub, release):
    hub.faults.from_now_on("429")
    with pytest.raises(PublishStopped, match=r"HTTP 429: fault 429 of the double\); run again"):
        publish(hub, release)


@pytest.mark.parametrize(
    ("said", "pauses"),
    [("Fri, 01 Jan 2100 00:00:00 GMT", []), ("Thu, 01 Jan 1970 00:00:00 GMT", [0]), ("1.2", [2]), ("²", [60])],
)
def test_a_wait_is_read_in_every_form(hub, release, monkeypatch, said, pauses):
    """What is too long is not waited for, and what cannot be read is a minute."""
    waited = []
    monkeypatch.setattr(_http.time, "sleep", waited.append)
    hub.retry_after = said
    hub.faults.of("/settings", "429")
    with nullcontext() if pauses else pytest.raises(PublishStopped, match="HTTP 429"):
        publish(hub, release)
    assert waited == pauses


def test_the_reason_of_a_refusal_is_shown(hub, release):
    hub.faults.from_now_on("403")
    with pytest.raises(MissingPrerequisite, match=r"lacks the permission \(fault 403 of the double\)"):
        publish(hub, release)


def test_a_card_that_the_hub_refuses_is_no_reason_to_try_again(hub, release, monkeypatch):
    refusal = server.reply({"errors": [{"message": "license is not allowed"}], "warnings": []}, 400)
    monkeypatch.setattr(server, "_ROUTES", [
        (method, pattern, (lambda *_: refusal) if "validate-yaml" in pattern.pattern else handle)
        for method, pattern, handle in server._ROUTES
    ])  # fmt: skip
    with pytest.raises(ReleaseError, match="license is not allowed") as refused:
        publish(hub, release)
    assert refused.value.exit_code == 2 and not hub.repos[REPO].tags


def test_public_and_ungated_when_told(hub, release):
    publish(hub, release, private=False, gated=False)
    assert not hub.repos[REPO].private and hub.repos[REPO].gated is False


def test_without_a_token_the_message_says_how_to_get_one(hub, release, monkeypatch, tmp_path):
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "none"))
    with pytest.raises(MissingPrerequisite, match="hf auth login"):
        publish(hub, release)


@pytest.mark.parametrize(("fault", "says"), [("401", "token"), ("403", "lacks the permission")])
def test_a_token_that_may_not_write(hub, release, fault, says):
    hub.faults.from_now_on(fault)
    with pytest.raises(MissingPrerequisite, match=says) as caught:
        publish(hub, release)
    assert TOKEN not in str(caught.value)


def test_a_branch_that_moved_is_reported_and_not_overwritten(hub, release, monkeypatch):
    from huggingface_hub import HfApi

    send = HfApi.create_commit

    def moved_first(api, repo_id, operations, **options):
        repo = hub.repos[REPO]
        repo.commit("main", dict(repo.commits[repo.branches["main"]]), "somebody else's commit")
        return send(api, repo_id, operations, **options)

    monkeypatch.setattr(HfApi, "create_commit", moved_first)
    with pytest.raises(ReleaseError, match="main changed"):
        publish(hub, release)
    assert hub.repos[REPO].tags == {} and set(hub.repos[REPO].state()["main"]) == {".gitattributes"}


@pytest.mark.parametrize("answer", ["page", "object"])
def test_nothing_is_uploaded_where_the_gate_was_not_set(hub, release, answer):
    hub.faults.of("/settings", answer)
    with pytest.raises(PublishStopped, match="gated=manual; run again"):
        publish(hub, release)
    assert len(hub.repos[REPO].log) == 1 and hub.lfs == {}  # the Hub's initial commit
    publish(hub, release)
    assert hub.repos[REPO].gated == "manual" and "v1.0.0" in hub.repos[REPO].tags


def count_requests(hub, release):
    hub.faults.reset()
    publish(hub, release)
    return len(hub.faults.requests)


@pytest.fixture
def small_releases(tmp_path):
    later = [row for row in make_rows(2, ("en",)) if row["split"] != "test"]
    return released(tmp_path, "1.0.0", make_rows(1, ("en",))), released(tmp_path, "1.1.0", later)


@pytest.mark.parametrize(
    "kind",
    [
        "cut_after",
        "page",
        pytest.param("object", marks=pytest.mark.slow),
        pytest.param("500", marks=pytest.mark.slow),
        pytest.param("cut_before", marks=pytest.mark.slow),
        pytest.param("401", marks=pytest.mark.slow),
        pytest.param("403", marks=pytest.mark.slow),
        pytest.param("409", marks=pytest.mark.slow),
        pytest.param("412", marks=pytest.mark.slow),
    ],
)
def test_after_a_fault_at_any_request_running_again_ends_in_the_same_state(hub, small_releases, kind):
    first, second = small_releases
    publish(hub, first)
    total = count_requests(hub, second)
    wanted = hub.repos[REPO].state()
    assert total > 10
    stopped = 0
    for number in range(total):
        hub.repos.clear()
        hub.lfs.clear()
        hub.faults.reset()
        publish(hub, first)
        hub.faults.reset()
        hub.faults.at(number, kind)
        try:
            publish(hub, second)
        except (MissingPrerequisite, ReleaseError) as error:
            stopped += 1
            assert TOKEN not in str(error)
        assert hub.faults.fired, number
        hub.faults.reset()
        publish(hub, second)
        assert hub.repos[REPO].state() == wanted, (number, kind)
        if kind != "object":  # an empty list of files is believed, and what was left there goes with a second commit
            assert len(hub.repos[REPO].log) == 3, "one commit a version, whatever failed"
    assert stopped > 0


@pytest.mark.parametrize(
    ("step", "says"),
    [
        ("update_repo_settings", r"setting gated=manual"),
        ("list_repo_tree", r"is not the release \(data/yo/"),
        ("create_tag", r"did not make the tag v1\.1\.0"),
    ],
)
def test_what_a_hub_says_it_did_is_looked_at_before_it_is_told(hub, releases, monkeypatch, step, says):
    """Something answers 200 in its place and does nothing, once: no version is tagged that is not what it says."""
    from huggingface_hub import HfApi

    publish(hub, releases[0])
    hub.repos[REPO].gated = False
    real = getattr(HfApi, step)

    def nothing(*_, **__):
        monkeypatch.setattr(HfApi, step, real)
        return []

    monkeypatch.setattr(HfApi, step, nothing)
    with pytest.raises(PublishStopped, match=says):
        publish(hub, releases[1])
    repo = hub.repos[REPO]
    assert set(repo.tags) == {"v1.0.0"}
    publish(hub, releases[1])
    assert set(repo.commits[repo.tags["v1.1.0"]]) == files_of(releases[1]) | {".gitattributes"}
    assert repo.gated == "manual"


LOAD = """
import datasets, json, sys
loaded = datasets.load_dataset(sys.argv[1], revision=sys.argv[2])
print(json.dumps({split: data.to_list() for split, data in loaded.items()}))
"""
OURS = """
import json, sys
from polyrefuse_data.release import load_release, release_info, verify_release
assert verify_release(f"{sys.argv[1]}@{sys.argv[2]}") == []
assert release_info(sys.argv[1], sys.argv[2])["version"] == sys.argv[2].lstrip("v")
loaded = load_release(sys.argv[1], revision=sys.argv[2])
print(json.dumps({split: data.to_list() for split, data in loaded.items()}))
"""


def test_what_users_load_from_the_hub_is_what_was_released(hub, releases, tmp_path):
    for release in releases:
        publish(hub, release)
    online = hub.environment(tmp_path / "home")
    first, second = ({split: data.to_list() for split, data in load_release(release).items()} for release in releases)
    for code, tag, wanted, environment in (
        (LOAD, "v1.0.0", first, online),
        (OURS, "v1.1.0", second, online),
        (OURS, "v1.1.0", second, online | {"HF_HUB_OFFLINE": "1"}),
    ):
        done = subprocess.run([sys.executable, "-c", code, REPO, tag], capture_output=True, text=True, env=environment)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout) == wanted


def test_a_slow_hub_is_waited_for(hub, release):
    hub.faults.from_now_on("slow")
    publish(hub, release)
    assert len(hub.faults.fired) > 10 and "v1.0.0" in hub.repos[REPO].tags


def test_files_go_over_xet_as_they_do_over_lfs(hub, releases, monkeypatch):
    """hf_xet itself, from native code: the double puts each file together again, and compares its sha256."""
    for way, disabled in (("xet/prompts", False), ("lfs/prompts", True)):
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", disabled)
        for release in releases:
            publish_release(release, way, endpoint=hub.endpoint)
        hub.faults.reset()
        hub.lfs.clear()
    assert hub.repos["xet/prompts"].state() == hub.repos["lfs/prompts"].state()
    assert hub.xet.xorbs


def test_a_hub_without_xet_says_how_files_get_there(hub, release, monkeypatch):
    """With LFS instead, the same command ends what it began."""
    hub.xet = None
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", False)
    with pytest.raises(PublishStopped, match=r"has no Xet storage.*set HF_HUB_DISABLE_XET=1"):
        publish(hub, release)
    assert not hub.repos[REPO].tags
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    assert "v1.0.0 is published" in publish(hub, release)
    assert set(hub.repos[REPO].commits[hub.repos[REPO].tags["v1.0.0"]]) == files_of(release) | {".gitattributes"}


@pytest.mark.parametrize(("request_kind", "fault", "says"), [
    ("/xet-write-token/main", "401", "does not know this token"),
    ("/v1/shards", "403", "lacks the permission"),
    ("/v1/shards", "cut_after", None),  # hf_xet itself tries again
    ("/v1/shards", "500", None),
])  # fmt: skip
def test_after_a_fault_of_xet_running_again_ends_in_the_same_state(
    hub, release, monkeypatch, request_kind, fault, says
):
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", False)
    hub.faults.of(request_kind, fault)
    if says:
        with pytest.raises(MissingPrerequisite, match=says) as stopped:
            publish(hub, release)
        assert TOKEN not in str(stopped.value) and not hub.repos[REPO].tags
    publish(hub, release)
    assert hub.faults.fired
    assert set(hub.repos[REPO].commits[hub.repos[REPO].tags["v1.0.0"]]) == files_of(release) | {".gitattributes"}
