"""The tiny NLLB of conftest.py as a translator, and what it is asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from polyrefuse_data.config import NllbBackend
from polyrefuse_data.languages import language
from polyrefuse_data.translation import Request
from polyrefuse_data.translation.nllb import NllbTranslator, open_nllb
from tests.translation.conftest import ENGLISH

EN, DE, YO, ZH = map(language, ("en", "de", "yo", "zh"))
REQUESTS = [Request(text, EN, target) for text in ENGLISH for target in (DE, YO, ZH)]


def translator(model: str | Path, **options: Any) -> NllbTranslator:
    settings = {"runtime": "transformers", "dtype": "float32", "device": "cpu", "max_new_tokens": 24, **options}
    return open_nllb(NllbBackend(model=str(model), **settings))
