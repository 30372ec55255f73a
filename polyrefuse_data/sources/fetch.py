"""Files of public sets: fetched once over HTTP, checked against their sha256, kept in a cache."""

from __future__ import annotations

import hashlib
import http.client
import logging
import os
import time
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

from polyrefuse_data.errors import MissingPrerequisite, SourceError
from polyrefuse_data.system.cache import cache_folder
from polyrefuse_data.system.files import atomic_write
from polyrefuse_data.system.input_files import read_input_text, reason, sha256_of

_TIMEOUT_SECONDS = 60
_ATTEMPTS = 3
_FIRST_PAUSE_SECONDS = 1.0  # doubled after each attempt
_TRANSIENT = frozenset({408, 429, 500, 502, 503, 504})

_logger = logging.getLogger(__name__)


def fetch(url: str, sha256: str | None) -> Path:
    """The file at `url`, from the cache or fetched into it.

    If `sha256` is None because nobody published it, the hash of the first fetch is logged and recorded, and later uses
    must match it. Raises MissingPrerequisite if the file is not cached and cannot be fetched (offline, unreachable);
    SourceError if the server refuses it or the content has another hash.
    """
    parts = urlsplit(url)
    path = cache_folder("sources") / parts.netloc.replace(":", "_") / parts.path.lstrip("/")
    record = path.with_name(path.name + ".sha256")
    try:
        if sha256 is None and record.exists():
            sha256 = read_input_text(record).strip()
        if path.exists():
            _check(sha256_of(path), sha256, str(path), f"remove {path} and run again")
            return path
    except OSError as error:
        raise SourceError(f"{path}: cannot be read ({reason(error)}): remove it and run again") from error
    content = _download(url, path)
    found = hashlib.sha256(content).hexdigest()
    _check(found, sha256, url, "the published file has changed; do not use it before someone has reviewed the change")
    if sha256 is None:
        _logger.warning("no sha256 is known for %s; recorded the one of this first use: %s", url, found)
        atomic_write(record, found + "\n")
    atomic_write(path, content)
    return path


def _check(found: str, expected: str | None, where: str, mend: str) -> None:
    if expected is not None and found != expected:
        raise SourceError(f"{where}: sha256 is {found}, expected {expected}: {mend}")


def _download(url: str, path: Path) -> bytes:
    mend = f"run this once online, or put the file at {path}"
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "ON", "YES", "TRUE"}:
        raise MissingPrerequisite(f"{url} is not cached and HF_HUB_OFFLINE is set: {mend}")
    request = urllib.request.Request(url, headers={"User-Agent": "polyrefuse-data"})
    problem: Exception | None = None
    for attempt in range(_ATTEMPTS):
        if attempt:
            time.sleep(_FIRST_PAUSE_SECONDS * 2 ** (attempt - 1))
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as response:
                content: bytes = response.read()
                return content
        except urllib.error.HTTPError as error:
            error.close()
            if error.code not in _TRANSIENT:
                raise SourceError(f"{url}: the server answered {error.code} {error.reason}: {mend}") from None
            problem = error
        except (OSError, http.client.HTTPException) as error:  # no route, no DNS, a connection that breaks off
            problem = error
    reason = getattr(problem, "reason", None) or problem
    raise MissingPrerequisite(f"{url} cannot be fetched ({reason}): {mend}") from None
