"""The clock of chat templates: stopped, so that a prompt reads the same from day to day. The date is in run.json."""

from __future__ import annotations

import datetime

# The date that Llama 3.1 and later fall back to.
TEMPLATE_DATE = datetime.datetime(2024, 7, 26)

# Templates take the date as a variable, or ask transformers' function of this name, which reads the machine's clock and
# takes no other from outside. So a macro of the same name goes before the template: it puts our date into the format.
DATE_OPTIONS = {"date_string": TEMPLATE_DATE.strftime("%d %b %Y")}
_CLOCK = "strftime_now"
_CODES = [f"%{flag}{code}" for code in "aAbBcdHIjmMpSwxXyYZz" for flag in ("-", "")]
_FROZEN_CLOCK = (
    f"{{%- macro {_CLOCK}(format) -%}}{{{{ format"
    + "".join(f".replace({code!r}, {TEMPLATE_DATE.strftime(code)!r})" for code in _CODES)
    + " }}{%- endmacro -%}"
)


def stopped(template: str) -> str:
    """The template with its clock stopped."""
    return _FROZEN_CLOCK + template if _CLOCK in template else template
