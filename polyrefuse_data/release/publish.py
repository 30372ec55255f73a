"""Publishes a release to the Hugging Face Hub: one commit and a tag, safe to repeat after any failure.

The repository's main branch becomes exactly the release (other files are deleted in the same commit), provided that it
has not changed since we looked. Then the commit is tagged vX.Y.Z. If the tag already exists with the same files, that
is a success.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import logging
import math
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from polyrefuse_data.errors import ConfigError, MissingPrerequisite, PolyrefuseError, ReleaseError
from polyrefuse_data.release import layout
from polyrefuse_data.release.manifest import Manifest, read_manifest
from polyrefuse_data.release.verify import require_verified
from polyrefuse_data.release.versions import parse_version
from polyrefuse_data.system.hub import (
    LOGIN,
    RedirectRefused,
    asking_the_hub,
    client_errors,
    http_status,
    hub_error,
    uploads_go_nowhere_else,
)
from polyrefuse_data.system.input_files import read_input
from polyrefuse_data.system.retry_after import retry_after
from polyrefuse_data.text import printable
from polyrefuse_data.text.counts import counted

if TYPE_CHECKING:
    from huggingface_hub import HfApi
    from huggingface_hub.hf_api import RepoFile

_BRANCH = "main"
_REPO = "dataset"
_XET_TOKEN = "xet-write-token"  # the first thing that hf_xet asks a Hub for
# People ask for access and a maintainer decides; the card's extra_gated_fields say what is asked.
_GATE: Final = "manual"

# Where the Hub asks to come back later, which it does for windows of five minutes.
_ATTEMPTS = 5
_PAUSE_SECONDS = 60  # if it does not say for how long
_LONGEST_PAUSE_SECONDS = 900

_logger = logging.getLogger(__name__)


class PublishStopped(ReleaseError):
    """Publishing stopped part-way. Running the same command again completes it."""

    exit_code = 4


@dataclass(frozen=True)
class Plan:
    """What publishing would do, without using the network."""

    folder: Path
    manifest: Manifest
    repo_id: str
    private: bool
    gated: bool

    @property
    def tag(self) -> str:
        return f"v{self.manifest.version}"

    @property
    def files(self) -> list[str]:
        return [*sorted(self.manifest.files), layout.MANIFEST]

    def to_json(self) -> str:
        """The plan, as JSON."""
        access = {"private_if_new": self.private, "gated": self.gated}
        plan = {"repo_id": self.repo_id, "tag": self.tag, "content_sha256": self.manifest.content_sha256, **access}
        return json.dumps({**plan, "files": self.files}, ensure_ascii=False, indent=1)

    def to_text(self) -> str:
        sizes = {path: (self.folder / path).stat().st_size for path in self.files}
        access = f"{'private' if self.private else 'public'} if it is new, {'gated' if self.gated else 'not gated'}"
        lines = [
            f"would publish {self.manifest.name} {self.manifest.version} ({self.manifest.content_sha256[:12]})",
            f"to the dataset {self.repo_id} ({access})",
            f"as one commit on {_BRANCH}, {counted(len(sizes), 'file')}, {sum(sizes.values())} bytes, "
            "other files there deleted,",
            f"tagged {self.tag}:",
        ]
        return printable.lines([*lines, *(f"  {path} ({size} bytes)" for path, size in sizes.items())])


@dataclass(frozen=True)
class Publication:
    """A release on the Hub. `is_new` says whether this call published it."""

    repo_id: str
    tag: str
    commit: str
    is_new: bool

    def to_text(self) -> str:
        if self.is_new:
            return f"{self.repo_id} {self.tag} is published, commit {self.commit}"
        return f"{self.repo_id} {self.tag} is published already, with these files: nothing changed"

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=1)


def publish_release(
    folder: Path,
    repo_id: str,
    *,
    endpoint: str | None = None,
    private: bool = True,
    gated: bool = True,
    dry_run: bool = False,
) -> Publication | Plan:
    """Publish the release in `folder` as the Hub dataset `repo_id`, with tag vX.Y.Z.

    A new repository is private by default; an existing one keeps its visibility. The token comes from HF_TOKEN or `hf
    auth login`. With `dry_run`, the plan is returned and nothing is sent.

    Raises ConfigError for an invalid `repo_id`; ReleaseError if the release does not verify, the version is published
    with other content, a higher version is published, the branch changed meanwhile, or the Hub redirects an upload to
    another host; MissingPrerequisite without a token with write access; PublishStopped if the Hub failed part-way.
    """
    _check_repo_id(repo_id)
    require_verified(folder)
    plan = Plan(folder, read_manifest(folder), repo_id, private, gated)
    named = plan.manifest.published.repo_id if plan.manifest.published else None
    if named != repo_id:
        mend = f"write the release with --repo-id {repo_id} for snippets that work"
        says = f"says {named}, not {repo_id}" if named else "names no repository"
        _logger.warning("the card of this release %s: %s", says, mend)
    if dry_run:
        return plan
    for attempt in itertools.count(1):
        try:
            with asking_the_hub(), uploads_go_nowhere_else():
                return _publish(plan, endpoint)
        except RedirectRefused as error:
            raise _explain(error, plan) from error
        except client_errors() as error:
            pause = _asked_to_wait(error)
            if pause is None or attempt == _ATTEMPTS:
                raise _explain(error, plan) from error
            _logger.warning("%s: the Hub asks to wait (HTTP 429); going on in %d s", repo_id, pause)
            time.sleep(pause)
    raise AssertionError  # the loop ends by one of the above


def _asked_to_wait(error: Exception) -> int | None:
    """For how many seconds, if the Hub answered that there were too many requests; None for any other error, and for
    longer than anybody waits. What was done stays done: publishing goes on from there."""
    from huggingface_hub.errors import HfHubHTTPError

    cause = error.__cause__ if isinstance(error, RuntimeError) else error  # a failed upload wraps what failed
    if not isinstance(cause, HfHubHTTPError) or cause.response.status_code != 429:
        return None
    said = retry_after(cause.response.headers)
    pause = _PAUSE_SECONDS if said is None else math.ceil(said)
    return pause if pause <= _LONGEST_PAUSE_SECONDS else None


def _check_repo_id(repo_id: str) -> None:
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

    try:
        validate_repo_id(repo_id)
    except HFValidationError as error:
        raise ConfigError(f"--repo-id {repo_id!r}: {error}") from error
    if "/" not in repo_id:
        raise ConfigError(f"--repo-id {repo_id!r}: give ORG/NAME, e.g. my-org/{repo_id}")


def _publish(plan: Plan, endpoint: str | None) -> Publication:
    from huggingface_hub import HfApi, get_token

    if get_token() is None:
        raise MissingPrerequisite(f"publishing to {plan.repo_id} needs a token with write access: {LOGIN}")
    api = HfApi(endpoint=endpoint, library_name="polyrefuse-data")
    remote = _look(api, plan)
    if plan.tag in remote.tags:
        _refuse_other_content(api, plan, remote.tags[plan.tag])
        return Publication(plan.repo_id, plan.tag, remote.tags[plan.tag], is_new=False)
    _refuse_lower_version(plan, remote)
    gate: Literal["manual", False] = _GATE if plan.gated else False
    api.update_repo_settings(plan.repo_id, repo_type=_REPO, gated=gate)
    # Looked at before anything is uploaded, because whoever sees a repository without a gate has its files.
    if api.dataset_info(plan.repo_id).gated not in (gate, None):  # None: a Hub without gates
        raise PublishStopped(f"{plan.repo_id}: the Hub did not take over the setting gated={gate}; run again")
    commit = _commit(api, plan, remote.head)
    # Looked at before it is tagged, because a tagged version never changes.
    if different := set(plan.files) ^ _tree(api, plan.repo_id, commit).keys():
        raise PublishStopped(f"{plan.repo_id}: commit {commit[:12]} is not the release ({min(different)}); run again")
    api.create_tag(plan.repo_id, repo_type=_REPO, tag=plan.tag, revision=commit, tag_message=_message(plan))
    if _look(api, plan).tags.get(plan.tag) is None:
        raise PublishStopped(f"{plan.repo_id}: the Hub did not make the tag {plan.tag}; run again")
    return Publication(plan.repo_id, plan.tag, commit, is_new=True)


@dataclass(frozen=True)
class _Remote:
    """The branch head and tags of a repository at one moment."""

    head: str
    tags: dict[str, str] = field(default_factory=dict)


def _look(api: HfApi, plan: Plan) -> _Remote:
    """The repository's current state; created if there is none."""
    from huggingface_hub.errors import RepositoryNotFoundError

    try:
        refs = api.list_repo_refs(plan.repo_id, repo_type=_REPO)
    except RepositoryNotFoundError:
        api.create_repo(plan.repo_id, repo_type=_REPO, private=plan.private)
        refs = api.list_repo_refs(plan.repo_id, repo_type=_REPO)
    heads = {branch.name: branch.target_commit for branch in refs.branches}
    if _BRANCH not in heads:
        raise ReleaseError(f"{plan.repo_id} has no branch {_BRANCH}: create it on the Hub, or publish elsewhere")
    return _Remote(heads[_BRANCH], {tag.name: tag.target_commit for tag in refs.tags})


