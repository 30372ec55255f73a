"""What a row costs this process on its way through an API: processor time, and memory by the number of rows.

    python benchmarks/api.py [--rows 2000 10000] [--concurrency 64] [--together 1 5 20] [--delay 0.2] [--client]
        [--profile]

The API is a stub on the loopback interface, in a process of its own, that gives every text the same answer, at once or
after --delay seconds. A row goes the way of a build, in shards: cut, asked, read, written to the journal, put together.
Each number of rows, and of prompts in a request (--together), is a process of its own. Tokens are counted as bytes of
the messages and of the answer, 3.5 to a token. With --client, requests go through a client of the openai package.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import json
import pstats
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing
from itertools import product
from pathlib import Path

_TRANSLATION = "Wie backe ich an einem Regentag das Brot Nummer 7?"
_BYTES_PER_TOKEN = 3.5


def completion(request: bytes) -> bytes:
    """The same translation for each text that is asked for."""
    messages = json.loads(request)["messages"]
    asked = json.loads(messages[-1]["content"])
    said = json.dumps(
        dict.fromkeys(asked["texts"], _TRANSLATION) if "texts" in asked else {"translation": _TRANSLATION}
    )
    sent = sum(len(message["content"]) for message in messages)
    usage = {"prompt_tokens": round(sent / _BYTES_PER_TOKEN), "completion_tokens": round(len(said) / _BYTES_PER_TOKEN)}
    choice = {"index": 0, "message": {"content": said}, "finish_reason": "stop"}
    return json.dumps({"object": "chat.completion", "choices": [choice], "usage": usage}).encode()


class Stub(asyncio.Protocol):
    """Answers every request on a connection."""

    delay = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport, self.got = transport, b""

    def data_received(self, data: bytes) -> None:
        self.got += data
        while (end := self.got.find(b"\r\n\r\n")) >= 0:
            _, _, after = self.got[:end].lower().partition(b"content-length:")
            whole = end + 4 + int(after.split(b"\r\n")[0] or 0)
            if len(self.got) < whole:
                return
            body = completion(self.got[end + 4 : whole])
            self.got = self.got[whole:]
            head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
            asyncio.get_running_loop().call_later(self.delay, self.transport.write, head + body)


async def serve() -> None:
    server = await asyncio.get_running_loop().create_server(Stub, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def measure(
    port: int, rows: int, concurrency: int, together: int, through_client: bool, profile: bool
) -> dict[str, float]:
    from polyrefuse_data.config import OpenAIBackend
    from polyrefuse_data.languages import language
    from polyrefuse_data.pipeline.build import SHARD_PROMPTS
    from polyrefuse_data.translation import Request, Translation
    from polyrefuse_data.translation.base import total_usage
    from polyrefuse_data.translation.journal import Journal
    from polyrefuse_data.translation.openai import OpenAITranslator
    from polyrefuse_data.translation.run import TranslationRun

    config = OpenAIBackend(
        model="m",
        base_url=f"http://127.0.0.1:{port}/v1",
        api_key_env="",
        concurrency=concurrency,
        prompts_per_request=together,
    )
    backend, english, german = OpenAITranslator(config), language("en"), language("de")
    if through_client:
        import openai

        client = openai.OpenAI(base_url=config.base_url, api_key="none")
        backend = OpenAITranslator(config.model_copy(update={"base_url": None, "api_key_env": None}), client=client)
    requests = [Request(f"How do I bake bread number {n} on a rainy day?", english, german) for n in range(rows)]
    with tempfile.TemporaryDirectory() as folder, closing(Journal(Path(folder) / "journal.sqlite")) as journal:
        run = TranslationRun(journal, progress=False)
        run.translate(backend, requests[:100])  # what is loaded once
        profiler = cProfile.Profile()
        if profile:
            profiler.enable()
        began, cpu = time.monotonic(), time.process_time()
        used: Counter[str] = Counter()
        for start in range(100, rows, SHARD_PROMPTS):
            results = run.translate(backend, requests[start : start + SHARD_PROMPTS])
            assert all(isinstance(result, Translation) for result in results)
            used.update(total_usage(result.usage for result in results))
        cpu, seconds = time.process_time() - cpu, time.monotonic() - began
        if profile:
            profiler.disable()
            pstats.Stats(profiler, stream=sys.stderr).sort_stats("tottime").print_stats(12)
    return {
        "requests": sum(
            len(backend.plan(requests[start : start + SHARD_PROMPTS])) for start in range(100, rows, SHARD_PROMPTS)
        ),
        "tokens sent a row": round(used["input_tokens"] / (rows - 100), 1),
        "tokens received a row": round(used["output_tokens"] / (rows - 100), 1),
        "processor ms a row": round(cpu / (rows - 100) * 1000, 3),
        "ms a row": round(seconds / (rows - 100) * 1000, 3),
        "peak memory, MiB": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[2000, 10_000])
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--together", type=int, nargs="+", default=[1])
    parser.add_argument("--delay", type=float, default=0.0)
    parser.add_argument("--client", action="store_true")
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.serve:
        Stub.delay = asked.delay
        asyncio.run(serve())
    elif asked.port:
        print(
            json.dumps(
                measure(asked.port, asked.rows[0], asked.concurrency, asked.together[0], asked.client, asked.profile)
            )
        )
    else:
        itself = [sys.executable, __file__]
        with subprocess.Popen(
            [*itself, "--serve", "--delay", str(asked.delay)], stdout=subprocess.PIPE, text=True
        ) as server:
            assert server.stdout is not None
            port = server.stdout.readline().strip()
            for rows, together in product(asked.rows, asked.together):
                options = ["--rows", str(rows), "--concurrency", str(asked.concurrency), "--port", port]
                options += ["--together", str(together), *(["--client"] if asked.client else [])]
                done = subprocess.run(
                    [*itself, *options, *(["--profile"] if asked.profile else [])],
                    stdout=subprocess.PIPE,
                    text=True,
                    check=True,
                )
                print(rows, together, done.stdout.strip(), flush=True)
            server.terminate()


if __name__ == "__main__":
    main()
