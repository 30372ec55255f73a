"""A real OpenAI-compatible server on the loopback interface, with faults on order."""

from __future__ import annotations

import email.parser
import email.policy
import json
import re
import threading
import time
import urllib.parse
from collections import defaultdict
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

API_KEY = "sk-test-0123456789abcdef"

Translate = Callable[[str, str], str]


def pseudo_translation(text: str, target: str) -> str:
    """Not a translation, but one that says where it came from."""
    return f"<{target}> {text}".replace("<", "«").replace(">", "»")


class ApiServer:
    """Answers chat completions with `translate`; `faults[text]` are played first, one a request, then it behaves."""

    def __init__(self, translate: Translate = pseudo_translation) -> None:
        self.translate = translate
        self.faults: dict[str, list[Any]] = defaultdict(list)
        self.default_fault: Any = None
        self.asked: list[str] = []  # the source text of every chat request, in the order of arrival
        self.bodies: list[dict[str, Any]] = []
        self.times: list[float] = []
        self.in_flight = self.most_in_flight = 0
        self.delay = 0.0
        self.files: dict[str, bytes] = {}
        self.batches: dict[str, dict[str, Any]] = {}
        self.batch_status = "completed"  # what submitted batches become
        self.batch_done: int | None = None  # how many of its lines are done; None: all
        self.batch_errors: list[dict[str, Any]] = []  # why a batch failed
        self.garble: Callable[[bytes], bytes] = lambda lines: lines  # what becomes of the lines of an output
        self.models: list[str] | None = ["test-model"]  # that it lists; None: it has no such list
        self.gives_back_inputs = True
        self.largest_page = 100
        # By the beginning of "METHOD /path": errors sent in place of what was asked for; HANG, CUT and NOT_JSON lose
        # the answer to what was carried out.
        self.call_faults: dict[str, list[Any]] = defaultdict(list)
        self.calls: list[tuple[str, float]] = []  # "METHOD /path" and when, of every request
        self.lock = threading.Lock()
        self._released = threading.Event()
        server = self

        class Handler(_Handler):
            api = server

        class Http(ThreadingHTTPServer):
            request_queue_size = 128

            def handle_error(self, *_: Any) -> None:
                """Clients that go away in the middle are what some tests are about."""

        self._http = Http(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}/v1"

    def __enter__(self) -> ApiServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._released.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def hang(self) -> None:
        self._released.wait(30)

    @property
    def paid(self) -> list[str]:
        """The texts of all batches, as often as they were submitted, in the order of submission."""
        lines = [
            json.loads(line)
            for batch in self.batches.values()
            for line in self.files[batch["input_file_id"]].decode().splitlines()
        ]
        return [json.loads(line["body"]["messages"][-1]["content"])["text"] for line in lines]

    def call_fault(self, call: str) -> Any:
        """What is to go wrong with this request."""
        with self.lock:
            self.calls.append((call, time.monotonic()))
            waiting = [faults for begin, faults in self.call_faults.items() if call.startswith(begin) and faults]
            return waiting[0].pop(0) if waiting else None

    def completion(self, body: dict[str, Any]) -> tuple[int, dict[str, Any], dict[str, str]]:
        """Status, JSON and headers for a chat request, faults included."""
        material = json.loads(body["messages"][-1]["content"])
        text, target = material["text"], material["target_language"]
        with self.lock:
            self.asked.append(text)
            self.bodies.append(body)
            self.times.append(time.monotonic())
            fault = self.faults[text].pop(0) if self.faults[text] else self.default_fault
        code = re.search(r"\((.*)\)", target)
        translation = self.translate(text, code[1] if code else target)
        if fault is None:
            return 200, chat_completion(json.dumps({"translation": translation}, ensure_ascii=False), text), {}
        return fault(text) if callable(fault) else fault


def chat_completion(
    content: str | None, text: str = "", *, refusal: str | None = None, finish_reason: str = "stop"
) -> dict[str, Any]:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 0,
        "model": "test-model",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": content, "refusal": refusal},
                "finish_reason": finish_reason,
            }
        ],
        "usage": {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110},
    }


def answer(content: str | None, **options: Any) -> tuple[int, dict[str, Any], dict[str, str]]:
    """A fault that is a well-formed completion with unwelcome content."""
    return 200, chat_completion(content, **options), {}


def error(status: int, message: str, code: str | None = None, **headers: str) -> tuple[int, Any, dict[str, str]]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return status, {"error": {"message": message, "type": "error", "code": code}}, named