def _refuse_other_content(api: HfApi, plan: Plan, tagged: str) -> None:
    # A tag may name a tag object; the files are read at the tag's name, which the Hub resolves.
    different = _differences(plan, _tree(api, plan.repo_id, plan.tag))
    if different:
        raise ReleaseError(
            f"{plan.repo_id} {plan.tag} is published already ({tagged[:12]}) with other content "
            f"({different[0]} differs): a published version never changes; release under a new version"
        )


def _refuse_lower_version(plan: Plan, remote: _Remote) -> None:
    versions = []
    for tag in remote.tags:
        with contextlib.suppress(ConfigError):  # tags that are no versions are not ours
            versions.append(parse_version(tag.removeprefix("v")))
    if versions and max(versions) > parse_version(plan.manifest.version):
        highest = ".".join(map(str, max(versions)))
        raise ReleaseError(
            f"{plan.repo_id} has v{highest}: publishing {plan.manifest.version} now would put an older release "
            f"on {_BRANCH}"
        )


def _commit(api: HfApi, plan: Plan, parent: str) -> str:
    """The commit with exactly the release; the head itself if it already is (we stopped before tagging)."""
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    there = _tree(api, plan.repo_id, parent)
    different = _differences(plan, there)
    if not different:
        return parent
    operations: list[Any] = [
        CommitOperationAdd(path, plan.folder / path) if path in plan.files else CommitOperationDelete(path)
        for path in different
    ]
    return api.create_commit(
        plan.repo_id,
        operations,
        commit_message=_message(plan),
        commit_description=f"content sha256 {plan.manifest.content_sha256}",
        repo_type=_REPO,
        revision=_BRANCH,
        parent_commit=parent,
    ).oid


