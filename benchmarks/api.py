"""What a row costs this process on its way through an API: processor time, and memory by the number of rows.

    python benchmarks/api.py [--rows 2000 10000] [--concurrency 64] [--profile]

The API is a stub on the loopback interface, in a process of its own, that gives the same answer at once. A row goes the
way of a build: cut, asked, read, written to the journal, put together. Each number of rows is a process of its own.
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
from contextlib import closing
from pathlib import Path

_ANSWER = {
    "object": "chat.completion",
    "choices": [
        {"index": 0, "message": {"content": '{"translation": "Wie backe ich Brot?"}'}, "finish_reason": "stop"}
    ],
    "usage": {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110},
}


class Stub(asyncio.Protocol):
    """Answers every request on a connection with the same completion."""

    body = json.dumps(_ANSWER).encode()
    answer = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)

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
            self.got = self.got[whole:]
            self.transport.write(self.answer)


async def serve() -> None:
    server = await asyncio.get_running_loop().create_server(Stub, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def measure(port: int, rows: int, concurrency: int, profile: bool) -> dict[str, float]:
    from polyrefuse_data.config import OpenAIBackend
    from polyrefuse_data.languages import language
    from polyrefuse_data.translation import Request, open_backend
    from polyrefuse_data.translation.journal import Journal
    from polyrefuse_data.translation.run import TranslationRun

    config = OpenAIBackend(model="m", base_url=f"http://127.0.0.1:{port}/v1", api_key_env="", concurrency=concurrency)
    backend, english, german = open_backend(config), language("en"), language("de")
    requests = [Request(f"How do I bake bread number {n} on a rainy day?", english, german) for n in range(rows)]
    with tempfile.TemporaryDirectory() as folder, closing(Journal(Path(folder) / "journal.sqlite")) as journal:
        run = TranslationRun(journal, progress=False)
        run.translate(backend, requests[:100])  # what is loaded once
        profiler = cProfile.Profile()
        if profile:
            profiler.enable()
        began, cpu = time.monotonic(), time.process_time()
        run.translate(backend, requests[100:])
        cpu, seconds = time.process_time() - cpu, time.monotonic() - began
        if profile:
            profiler.disable()
            pstats.Stats(profiler, stream=sys.stderr).sort_stats("tottime").print_stats(12)
    return {
        "processor ms a row": round(cpu / (rows - 100) * 1000, 3),
        "ms a row": round(seconds / (rows - 100) * 1000, 3),
        "peak memory, MiB": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[2000, 10_000])
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.serve:
        asyncio.run(serve())
    elif asked.port:
        print(json.dumps(measure(asked.port, asked.rows[0], asked.concurrency, asked.profile)))
    else:
        itself = [sys.executable, __file__]
        with subprocess.Popen([*itself, "--serve"], stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            port = server.stdout.readline().strip()
            for rows in asked.rows:
                options = ["--rows", str(rows), "--concurrency", str(asked.concurrency), "--port", port]
                done = subprocess.run(
                    [*itself, *options, *(["--profile"] if asked.profile else [])],
                    stdout=subprocess.PIPE,
                    text=True,
                    check=True,
                )
                print(rows, done.stdout.strip())
            server.terminate()


if __name__ == "__main__":
    main()
