"""Servers that answer as the documentation and the bug reports of each say: what they refuse, and in which words.

Each takes the body of a chat request and gives (status, JSON): its own error, or None where it takes the request.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Body = dict[str, Any]
Error = tuple[int, Any]
KEY = "server-key-0123456789"


def openai_error(message: str, kind: str = "invalid_request_error", param: str | None = None, code: Any = None) -> Body:
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def pydantic_error(field: str) -> Body:
    return {"type": "extra_forbidden", "loc": ["body", field], "msg": "Extra inputs are not permitted", "input": 1}


def gpt_5(body: Body) -> Error | None:
    if body.get("temperature", 1) != 1:
        said = "Unsupported value: 'temperature' does not support 0 with this model. Only the default (1) is supported."
        return 400, openai_error(said, param="temperature", code="unsupported_value")
    if "max_tokens" in body:
        said = (
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
        )
        return 400, openai_error(said, param="max_tokens", code="unsupported_parameter")
    return None


def mistral(body: Body) -> Error | None:
    unknown = [
        name for name in body if name not in ("model", "messages", "temperature", "max_tokens", "response_format")
    ]
    return (422, {"detail": list(map(pydantic_error, unknown))}) if unknown else None


def mistral_behind_a_proxy(body: Body) -> Error | None:
    error = mistral(body)
    message = {"detail": error[1]["detail"]} if error else None
    return (
        (422, {"object": "error", "message": message, "type": "invalid_request_error", "param": None})
        if error
        else None
    )


def old_vllm(body: Body) -> Error | None:
    if "max_completion_tokens" in body:
        told = [{**pydantic_error("max_completion_tokens"), "loc": ("body", "max_completion_tokens")}]
        return 400, {"object": "error", "message": str(told), "type": "BadRequestError", "param": None, "code": 400}
    if body.get("response_format", {}).get("type") == "json_schema":
        said = "Only {'type': 'json_object'} or {'type': 'text' } is supported for response_format"
        return 400, {"object": "error", "message": said, "type": "BadRequestError", "param": None, "code": 400}
    return None


def vllm_without_grammars(body: Body) -> Error | None:
    if "response_format" in body:
        return 500, openai_error("xgrammar backend is not available on this platform", "InternalServerError", code=500)
    return None


def deepseek(body: Body) -> Error | None:
    if body.get("response_format", {}).get("type") == "json_schema":
        said = "This response_format type is unavailable now"
        return 400, openai_error(said, code="invalid_request_error")
    if "response_format" in body and "json" not in json.dumps(body["messages"]).lower():
        said = "Prompt must contain the word 'json' in some form to use 'response_format' of type 'json_object'."
        return 400, openai_error(said, code="invalid_request_error")
    return None


def deepseek_of_before(body: Body) -> Error | None:
    if body.get("response_format", {}).get("type") == "json_schema":
        said = "Failed to deserialize the JSON body into the target type: response_format: response_format.type "
        return 422, openai_error(f"{said}`json_schema` is unavailable now at line 1 column 1193")
    return None


def gemini(body: Body) -> Error | None:
    if body.get("response_format", {}).get("type") == "json_schema":
        said = "Invalid value at 'generation_config.response_schema': unsupported schema"
        return 400, [{"error": {"code": 400, "message": said, "status": "INVALID_ARGUMENT"}}]
    return None


def openrouter(body: Body) -> Error | None:
    if "response_format" in body:
        said = "No endpoints found that can handle the requested parameters."
        return 404, {"error": {"message": said, "code": 404}}
    return None


def openrouter_within(body: Body) -> Error | None:
    """The provider's error with status 200."""
    if "response_format" in body:
        raw = "response_format is not supported by this model"
        return 200, {"error": {"message": f"Provider returned error: {raw}", "code": 400}}
    return None


def text_only(body: Body) -> Error | None:
    """LM Studio."""
    if body.get("response_format", {}).get("type") == "json_object":
        return 400, {"error": "'response_format.type' must be 'json_schema' or 'text'"}
    if "response_format" in body:
        return 400, {"error": "Model does not support structured output"}
    return None


