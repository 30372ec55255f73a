"""Commands over files, folders and servers that attack the terminal, on one and in pipes."""

from __future__ import annotations

import json
import re
import shutil
import threading
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from polyrefuse_data.release import write_release
from polyrefuse_data.release.manifest import read_manifest
from tests.cases import quick
from tests.hostile import TERMINAL
from tests.release.conftest import make_rows, make_workspace
from tests.terminal import check, run

ATTACK = "".join(TERMINAL)
NAME = ATTACK.replace("/", "")[:80]  # of a file or folder: Linux takes any bytes but slashes and NUL

# Commands one after the other in one process; what each one says on standard output stands between two marks.
COMMANDS = """
import json, sys
from polyrefuse_data import cli
cli.stop_on_signals = lambda: None
for command in json.loads(sys.argv[1]):
    sys.argv = ["polyrefuse", *command]
    print("<<<", flush=True)
    try:
        cli.main()
        code = 0
    except SystemExit as end:
        code = end.code or 0
    print(f">>> exit {code}", flush=True)
"""


def commands(*wanted: Sequence[object], tty: bool, **environment: str) -> list[tuple[int, str]]:
    """Exit code and standard output of commands (both streams where `tty`), once all they said is found harmless."""
    arguments = json.dumps([list(map(str, command)) for command in wanted])
    _, out, err = run("-c", COMMANDS, arguments, tty=tty, **environment)
    check(out)
    check(err)
    assert "Traceback" not in err, err
    found = re.findall(r"^<<<\n(.*?)^>>> exit (\d)$", out, re.DOTALL | re.MULTILINE)
    assert len(found) == len(wanted), out + err
    return [(int(code), said) for said, code in found]


class _Attacker(BaseHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        body = json.dumps({"error": {"message": ATTACK, "code": ATTACK, "type": ATTACK}}).encode()
        self.send_response(400, "Bad \x1b[2J\u009b request")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def attacker() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Attacker) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1"
        server.shutdown()


@pytest.fixture(params=[False, True], ids=["pipe", "terminal"])
def tty(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.mark.parametrize("tty", quick([True], [False]), indirect=True)
def test_an_imported_file_and_its_name(tmp_path: Path, tty: bool) -> None:
    names = dict.fromkeys(("category", "source", "license", "translator", "back_translation", "id"), ATTACK)
    records = [{**names, "language": "de", "label": "harmful", "split": "test", "text": "Wer?", "text_en": "Who?"}]
    file = tmp_path / f"{NAME}\udcff.jsonl"
    file.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    broken = tmp_path / f"{NAME}.csv"
    broken.write_text(f"text,language\n{ATTACK},de\n", encoding="utf-8")
    workspace, folder = tmp_path / "ws", tmp_path / NAME
    imported, refused, reported, said, exported, shown, *others = commands(
        ("import", file, "--out", workspace, "--json"),
        ("import", broken, "--out", folder),
        ("report", workspace, "--json"),
        ("import", file, "--out", folder),
        ("review", "export", folder, "--flagged"),
        ("show", workspace, "--json"),
        ("show", folder),
        ("check", folder),
        ("status", folder),
        tty=tty,
    )
    assert [code for code, _ in (imported, refused, reported, said, exported, shown, *others)] == [0, 2, *[0] * 7]
    if not tty:
        assert json.loads(imported[1])["rows"] == 2
        assert len(json.loads(reported[1])["engines"]) == 1
        assert {row["source"] for row in json.loads(shown[1])} == {ATTACK}


@pytest.mark.parametrize("tty", quick([True], [False]), indirect=True)
def test_a_release_and_what_was_put_into_it(tmp_path: Path, tty: bool) -> None:
    rows = make_rows(2)
    rows[1] |= {"id": ATTACK, "flags": [ATTACK], "status": "rejected"}
    old = write_release(make_workspace(tmp_path / "old-ws", rows), version="1.0.0", out=tmp_path / "old")
    rows[1] |= {"flags": [], "status": "accepted"}
    workspace = make_workspace(tmp_path / "ws", rows)
    workspace.config.write_text(f"[release]\nname = {json.dumps(ATTACK[:40])}\n", encoding="utf-8")
    new = write_release(workspace, version="1.1.0", out=tmp_path / "new")
    added = shutil.copytree(new, tmp_path / "added")
    (added / f"{NAME}\nnew: verified").write_text("x")
    broken = shutil.copytree(new, tmp_path / "broken")
    manifest = json.loads((broken / "manifest.json").read_text(encoding="utf-8"))
    (broken / "manifest.json").write_text(json.dumps({**manifest, ATTACK: 1}), encoding="utf-8")
    results = commands(
        ("verify", new),
        ("verify", added),
        ("verify", added, "--json"),
        ("verify", broken, "--json"),
        ("diff", old, new),
        ("diff", old, new, "--markdown"),
        ("diff", old, new, "--json"),
        ("publish", new, "--repo-id", "a/b", "--dry-run"),
        ("publish", new, "--repo-id", ATTACK),
        tty=tty,
    )
    assert [code for code, _ in results] == [0, 1, 1, 1, 0, 0, 0, 0, 2]
    if not tty:
        texts = [said for _, said in results]
        assert texts[1].count("\n") == 1 and "not part of this release" in texts[1]
        assert [json.loads(text)["ok"] for text in texts[2:4]] == [False, False]
        (change,) = [line for line in json.loads(texts[6])["languages"]["en"]["added"] if line["id"] == ATTACK]
        assert change["reason"] == f"was rejected: {ATTACK}"
    assert read_manifest(new).name == ATTACK[:40]


def test_arguments_configs_and_servers(tmp_path: Path, tty: bool, attacker: str) -> None:
    prompts = tmp_path / "prompts.jsonl"
    prompts.write_text(json.dumps({"text": "Name a fruit.", "label": "harmless"}) + "\n", encoding="utf-8")
    (tmp_path / "broken.toml").write_text(f"{json.dumps(ATTACK.encode('ascii', 'replace').decode())} = 1\n")
    backend = {"engine": "openai", "model": "m", "base_url": attacker, "max_retries": 0}
    lines = ['languages = ["de"]', "[[sources]]", 'name = "own"', 'path = "prompts.jsonl"', "[[translation.backends]]"]
    lines += [f"{name} = {json.dumps(value)}" for name, value in backend.items()]
    (tmp_path / "polyrefuse.toml").write_text("\n".join(lines))
    results = commands(
        (ATTACK,),
        ("verify", f"--{ATTACK}"),
        ("verify", ATTACK),
        ("build", "-c", tmp_path / "broken.toml"),
        ("build", "-c", tmp_path / NAME / "polyrefuse.toml"),
        ("build", "-c", tmp_path / "polyrefuse.toml"),
        ("build", "-c", tmp_path / "polyrefuse.toml", "--json"),
        tty=tty,
        OPENAI_API_KEY="plain-key-of-a-test",
    )
    assert [code for code, _ in results[:5]] == [2] * 5
    if not tty and results[6][0] in (0, 4):
        assert json.loads(results[6][1])["prompts"] == 1
