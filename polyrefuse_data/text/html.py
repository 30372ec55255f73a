"""Puts values from files, models and servers into HTML pages as text, never as markup."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from polyrefuse_data.text.printable import cut, printable

if TYPE_CHECKING:
    from jinja2 import Environment

# Characters of a value in a page. Names are far shorter; the longest values are signatures and messages.
_LONGEST = 4000


def html_environment(**options: Any) -> Environment:
    """A jinja2 environment whose templates escape every value, show control characters, and cut overlong values. Texts
    in other languages, which need their bidirectional controls, go through the filter `forceescape`."""
    import jinja2

    return jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_value,
        **options,
    )


def _value(value: Any) -> Any:
    if isinstance(value, str) and not hasattr(value, "__html__"):  # what has it is markup already
        return cut(printable(value), _LONGEST)
    return value