def text_generation_inference(body: Body) -> Error | None:
    if body.get("temperature") == 0:
        return 422, {
            "error": "Input validation error: `temperature` must be strictly positive",
            "error_type": "validation",
        }
    return None


def claude(body: Body) -> Error | None:
    if "temperature" in body:
        return 400, openai_error("`temperature` is deprecated for this model.")
    return None


def takes_all(_: Body) -> Error | None:
    return None


@dataclass
class Served:
    base_url: str
    asked: list[Body] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)


@contextmanager
def serving(
    refuses: Callable[[Body], Error | None] = takes_all,
    answers: Callable[[Body], Any] | None = None,
    path: str = "/v1",
) -> Iterator[Served]:
    """A server on the loopback interface that refuses so, and answers what it takes with a translation."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # or an answer waits 40 ms for the acknowledgement of its headers

        def log_message(self, *_: Any) -> None:
            pass

        def do_GET(self) -> None:
            self.say(404, {"error": "not found"})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with lock:
                served.asked.append(body)
                served.headers.append({name.lower(): value for name, value in self.headers.items()})
                served.paths.append(self.path)
            error = refuses(body)
            self.say(*(error or (200, (answers or translation)(body))))

        def say(self, status: int, body: Any) -> None:
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    class Http(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

    lock = threading.Lock()
    with Http(("127.0.0.1", 0), Handler) as server:
        served = Served(f"http://127.0.0.1:{server.server_port}{path}")
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield served
        finally:
            server.shutdown()
            thread.join()


def completion(content: Any, finish_reason: str | None = "stop", **message: Any) -> Body:
    said = {"role": "assistant", "content": content, **message}
    return {"object": "chat.completion", "choices": [{"index": 0, "message": said, "finish_reason": finish_reason}]}


def translation(body: Body) -> Body:
    text = json.loads(body["messages"][-1]["content"])["text"]
    return completion(json.dumps({"translation": f"«{text}»"}, ensure_ascii=False))


# What the servers that people run themselves put around an answer, as each documents it.
_USAGE = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110, "prompt_tokens_details": None}
_VLLM = {"refusal": None, "annotations": None, "audio": None, "function_call": None, "tool_calls": []}
_AROUND: dict[str, tuple[Body, Body, Body]] = {  # keys of the message, of the choice, of the completion
    "vllm": (
        {**_VLLM, "reasoning": None, "reasoning_content": None},
        {"logprobs": None, "stop_reason": None, "token_ids": None},
        {"service_tier": None, "system_fingerprint": None, "prompt_logprobs": None, "kv_transfer_params": None},
    ),
    "sglang": (
        {"reasoning_content": None, "tool_calls": None},
        {"logprobs": None, "matched_stop": 151645},
        {"metadata": {"weight_version": "default"}},
    ),
    "llama.cpp": (
        {},
        {},
        {"system_fingerprint": "b6100-f00d", "timings": {"prompt_n": 100, "prompt_ms": 12.5, "predicted_n": 10}},
    ),
    "ollama": ({}, {}, {"system_fingerprint": "fp_ollama"}),
}


def as_served_by(name: str) -> Callable[[Body], Body]:
    """The translation, as this server answers; any other name: with nothing around it."""
    of_message, of_choice, of_completion = _AROUND.get(name, ({}, {}, {}))

    def answer(body: Body) -> Body:
        made = translation(body)
        (choice,) = made["choices"]
        # Ollama counts by the older name alone, and takes no notice of the other.
        is_cut = name == "ollama" and "max_tokens" not in body
        choice |= {
            **of_choice,
            "message": {**choice["message"], **of_message},
            **({"finish_reason": "length"} if is_cut else {}),
        }
        return {"id": "chatcmpl-1", "created": 1, "model": body["model"], **made, "usage": _USAGE, **of_completion}

    return answer
