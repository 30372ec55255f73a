"""The double's HTTP side: the endpoints that huggingface_hub and datasets call, over one table of routes."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

import yaml

from .faults import Faults
from .repo import Blob, Repo, Tree
from .xet import Xet

TOKEN = "hf_" + "d" * 34  # a token of the right shape that this double accepts and no Hub does
XET_TOKEN = "xet-" + "d" * 34
SLOW_SECONDS = 0.1
PAGE = 20  # tree entries a page: listings have to follow links

_REPO = r"(?P<repo>[\w.-]+/[\w.-]+)"
_REVISION = r"(?P<revision>[^/]+)"


@dataclass
class Answer:
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


def reply(content: Any, status: int = 200, **headers: str) -> Answer:
    return Answer(status, json.dumps(content).encode(), {"Content-Type": "application/json", **headers})


def error(status: int, message: str, code: str | None = None) -> Answer:
    headers = {"X-Error-Message": message} | ({"X-Error-Code": code} if code else {})
    return reply({"error": message}, status, **headers)


@dataclass
class Request:
    method: str
    path: str
    query: dict[str, list[str]]
    headers: Any
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def is_authorised(self) -> bool:
        return self.headers.get("authorization") == f"Bearer {TOKEN}"

    @property
    def is_from_xet(self) -> bool:
        return self.headers.get("authorization") == f"Bearer {XET_TOKEN}"


class HubDouble:
    """A Hub on the loopback, in a thread of this process; `with` starts and stops it."""

    def __init__(self) -> None:
        self.repos: dict[str, Repo] = {}  # of datasets
        self.models: dict[str, Repo] = {}
        self.lfs: dict[str, bytes] = {}
        self.xet: Xet | None = Xet()  # None: a Hub without Xet storage
        self.faults = Faults()
        self.retry_after = "7"  # what a 429 says
        self.stalled = threading.Event()  # an answer stands still half-way
        self.stopped = threading.Event()
        self._lock = threading.Lock()
        self._server: ThreadingHTTPServer | None = None

    def __enter__(self) -> HubDouble:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._server
        self.stopped.set()
        self._server.shutdown()
        self._server.server_close()

    def environment(self, home: Path, token: str | None = TOKEN) -> dict[str, str]:
        """Environment of a subprocess that talks to this Hub only, with its caches under `home`."""
        own = {"HF_ENDPOINT": self.endpoint, "HF_HOME": str(home), "HF_HUB_DISABLE_XET": "1", "HF_HUB_OFFLINE": "0"}
        own |= {"HF_HUB_DISABLE_TELEMETRY": "1"} | ({"HF_TOKEN": token} if token else {})
        return {name: value for name, value in os.environ.items() if name != "HF_TOKEN"} | own

    # --- requests --------------------------------------------------------------------------------------------------

    def answer(self, request: Request) -> Answer:
        for method, pattern, handle in _ROUTES:
            match = pattern.fullmatch(request.path)
            if method == request.method and match:
                with self._lock:
                    return handle(
                        self, request, **{name: unquote(value) for name, value in match.groupdict("").items()}
                    )
        return error(404, f"the double does not know {request.method} {request.path}")

    def _open(self, request: Request, repo: str, *, write: bool = False) -> Repo | Answer:
        """The repository, or the Hub's answer where it is missing or the caller may not."""
        is_model = request.path.startswith(("/api/models/", f"/{repo}/"))
        found = (self.models if is_model else self.repos).get(repo)
        if found is None or (found.private and not request.is_authorised):
            return error(401 if not request.is_authorised else 404, "Repository not found", "RepoNotFound")
        if write and not request.is_authorised:
            return error(401, "Invalid credentials in Authorization header")
        return found

    def _tree(self, request: Request, repo: str, revision: str) -> tuple[str, Tree] | Answer:
        found = self._open(request, repo)
        if isinstance(found, Answer):
            return found
        oid = found.resolve(revision)
        return (
            error(404, f"Invalid rev id: {revision}", "RevisionNotFound") if oid is None else (oid, found.commits[oid])
        )

    def create(self, request: Request) -> Answer:
        if not request.is_authorised:
            return error(401, "Invalid credentials in Authorization header")
        wish = request.json
        name = f"{wish['organization']}/{wish['name']}"
        if name in self.repos:
            return reply(
                {"error": "You already created this dataset repo", "url": f"{self.endpoint}/datasets/{name}"}, 409
            )
        self.repos[name] = Repo(private=wish.get("visibility", "public") == "private")
        return reply({"url": f"{self.endpoint}/datasets/{name}", "name": name})

    def settings(self, request: Request, repo: str) -> Answer:
        found = self._open(request, repo, write=True)
        if isinstance(found, Answer):
            return found
        found.gated = request.json.get("gated", found.gated)
        if "visibility" in request.json:
            found.private = request.json["visibility"] == "private"
        return reply({"gated": found.gated, "private": found.private})

    def info(self, request: Request, repo: str, revision: str = "") -> Answer:
        found = self._tree(request, repo, revision or "main")
        if isinstance(found, Answer):
            return found
        oid, tree = found
        opened = self._open(request, repo)
        assert isinstance(opened, Repo)
        access = {"private": opened.private, "gated": opened.gated, "disabled": False}
        siblings = [_sibling(path, tree[path], "blobs" in request.query) for path in sorted(tree)]
        return reply({"id": repo, "sha": oid, **access, "tags": [], "downloads": 0, "likes": 0, "siblings": siblings})

    def refs(self, request: Request, repo: str) -> Answer:
        found = self._open(request, repo)
        if isinstance(found, Answer):
            return found
        branches = [
            {"name": name, "ref": f"refs/heads/{name}", "targetCommit": oid} for name, oid in found.branches.items()
        ]
        tags = [{"name": name, "ref": f"refs/tags/{name}", "targetCommit": oid} for name, oid in found.tags.items()]
        return reply({"branches": branches, "tags": tags, "converts": []})

    def validate_yaml(self, request: Request) -> Answer:
        parts = request.json["content"].split("---\n")
        try:
            card = yaml.safe_load(parts[1]) if len(parts) > 2 else None
        except yaml.YAMLError as problem:
            return reply({"errors": [{"message": str(problem)}], "warnings": []}, 400)
        problems = [] if isinstance(card, dict) else [{"message": "empty or missing yaml metadata in repo card"}]
        return reply({"errors": [], "warnings": problems})

    def preupload(self, request: Request, repo: str, revision: str) -> Answer:
        found = self._tree(request, repo, revision)
        if isinstance(found, Answer):
            return found
        files = []
        for file in request.json["files"]:
            there = found[1].get(file["path"])
            mode = "lfs" if file["path"].endswith(".parquet") else "regular"
            known = {"oid": there.etag} if there else {}
            files.append({"path": file["path"], "uploadMode": mode, "shouldIgnore": False, **known})
        return reply({"files": files})

    def lfs_batch(self, request: Request, repo: str) -> Answer:
        found = self._open(request, repo, write=True)
        if isinstance(found, Answer):
            return found
        objects = []
        for wanted in request.json["objects"]:
            record = {"oid": wanted["oid"], "size": wanted["size"]}
            if wanted["oid"] not in self.lfs:
                upload = {"href": f"{self.endpoint}/lfs/{wanted['oid']}"}
                record["actions"] = {"upload": upload, "verify": {"href": f"{self.endpoint}/lfs-verify"}}
            objects.append(record)
        return reply({"transfer": "basic", "objects": objects}, **{"Content-Type": "application/vnd.git-lfs+json"})

    def lfs_put(self, request: Request, oid: str) -> Answer:
        if Blob(request.body, True).sha256 != oid:
            return error(400, "the content has another sha256")
        self.lfs[oid] = request.body
        return Answer()

    def lfs_verify(self, request: Request) -> Answer:
        known = self.lfs.get(request.json["oid"])
        return reply({}) if known is not None and len(known) == request.json["size"] else error(404, "no such object")

    def xet_token(self, request: Request, repo: str, revision: str) -> Answer:
        found = self._open(request, repo, write=True)
        if isinstance(found, Answer) or self.xet is None:
            return found if isinstance(found, Answer) else error(404, "Not found")
        return reply({"casUrl": self.endpoint, "accessToken": XET_TOKEN, "exp": 2**32})

    def xorb(self, request: Request, name: str) -> Answer:
        if not request.is_from_xet or self.xet is None:
            return error(401, "no token of Xet")
        self.xet.add_xorb(name, request.body)
        return reply({"was_inserted": True})

    def shard(self, request: Request) -> Answer:
        """Puts the files of a shard where LFS has its own: a commit names both by their sha256."""
        if not request.is_from_xet or self.xet is None:
            return error(401, "no token of Xet")
        try:
            self.lfs |= dict(self.xet.files(request.body))
        except (KeyError, ValueError) as problem:
            return error(400, f"shard: {problem}")
        return reply({"result": 1})

    def commit(self, request: Request, repo: str, revision: str) -> Answer:
        found = self._open(request, repo, write=True)
        if isinstance(found, Answer):
            return found
        lines = [json.loads(line) for line in request.body.splitlines()]
        header = lines[0]["value"]
        head = found.branches.get(revision)
        if head is None:
            return error(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        if header.get("parentCommit") not in (None, head):
            return error(412, "A commit has happened since. Please refresh and try again.")
        tree = dict(found.commits[head])
        for line in lines[1:]:
            problem = self._apply(tree, line["key"], line["value"])
            if problem:
                return problem
        oid = found.commit(revision, tree, header["summary"])
        return reply({"success": True, "commitOid": oid, "commitUrl": f"{self.endpoint}/datasets/{repo}/commit/{oid}"})

    def _apply(self, tree: Tree, key: str, value: dict[str, Any]) -> Answer | None:
        path = value["path"]
        if key == "file":
            tree[path] = Blob(base64.b64decode(value["content"]), False)
        elif key == "lfsFile":
            if value["oid"] not in self.lfs:
                return error(400, f"LFS object {value['oid']} was not uploaded")
            tree[path] = Blob(self.lfs[value["oid"]], True)
        elif key == "deletedFile":
            if path not in tree:
                return error(404, "A file with this name doesn't exist", "EntryNotFound")
            del tree[path]
        else:
            return error(400, f"the double does not know the operation {key}")
        return None

    def tag(self, request: Request, repo: str, revision: str) -> Answer:
        found = self._open(request, repo, write=True)
        if isinstance(found, Answer):
            return found
        oid, name = found.resolve(revision), request.json["tag"]
        if oid is None:
            return error(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        if name in found.tags:
            return error(409, f"Tag reference exists already: {name}")
        found.tags[name] = oid
        return Answer(201)

    def tree(self, request: Request, repo: str, revision: str, path: str = "") -> Answer:
        found = self._tree(request, repo, revision)
        if isinstance(found, Answer):
            return found
        entries = _listing(
            found[1], path.strip("/"), request.query.get("recursive", ["false"])[0].lower() in ("true", "1")
        )
        if not entries and path.strip("/"):
            return error(404, f"{path} does not exist", "EntryNotFound")
        start = int(request.query.get("cursor", ["0"])[0])
        headers = {}
        if start + PAGE < len(entries):
            options = "&".join(f"{key}={quote(values[0])}" for key, values in request.query.items() if key != "cursor")
            headers["Link"] = f'<{self.endpoint}{quote(request.path)}?{options}&cursor={start + PAGE}>; rel="next"'
        return reply(entries[start : start + PAGE], **headers)

    def paths_info(self, request: Request, repo: str, revision: str) -> Answer:
        found = self._tree(request, repo, revision)
        if isinstance(found, Answer):
            return found
        form = request.json if request.body.startswith(b"{") else parse_qs(request.body.decode())
        everything = {entry["path"]: entry for entry in _listing(found[1], "", True)}
        return reply([everything[path.strip("/")] for path in form["paths"] if path.strip("/") in everything])

    def resolve(self, request: Request, repo: str, revision: str, path: str) -> Answer:
        found = self._tree(request, repo, revision)
        if isinstance(found, Answer):
            return found
        oid, tree = found
        blob = tree.get(path)
        if blob is None:
            return error(404, "Entry not found", "EntryNotFound")
        headers = {"X-Repo-Commit": oid, "ETag": f'"{blob.etag}"', "Accept-Ranges": "bytes"}
        if blob.is_lfs:
            headers |= {"X-Linked-Etag": f'"{blob.sha256}"', "X-Linked-Size": str(len(blob.content))}
        return _ranged(blob.content, request.headers.get("range"), headers)

    def whoami(self, request: Request) -> Answer:
        return reply({"name": "tester", "orgs": []}) if request.is_authorised else error(401, "Invalid credentials")


def _sibling(path: str, blob: Blob, with_blobs: bool) -> dict:
    entry = blob.entry(path)
    named = {"rfilename": path}
    if not with_blobs:
        return named
    lfs = {"lfs": {"sha256": blob.sha256, **entry["lfs"]}} if blob.is_lfs else {}
    return {**named, "size": entry["size"], "blobId": entry["oid"], **lfs}


def _listing(tree: Tree, under: str, recursive: bool) -> list[dict]:
    prefix = f"{under}/" if under else ""
    inside = {path[len(prefix) :]: path for path in sorted(tree) if path.startswith(prefix)}
    folders = {
        f"{prefix}{'/'.join(name.split('/')[:depth])}" for name in inside for depth in range(1, name.count("/") + 1)
    }
    entries = [tree[path].entry(path) for path in inside.values()]
    entries += [{"type": "directory", "path": folder, "size": 0, "oid": "0" * 40} for folder in folders]
    if not recursive:
        entries = [entry for entry in entries if "/" not in entry["path"][len(prefix) :]]
    return sorted(entries, key=lambda entry: entry["path"])


def _ranged(content: bytes, wanted: str | None, headers: dict[str, str]) -> Answer:
    match = re.fullmatch(r"bytes=(\d+)-(\d*)", wanted or "")
    if not match:
        return Answer(200, content, headers)
    start, end = int(match[1]), min(int(match[2] or len(content)), len(content) - 1)
    if start >= len(content):
        return Answer(416, b"", {"Content-Range": f"bytes */{len(content)}"})
    return Answer(206, content[start : end + 1], headers | {"Content-Range": f"bytes {start}-{end}/{len(content)}"})


_Handler = Callable[..., Answer]
_ROUTES: list[tuple[str, re.Pattern[str], _Handler]] = [
    (method, re.compile(pattern), handle)
    for method, pattern, handle in (
        ("POST", "/api/repos/create", HubDouble.create),
        ("PUT", f"/api/datasets/{_REPO}/settings", HubDouble.settings),
        ("GET", f"/api/datasets/{_REPO}", HubDouble.info),
        ("GET", f"/api/datasets/{_REPO}/revision/{_REVISION}", HubDouble.info),
        ("GET", f"/api/datasets/{_REPO}/refs", HubDouble.refs),
        ("POST", "/api/validate-yaml", HubDouble.validate_yaml),
        ("POST", f"/api/datasets/{_REPO}/preupload/{_REVISION}", HubDouble.preupload),
        ("POST", rf"/datasets/{_REPO}\.git/info/lfs/objects/batch", HubDouble.lfs_batch),
        ("PUT", "/lfs/(?P<oid>[0-9a-f]{64})", HubDouble.lfs_put),
        ("POST", "/lfs-verify", HubDouble.lfs_verify),
        ("GET", f"/api/datasets/{_REPO}/xet-write-token/{_REVISION}", HubDouble.xet_token),
        ("POST", "/v1/xorbs/default/(?P<name>[0-9a-f]{64})", HubDouble.xorb),
        ("POST", "/v1/shards", HubDouble.shard),
        ("POST", f"/api/datasets/{_REPO}/commit/{_REVISION}", HubDouble.commit),
        ("POST", f"/api/datasets/{_REPO}/tag/{_REVISION}", HubDouble.tag),
        ("GET", f"/api/datasets/{_REPO}/tree/{_REVISION}(?P<path>/.*)?", HubDouble.tree),
        ("POST", f"/api/datasets/{_REPO}/paths-info/{_REVISION}", HubDouble.paths_info),
        ("GET", f"/datasets/{_REPO}/resolve/{_REVISION}/(?P<path>.+)", HubDouble.resolve),
        ("GET", f"/api/models/{_REPO}", HubDouble.info),
        ("GET", f"/api/models/{_REPO}/revision/{_REVISION}", HubDouble.info),
        ("GET", f"/{_REPO}/resolve/{_REVISION}/(?P<path>.+)", HubDouble.resolve),
        ("GET", "/api/whoami-v2", HubDouble.whoami),
    )
]


def _handler(hub: HubDouble) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1  # headers and body leave together: no delayed acknowledgement between them

        def log_message(self, *_: object) -> None:
            pass

        def handle(self) -> None:
            with contextlib.suppress(ConnectionError):  # clients that hang up are part of the tests
                super().handle()

        def serve(self) -> None:
            request = self._request()
            fault = hub.faults.next(f"{self.command} {request.path}")
            if fault == "cut_before":
                return self._cut()
            if fault == "slow":
                threading.Event().wait(SLOW_SECONDS)  # tests stub time.sleep
            if fault == "page":
                return self._send(Answer(200, b"<html>Please log in.</html>", {"Content-Type": "text/html"}))
            if fault == "object":
                return self._send(reply({}))
            if fault == "echo":
                return self._send(error(403, f"{request.headers['authorization']} may not do that"))
            if fault == "redirect":
                token = str(request.headers["authorization"]).removeprefix("Bearer ")
                return self._send(Answer(302, b"", {"Location": f"{hub.endpoint}/elsewhere?token={token}"}))
            if fault and fault.isdigit():
                refused = error(int(fault), f"fault {fault} of the double")
                refused.headers |= {"Retry-After": hub.retry_after} if fault == "429" else {}
                return self._send(refused)
            answer = hub.answer(request)
            if fault == "corrupt":
                middle = len(answer.body) // 2
                answer.body = answer.body[:middle] + bytes([answer.body[middle] ^ 1]) + answer.body[middle + 1 :]
            if fault in ("cut_half", "stall"):
                self._send(answer, len(answer.body) // 2)
                self.wfile.flush()
                if fault == "stall":
                    hub.stalled.set()
                    hub.stopped.wait(60)
            return self._cut() if fault in ("cut_after", "cut_half", "stall") else self._send(answer)

        do_GET = do_HEAD = do_POST = do_PUT = serve  # the names that http.server looks for

        def _request(self) -> Request:
            url = urlsplit(self.path)
            method = "GET" if self.command == "HEAD" else self.command
            return Request(method, url.path, parse_qs(url.query), self.headers, self._body())

        def _body(self) -> bytes:
            if self.headers.get("transfer-encoding", "").lower() != "chunked":
                return self.rfile.read(int(self.headers.get("content-length", 0)))
            chunks = []
            while size := int(self.rfile.readline(), 16):
                chunks.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(chunks)

        def _send(self, answer: Answer, part: int | None = None) -> None:
            self.send_response(answer.status)
            for name, value in (answer.headers | {"Content-Length": str(len(answer.body))}).items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer.body[:part])

        def _cut(self) -> None:
            self.close_connection = True
            with contextlib.suppress(OSError):  # the client was faster
                self.connection.shutdown(socket.SHUT_RDWR)

    return Handler
