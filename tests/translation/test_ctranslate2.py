"""What is CTranslate2's own: the conversion, what it loads, and its threads."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from polyrefuse_data.errors import ModelError
from polyrefuse_data.translation import Translation, translate_requests
from tests.translation.tiny import REQUESTS, translator


def test_conversion_is_kept_and_leaves_nothing_half_made(
    tiny_nllb: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ctranslate2.converters import TransformersConverter

    fast = translator(tiny_nllb, runtime="ctranslate2", dtype="int8")
    with monkeypatch.context() as broken:
        broken.setattr(TransformersConverter, "convert", lambda *_, **__: (_ for _ in ()).throw(OSError("disk full")))
        with pytest.raises(ModelError, match=r"cannot be converted .*disk full.*runtime = \"transformers\""):
            translate_requests(fast, REQUESTS)
    converted = cache / "polyrefuse-data" / "ctranslate2"
    assert [path.name for path in converted.iterdir()] == [".lock"]
    translate_requests(fast, REQUESTS)
    monkeypatch.setattr(TransformersConverter, "convert", None)  # a second one would fail
    translate_requests(translator(tiny_nllb, runtime="ctranslate2", dtype="int8"), REQUESTS)


def test_damaged_conversion_is_named(tiny_nllb: Path, cache: Path) -> None:
    translate_requests(translator(tiny_nllb, runtime="ctranslate2"), REQUESTS[:1])
    (weights,) = cache.rglob("model.bin")
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(ModelError, match="cannot translate on this machine"):
        translate_requests(translator(tiny_nllb, runtime="ctranslate2"), REQUESTS[:1])


def test_the_fast_runtime_loads_neither_torch_nor_transformers(tiny_nllb: Path, cache: Path) -> None:
    """They would take a fifth of a gigabyte."""
    translate_requests(translator(tiny_nllb, runtime="ctranslate2"), REQUESTS[:1])  # converts, with both
    program = (
        "import sys; from polyrefuse_data.config import NllbBackend; from polyrefuse_data.languages import language; "
        "from polyrefuse_data.translation import Pair, Request, translate_requests; "
        "from polyrefuse_data.translation.nllb import open_nllb; pair = language('en'), language('de'); "
        f"fast = open_nllb(NllbBackend(model={str(tiny_nllb)!r}, runtime='ctranslate2', dtype='float32')); "
        "fast.prepare([Pair(*pair)]); translate_requests(fast, [Request('List three fruits.', *pair)]); "
        "print({'ctranslate2', 'torch', 'transformers'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "{'ctranslate2'}"


@pytest.mark.slow
def test_builds_that_begin_together_convert_a_model_once(tiny_nllb: Path, cache: Path) -> None:
    program = (
        "from ctranslate2.converters import TransformersConverter as C; convert = C.convert; "
        "C.convert = lambda *a, **b: (print('converts', flush=True), convert(*a, **b)); "
        "from polyrefuse_data.config import NllbBackend; from polyrefuse_data.translation.nllb import open_nllb; "
        f"open_nllb(NllbBackend(model={str(tiny_nllb)!r}, runtime='ctranslate2', dtype='int8')).runtime._model(None)"
    )
    both = [subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert sorted(process.communicate()[0] for process in both) == ["", "converts\n"]
    assert [process.returncode for process in both] == [0, 0]


@pytest.mark.parametrize("chosen", [None, "7"])
def test_how_long_threads_spin_is_set_for_the_fast_runtime_alone(tiny_nllb: Path, chosen: str | None) -> None:
    program = (
        "import os; from polyrefuse_data.translation import ctranslate2; ctranslate2._library(); "
        "print(os.environ.get('GOMP_SPINCOUNT'))"
    )
    environment = {name: value for name, value in os.environ.items() if name != "GOMP_SPINCOUNT"}
    shown = {**environment, "OMP_DISPLAY_ENV": "verbose", **({"GOMP_SPINCOUNT": chosen} if chosen else {})}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=shown)
    assert done.stdout.strip() == str(chosen)  # the environment is left as it was
    assert f"GOMP_SPINCOUNT = '{chosen or 1000}'" in done.stderr  # what libgomp read


def test_token_that_only_pads_the_table_of_a_converted_model_is_left_out(
    tiny_nllb: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The converter makes up words where the model has more rows than its tokenizer has tokens."""
    from transformers import AutoTokenizer

    from polyrefuse_data.translation.vocabulary import FileVocabulary, TransformersVocabulary

    tokenizer = AutoTokenizer.from_pretrained(tiny_nllb)
    for vocabulary in (FileVocabulary(tiny_nllb / "tokenizer.json"), TransformersVocabulary(tokenizer)):
        ids = vocabulary.encode(["bread"])[0]
        assert vocabulary.ids([*vocabulary.tokens(ids), "madeupword0"]) == ids

    padded = translator(tiny_nllb, runtime="ctranslate2")
    bread = padded.checkpoint.vocabulary.tokens(padded.checkpoint.vocabulary.encode(["bread"])[0])
    said = SimpleNamespace(hypotheses=[["deu_Latn", "madeupword0", *bread, "madeupword1", "</s>"]])
    monkeypatch.setattr(padded.runtime, "_loaded", SimpleNamespace(translate_batch=lambda *_, **__: [said]))
    assert translate_requests(padded, REQUESTS[:1]) == [Translation("bread")]
