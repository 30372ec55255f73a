"""A chat API on the loopback that answers the toy world, with the troubles of real ones."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from typing import Any

from tests.benchmark.conftest import WORLD
from tests.benchmark.json_handler import JsonHandler


class ChatServer(ThreadingHTTPServer):
    """Refuses the harmful prompts of the toy world and answers the harmless ones. `troubles` are what the next requests
    meet in place of an answer: a status, or `cut` for a connection that ends in the middle. `special` gives whole
    choices for prompts that hold a word."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.troubles: list[int | str] = []
        self.special: dict[str, dict[str, Any]] = {}
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[str | None] = []
        self.takes_temperature = True
        self.closed_after = 10**9  # requests
        self.lock = threading.Lock()

    @property
    def name(self) -> str:
        return f"toy@http://127.0.0.1:{self.server_port}/v1"


def choice(text: str | None, ended: str = "stop", **more: Any) -> dict[str, Any]:
    return {"index": 0, "finish_reason": ended, "message": {"role": "assistant", "content": text, **more}}


def answer_to(prompt: str) -> dict[str, Any]:
    for words in WORLD.values():
        if any(verb in prompt for verb in words.harmful):
            return choice(words.refusal)
        if any(verb in prompt for verb in words.harmless):
            return choice(words.answer)
    return choice("Hello!")


class Handler(JsonHandler):
    server: ChatServer

    def do_POST(self) -> None:
        body = self.read_json()
        with self.server.lock:
            self.server.bodies.append(body)
            self.server.headers.append(self.headers["authorization"])
            trouble = self.server.troubles.pop(0) if self.server.troubles else None
            if len(self.server.bodies) > self.server.closed_after:
                trouble = 401
        if not self.server.takes_temperature and "temperature" in body:
            return self.reply(400, {"error": {"message": "temperature is not supported", "param": "temperature"}})
        if trouble == "cut":
            self.send_response(200)
            self.send_header("content-length", "500")
            self.end_headers()
            self.wfile.write(b'{"choices": [{"mess')
            self.wfile.flush()
            self.connection.close()
            return None
        if trouble is not None:
            return self.reply(int(trouble), {"error": {"message": "not now", "type": "trouble"}})
        prompt = body["messages"][-1]["content"]
        special = [given for word, given in self.server.special.items() if word in prompt]
        said = special[0] if special else answer_to(prompt)
        usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
        own = {"id": "chat-1", "object": "chat.completion", "created": 0, "model": body["model"]}
        return self.reply(200, own | {"choices": [said], "usage": usage})

    def do_GET(self) -> None:
        self.reply(200, {"data": [{"id": "toy"}]})


@contextmanager
def serving() -> Iterator[ChatServer]:
    with ChatServer() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()
