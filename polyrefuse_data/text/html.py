"""Puts values from files, models and servers into HTML pages as text, never as markup."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING, Any

from polyrefuse_data.text.counts import counted, named, percent_of
from polyrefuse_data.text.printable import cut, printable

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

# Characters of a value in a page. Names are far shorter; the longest values are signatures and messages.
_LONGEST = 4000

# Characters that could end the script element, or that JSON allows and JavaScript once did not.
_INERT = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"})


def html_environment(**options: Any) -> Environment:
    """A jinja2 environment whose templates escape every value, show control characters, and cut overlong values. Texts
    in other languages, which need their bidirectional controls, go through the filter `forceescape`."""
    import jinja2

    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_value,
        **options,
    )
    environment.filters |= {"with_code": with_code, "counted": counted, "named": named, "percent_of": percent_of}
    return environment


def with_code(message: str) -> Markup:
    """A message as text, with what stands between backticks as code."""
    from markupsafe import Markup

    parts = str(_value(message)).split("`")
    if not len(parts) % 2:  # one of them is alone
        return Markup("{}").format("`".join(parts))
    shown = [Markup("<code>{}</code>" if place % 2 else "{}").format(part) for place, part in enumerate(parts)]
    return Markup("").join(shown)


def inert_json(value: Any) -> str:
    """JSON that cannot end the script element that contains it, whatever its strings contain."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).translate(_INERT)


def encodable(page: str) -> str:
    """A page without the lone surrogates of broken input, which UTF-8 cannot hold: they must not keep it from disk."""
    return page.encode("utf-8", "replace").decode("utf-8")


def script_hash(script: str) -> str:
    """What a page's content security policy calls the one script that it allows."""
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")


def _value(value: Any) -> Any:
    if isinstance(value, str) and not hasattr(value, "__html__"):  # what has it is markup already
        return cut(printable(value), _LONGEST)
    return value
