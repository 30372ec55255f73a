"""Dropping stored answers (`build --refresh BACKEND[:LANGUAGE]`), wherever they are kept.

That is the journal, the shards of an unfinished build, rows.parquet (from which a damaged journal is restored), and a
Batch API, which keeps the answers of its batches. A refresh is noted until its build is finished, so that running the
same command again resumes it instead of dropping answers that were just paid for.
"""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol, runtime_checkable

from polyrefuse_data.errors import ConfigError
from polyrefuse_data.languages import Language, language
from polyrefuse_data.pipeline.shards.store import ShardStore
from polyrefuse_data.system.files import atomic_write
from polyrefuse_data.system.input_files import read_input_text
from polyrefuse_data.text.counts import counted
from polyrefuse_data.translation.answered_rows import disown
from polyrefuse_data.translation.backends import Chain
from polyrefuse_data.translation.base import Identity, Request, Result
from polyrefuse_data.translation.journal import Journal
from polyrefuse_data.workspace import Workspace

_logger = logging.getLogger(__name__)

# Names that the `engine` of a config may have in rows.
_ENGINES = {"nllb": ("nllb", "ctranslate2"), "seq2seq": ("nllb", "marian", "t5", "ctranslate2")}


class Refresh(NamedTuple):
    """Whose answers to drop: a backend's, for one language or (None) all."""

    backend: str
    language: Language | None

    @classmethod
    def parse(cls, text: str) -> Refresh:
        """`openai`, `openai:de`, `openai:gpt-5-mini@host:de`."""
        backend, _, code = text.rpartition(":")
        try:
            return cls(backend, language(code)) if backend else cls(text, None)
        except ConfigError:
            return cls(text, None)

    def means(self, name: str) -> bool:
        """Whether this names the backend called `name` in rows: by that name, its engine, its model or its configured
        name."""
        engine, _, rest = name.partition(":")
        meant = {name, engine, rest, rest.partition("@")[0]}
        return self.backend in meant or engine in _ENGINES.get(self.backend, ())

    def concerns(self, request: Request) -> bool:
        return self.language is None or self.language in (request.source, request.target)


@runtime_checkable
class Renewable(Protocol):
    """A backend whose server keeps answers too."""

    def renew(self, token: str) -> None:
        """Ignore answers that the server gave before the first use of `token`."""
        ...


def begin_refresh(workspace: Workspace, chain: Chain, asked: Sequence[str]) -> _Note | None:
    """Drop the answers named in `asked`, unless a stopped build has already done so and this one resumes it. Returns
    the note of a refresh in progress, or None. The caller holds the workspace lock. Raises ConfigError for an unknown
    backend."""
    note = _Note.read(workspace)
    if asked and (note is None or note.asked != sorted(asked)):
        note = _Note(sorted(asked), secrets.token_hex(4))
        _forget(workspace, chain, list(map(Refresh.parse, asked)))
        note.write(workspace)
    if note is not None:
        wanted = list(map(Refresh.parse, note.asked))
        for translator in chain.translators:
            if isinstance(translator, Renewable) and any(refresh.means(translator.name) for refresh in wanted):
                translator.renew(note.token)
    return note


def _forget(workspace: Workspace, chain: Chain, wanted: Sequence[Refresh]) -> None:
    with closing(Journal(workspace.journal)) as journal:
        names = _check(wanted, chain, journal)
        ShardStore(workspace.shards, None).clear()
        disown(workspace.rows, {name for name in names if any(refresh.means(name) for refresh in wanted)})
        for refresh in wanted:
            meant = [print for print, name in journal.engines().items() if refresh.means(name)]
            count = journal.forget(meant, refresh.language)
            of = f" for {refresh.language.code}" if refresh.language else ""
            _logger.warning("dropped %s of %s%s: asking again", counted(count, "answer"), refresh.backend, of)


def _check(wanted: Iterable[Refresh], chain: Chain, journal: Journal | None) -> set[str]:
    """The names of all backends. Raises ConfigError if an unknown one is requested."""
    names = {translator.name for translator in chain.translators}
    names |= set(journal.engines().values()) if journal is not None else set()
    for refresh in wanted:
        if not any(map(refresh.means, names)):
            raise ConfigError(
                f"--refresh {refresh.backend}: no such backend; give BACKEND or BACKEND:LANGUAGE, with one of "
                f"{', '.join(sorted(names))}"
            )
    return names


@dataclass(frozen=True)
class _Note:
    """A refresh whose build is not finished."""

    asked: list[str]
    token: str

    @classmethod
    def read(cls, workspace: Workspace) -> _Note | None:
        try:
            kept = json.loads(read_input_text(_path(workspace)))
            return cls(list(map(str, kept["asked"])), str(kept["token"]))
        except (OSError, ValueError, LookupError, TypeError):
            return None

    def write(self, workspace: Workspace) -> None:
        atomic_write(_path(workspace), json.dumps({"asked": self.asked, "token": self.token}))

    def remove(self, workspace: Workspace) -> None:
        """Remove the note after the build, so that the next refresh is a new one."""
        _path(workspace).unlink(missing_ok=True)


def _path(workspace: Workspace) -> Path:
    return workspace.shards / "refresh.json"


class WithoutForgotten:
    """A journal as it would be after a refresh, for `--dry-run`. Raises ConfigError for an unknown backend."""

    def __init__(self, journal: Journal, chain: Chain, asked: Sequence[str]) -> None:
        self._journal = journal
        self._wanted = list(map(Refresh.parse, asked))
        _check(self._wanted, chain, journal)

    def find(self, backend: Identity, requests: Sequence[Request]) -> dict[Request, Result]:
        meant = [refresh for refresh in self._wanted if refresh.means(backend.name)]
        kept = [request for request in requests if not any(refresh.concerns(request) for refresh in meant)]
        return self._journal.find(backend, kept)
