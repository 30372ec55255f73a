"""The scores that each check gives some fixed rows, as recorded in score_versions.json.

python -m tests.quality.score_versions    # record them anew, once the version of whatever changed is raised
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pyarrow as pa

from polyrefuse_data.demo.seeds import seed_prompts, seed_texts
from polyrefuse_data.languages import LANGUAGES
from polyrefuse_data.quality.auditing import audit_rows
from polyrefuse_data.quality.score_table import origins
from polyrefuse_data.rows import table_from_rows

RECORD = Path(__file__).with_suffix(".json")


def fixed_rows() -> pa.Table:
    """Seed prompts in every language: as they are, and in ways that make every score say something."""
    rows = []
    prompts = seed_prompts()[::6]
    english = {prompt.key: seed_texts("en").prompts[prompt.key] for prompt in prompts}
    for code in LANGUAGES:
        own = seed_texts(code).prompts
        for number, prompt in enumerate(prompts):
            text, source = own[prompt.key], english[prompt.key]
            other = own[prompts[number - 1].key]
            changed = (
                (text, source, None),
                (other, source, source),
                (f"{text} 3\u200b [NAME] https://example.org", f"{source} 4 [NAME] https://example.com", other),
                (f"{text[: len(text) // 2]} {source}", source, ""),
                (text * 3, source, text),
                (f"I'm sorry, but I can't help with that. {text}", source, source[::-1]),
                (text, "", source),
            )[number % 7]
            row = {"id": f"{prompt.key}-{code}", "language": code, "back_translator": "nllb:x" if number % 2 else ""}
            rows.append(row | dict(zip(("text", "text_en", "back_translation"), changed, strict=True)))
    return table_from_rows(rows)


def digests() -> dict[str, str]:
    """Identity of each check -> a hash of its scores, rounded: the last bits are the machine's."""
    scores = audit_rows(fixed_rows())[1]
    found = {}
    for identity, names in origins(scores).items():
        columns = {name: [_rounded(value) for value in scores[name].to_pylist()] for name in names}
        found[identity] = hashlib.sha256(json.dumps(columns, ensure_ascii=False, sort_keys=True).encode()).hexdigest()[
            :16
        ]
    return found


def _rounded(value: object) -> object:
    return f"{value:.4g}" if isinstance(value, float) else value


if __name__ == "__main__":
    RECORD.write_text(json.dumps(digests(), indent=1) + "\n", encoding="utf-8")