def _message(plan: Plan) -> str:
    return printable.printable_line(f"{plan.manifest.name} {plan.manifest.version}")


def _tree(api: HfApi, repo_id: str, revision: str) -> dict[str, RepoFile]:
    """Path -> the Hub's information on the file, at a revision."""
    from huggingface_hub.hf_api import RepoFile

    items = api.list_repo_tree(repo_id, recursive=True, revision=revision, repo_type=_REPO)
    return {item.path: item for item in items if isinstance(item, RepoFile) and not layout.is_foreign(item.path)}


def _differences(plan: Plan, there: dict[str, RepoFile]) -> list[str]:
    """Paths that exist on one side only, or differ."""
    paths = {*plan.files, *there}
    return sorted(path for path in paths if path not in plan.files or not _same(plan.folder / path, there.get(path)))


def _same(file: Path, there: RepoFile | None) -> bool:
    from huggingface_hub.utils.sha import git_hash

    if there is None or file.stat().st_size != there.size:
        return False
    if there.lfs:
        return layout.sha256_file(file) == there.lfs.sha256
    return git_hash(read_input(file)) == there.blob_id


def _explain(error: Exception, plan: Plan) -> PolyrefuseError:
    from huggingface_hub.errors import BadRequestError

    if isinstance(error, RuntimeError) and isinstance(error.__cause__, Exception):
        error = error.__cause__  # a failed upload wraps what failed
    if isinstance(error, RedirectRefused):
        return ReleaseError(
            f"{plan.repo_id}: the Hub redirects an upload to {error}, where nothing was sent: if you want to publish "
            f"there, give --endpoint {error}"
        )
    status = http_status(error)
    if status == 404 and _XET_TOKEN in str(error):
        return PublishStopped(
            f"{plan.repo_id}: this Hub has no Xet storage, over which huggingface_hub sends files: set "
            "HF_HUB_DISABLE_XET=1, so that they go through LFS, and run again"
        )
    if status == 412:
        return ReleaseError(
            f"{plan.repo_id}: {_BRANCH} changed during publishing; nothing was overwritten. "
            "See what changed there, then run again"
        )
    if status == 409:
        return PublishStopped(
            f"{plan.repo_id}: the Hub reports a conflict, perhaps because somebody else is publishing; run again"
        )
    if isinstance(error, BadRequestError) or isinstance(error.__cause__, BadRequestError):  # the latter: of the card
        return ReleaseError(f"{plan.repo_id}: the Hub refuses the release: {str(error).strip()}")
    explained = hub_error(error, plan.repo_id, "dataset", ReleaseError)
    return explained if isinstance(explained, MissingPrerequisite) else PublishStopped(str(explained))
