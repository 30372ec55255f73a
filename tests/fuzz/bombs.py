"""Inputs that are made to cost time or memory: each must end soon, and within a gigabyte.

`python -m tests.fuzz.bombs BYTES` reads them all, of about so many bytes each, in one process whose memory is limited,
and prints name, seconds and outcome as JSON.
"""

from __future__ import annotations

import json
import logging
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.fuzz.targets import TMX, Target, all_targets, intact_release, reviewed

_SIZE = int(sys.argv[1])
_MEMORY = 2**30


def repeat(part: str, size: int = _SIZE) -> str:
    return part * (size // len(part))


def tmx_with(declarations: str, text: str = "&a;") -> str:
    return TMX.replace('SYSTEM "tmx14.dtd"', f"[{declarations}]").replace("Diga uma fruta.", text)


def bombs() -> dict[str, tuple[str, Callable[[], str]]]:
    """name -> (target, what makes the input)."""
    tens = "".join(
        f'<!ENTITY {after} "{f"&{name};" * 10}">' for name, after in zip("abcdefghi", "bcdefghij", strict=True)
    )
    return {
        "billion laughs": ("import-tmx", lambda: tmx_with(f'<!ENTITY a "ha">{tens}', "&j;")),
        "one long entity, many times": (
            "import-tmx",
            lambda: tmx_with(f'<!ENTITY a "{repeat("x", _SIZE // 2)}">', repeat("&a;", _SIZE // 2)),
        ),
        "an entity that is a file": ("import-tmx", lambda: tmx_with('<!ENTITY a SYSTEM "file:///etc/passwd">')),
        "an entity on the network": ("import-tmx", lambda: tmx_with('<!ENTITY a SYSTEM "http://127.0.0.1:1/a">')),
        "parameter entities": ("import-tmx", lambda: tmx_with('<!ENTITY % a SYSTEM "file:///dev/zero"> %a;', "x")),
        "a default attribute, many times": (
            "memory-tmx",
            lambda: tmx_with(f'<!ATTLIST a b CDATA "{repeat("x", _SIZE // 2)}">', repeat("<a/>", _SIZE // 2)),
        ),
        "deep XML": ("import-tmx", lambda: TMX.replace("Diga uma fruta.", repeat("<a>"))),
        "many regional codes": (
            "import-tmx",
            lambda: TMX.replace("</tu>", "</tu>" + repeat('<tu><tuv lang="pt-BR"><seg>b</seg></tuv></tu>'), 1),
        ),
        "many attributes": ("memory-tmx", lambda: "<tmx" + "".join(f" a{n}='1'" for n in range(_SIZE // 11)) + "/>"),
        "dotted keys": ("config", lambda: repeat("a.") + "a = 1"),
        "quoted dotted keys": ("config", lambda: repeat('"a" . ') + "a = 1"),
        "dotted headers": ("config", lambda: f"[{repeat('a.')}a]"),
        "nested arrays of TOML": ("config", lambda: "a = " + repeat("[")),
        "nested tables of TOML": ("config", lambda: "a = " + repeat("{a=")),
        "many sources": ("config", lambda: repeat('[[sources]]\nname = "x"\n')),
        "many wrong keys": ("config", lambda: "".join(f"k{n} = 1\n" for n in range(_SIZE // 11))),
        "dotted keys in a variable": ("environment", lambda: f"RELEASE__NAME={{{repeat('a.')}a = 1}}"),
        "nested JSON": ("import-json", lambda: repeat("[")),
        "nested records": ("import-jsonl", lambda: repeat('{"a":')),
        "a number of a million digits": ("import-jsonl", lambda: '{"text": ' + repeat("1") + "}"),
        "many keys": ("import-jsonl", lambda: "{" + ",".join(f'"{n}":1' for n in range(_SIZE // 12)) + "}"),
        "many empty records": ("import-jsonl", lambda: repeat("{}\n")),
        "nested upstream": ("import-upstream", lambda: repeat('[{"a":')),
        "many columns": ("import-csv", lambda: repeat("a,") + "\n1\n"),
        "many empty lines": ("import-csv", lambda: "text,language\n" + repeat("\n")),
        "a cell of quotes": ("import-csv", lambda: 'text,language\n"' + repeat('""') + '",de\n'),
        "an open quote": ("import-csv", lambda: 'text,language\n"' + repeat("a\n")),
        "many columns of a memory": ("memory-tsv", lambda: repeat("de\t")),
        "a memory of nested JSON": ("memory-jsonl", lambda: repeat("[")),
        "a header that is hard to sniff": ("review", lambda: repeat(',"')),
        "a header of quotes": ("review", lambda: repeat('"')),
        "many columns of a review": ("review", lambda: repeat("id,")),
        "a huge cell": ("review", lambda: reviewed()[2].decode("utf-8-sig").replace(",,,", f",,{repeat('x')},,", 1)),
        "one row, many times": (
            "review",
            lambda: (lines := reviewed()[2].decode("utf-8-sig").split("\r\n"))[0] + "\n" + repeat(lines[1] + "\n"),
        ),
        "nested manifest": ("manifest", lambda: repeat('{"files":')),
        "many files in a manifest": (
            "manifest",
            lambda: json.dumps(
                json.loads((intact_release() / "manifest.json").read_bytes())
                | {"files": {f"data/{n}": {"sha256": "0" * 64, "bytes": 1, "rows": 1} for n in range(_SIZE // 125)}}
            ),
        ),
        "a changelog without end": ("texts", lambda: repeat("## 1.0.0\n")),
        "a summary of nested JSON": ("texts", lambda: repeat("[")),
        "a nested answer": ("answers", lambda: repeat("[")),
        "an answer of labels": ("answers", lambda: repeat("response refusal: \n")),
        "an answer of spaces": ("answers", lambda: "safety" + repeat(" ")),
    }


def main() -> None:
    logging.disable()
    targets: dict[str, Target] = all_targets()
    for target in targets.values():
        target.run(target.seeds[0])  # what is imported and cached on the way is not the bomb's
    in_use = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (in_use + _MEMORY, resource.RLIM_INFINITY))
    results = {}
    for name, (target, make) in bombs().items():
        data = make().encode()
        started = time.monotonic()
        try:
            targets[target].run(data)
            outcome = "ends"
        except Exception as error:  # noqa: BLE001 - told to the test
            outcome = f"{type(error).__name__}: {str(error)[:200]}"
        results[name] = (round(time.monotonic() - started, 2), outcome)
    json.dump(results, sys.stdout)


if __name__ == "__main__":
    main()