HANG, CUT, NOT_JSON = "hang", "cut", "not json"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or an answer waits 40 ms for the acknowledgement of its headers
    api: ApiServer
    lost: str | None  # how the answer is lost, if it is

    def log_message(self, *_: Any) -> None:
        pass

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        if not self._authorized() or self._refused():
            return
        if self.path in ("/v1/chat/completions", "/v1/completions"):
            self._chat(json.loads(raw))
        elif self.path == "/v1/files":
            self._upload(raw)
        elif self.path == "/v1/batches":
            self._submit(json.loads(raw))

    def do_GET(self) -> None:
        if not self._authorized() or self._refused():
            return
        path, _, query = self.path.partition("?")
        if path == "/v1/models" and self.api.models is None:
            self._send(*error(404, "Not Found"))
        elif path == "/v1/models":
            self._send(200, {"object": "list", "data": [{"id": name} for name in self.api.models or []]})
        elif path == "/v1/batches":
            self._list(dict(urllib.parse.parse_qsl(query)))
        elif path.startswith("/v1/batches/"):
            self._send(200, self._advance(path.rpartition("/")[2]))
        else:
            self._send_file(path.split("/")[3])

    def _refused(self) -> bool:
        """Play what is to go wrong; whether that is the answer already."""
        fault = self.api.call_fault(f"{self.command} {self.path}")
        self.lost = fault if isinstance(fault, str) else None
        if isinstance(fault, tuple):
            self._send(*fault)
        return isinstance(fault, tuple)

    def _list(self, asked: dict[str, str]) -> None:
        """The newest first, a page at a time."""
        batches = list(reversed(self.api.batches.values()))
        names = [batch["id"] for batch in batches]
        start = names.index(asked["after"]) + 1 if "after" in asked else 0
        end = start + min(int(asked["limit"]), self.api.largest_page)
        self._send(200, {"object": "list", "data": batches[start:end], "has_more": end < len(batches)})

    def _send_file(self, name: str) -> None:
        if name not in self.api.files:
            self._send(*error(404, f"No such File object: {name}"))
        elif name.startswith("file-") and not self.api.gives_back_inputs:
            self._send(*error(400, "Not allowed to download files of purpose: batch"))
        else:
            self._send(200, self.api.files[name])

    def _authorized(self) -> bool:
        self.lost = None
        if self.headers["Authorization"] == f"Bearer {API_KEY}":
            return True
        # Servers like to repeat the key.
        status, body, _ = error(401, f"Incorrect API key provided: {self.headers['Authorization']}", "invalid_api_key")
        self._send(status, body)
        return False

    def _chat(self, body: dict[str, Any]) -> None:
        with self.api.lock:
            self.api.in_flight += 1
            self.api.most_in_flight = max(self.api.most_in_flight, self.api.in_flight)
        try:
            time.sleep(self.api.delay)
            if body["model"] not in (self.api.models or ["test-model"]):
                self._send(*error(404, f"The model {body['model']} does not exist", "model_not_found"))
                return
            outcome = self.api.completion(body)
        finally:
            with self.api.lock:
                self.api.in_flight -= 1
        if isinstance(outcome, str):
            self.lost = outcome
            self._send(200, b"")
        else:
            self._send(*outcome)

    def _upload(self, raw: bytes) -> None:
        head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
        form = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + raw)
        content = next(part.get_payload(decode=True) for part in form.iter_parts() if part.get_filename())
        name = f"file-{len(self.api.files)}"
        self.api.files[name] = content
        self._send(200, _file(name, len(content)))

    def _submit(self, body: dict[str, Any]) -> None:
        name = f"batch-{len(self.api.batches)}"
        batch = {
            "id": name,
            "object": "batch",
            "endpoint": body["endpoint"],
            "input_file_id": body["input_file_id"],
            "completion_window": body["completion_window"],
            "status": "in_progress",
            "created_at": 0,
            "metadata": body["metadata"],
        }
        self.api.batches[name] = batch
        self._send(200, batch)

    def _advance(self, name: str) -> dict[str, Any]:
        """Each look at a batch brings it to its end, unless it is held in progress."""
        batch = self.api.batches[name]
        if self.api.batch_status == "in_progress" or batch["status"] != "in_progress":
            return batch
        done = self.api.files[batch["input_file_id"]].decode().splitlines()[: self.api.batch_done]
        good, bad = [], []
        for line in map(json.loads, [] if self.api.batch_status == "failed" else done):
            status, reply, _ = self.api.completion(line["body"])
            record = {"custom_id": line["custom_id"], "response": {"status_code": status, "body": reply}, "error": None}
            (good if status == 200 else bad).append(json.dumps(record))
        for key, records in (("output_file_id", good), ("error_file_id", bad)):
            if records:
                batch[key] = f"{key}-{name}"
                lines = ("\n".join(reversed(records)) + "\n").encode()  # in no certain order
                self.api.files[batch[key]] = self.api.garble(lines)
        batch["status"] = self.api.batch_status
        batch["errors"] = {"object": "list", "data": self.api.batch_errors} if self.api.batch_errors else None
        return batch

    def _send(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        if self.lost == HANG:
            self.api.hang()
            self.close_connection = True
        elif self.lost == CUT:
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b'{"choices": [')
            self.close_connection = True
        else:
            self._write(status, b'{"choices": [{"mess' if self.lost == NOT_JSON else body, headers or {})

    def _write(self, status: int, body: Any, headers: dict[str, str]) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)


def _file(name: str, size: int) -> dict[str, Any]:
    return {
        "id": name,
        "object": "file",
        "bytes": size,
        "created_at": 0,
        "filename": "f",
        "purpose": "batch",
        "status": "processed",
    }
