"""How long a server asks to wait before it is asked again."""

from __future__ import annotations

import contextlib
import email.utils
import math
import time
from collections.abc import Mapping


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that a server asks to wait: `retry-after-ms`, or `Retry-After` as seconds or as a date; None if it asks
    for nothing that can be waited for. The names in `headers` are in lower case, or found in any."""
    for header, unit in (("retry-after-ms", 1000), ("retry-after", 1)):
        with contextlib.suppress(KeyError, ValueError):
            seconds = float(headers[header]) / unit
            return max(seconds, 0.0) if math.isfinite(seconds) else None
    with contextlib.suppress(KeyError, ValueError, TypeError):
        # By the server's clock if it sends one: ours may be wrong by years, and we would wait for years.
        now = _timestamp(headers["date"]) if "date" in headers else time.time()
        return max(_timestamp(headers["retry-after"]) - now, 0.0)
    return None


def _timestamp(date: str) -> float:
    return email.utils.parsedate_to_datetime(date).timestamp()
