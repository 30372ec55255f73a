"""Loads what the checks read once a process, so that a fork which is killed over them is killed at work."""

from polyrefuse_data.demo.seeds import seed_texts
from polyrefuse_data.quality import audit, signature
from polyrefuse_data.rows import table_from_rows
from tests.faults.worlds import KEYS, LANGUAGES, texts

audit(
    table_from_rows(
        {"id": key, "language": code, "text": text, "text_en": seed_texts("en").prompts[key]}
        for code in ("en", *LANGUAGES)
        for key, text in zip(KEYS, texts(code), strict=True)
    ),
    workers=1,
)
signature()
