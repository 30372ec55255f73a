"""Any line-based translation program as a subprocess: apertium, marian-decoder, a script of your own."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

from polyrefuse_data.config import CommandBackend
from polyrefuse_data.errors import ConfigError, MissingPrerequisite, TranslationError
from polyrefuse_data.system.subprocesses import run_program
from polyrefuse_data.translation.base import SENTENCES, Failure, Pair, Request, Result, Translation, Units

# After this many texts that failed one by one, before any was translated, the program is taken to be broken.
_GIVE_UP_AFTER = 20

# Characters of a program's last words that are told, in whole lines: the end of a traceback says what is wrong.
_LAST_WORDS = 200


class CommandTranslator:
    """Feeds texts to a program, one per line with an empty line after each, and reads as many back.

    The empty lines matter: rule-based programs take neighbouring lines for one sentence and move words across them.
    """

    def __init__(self, config: CommandBackend) -> None:
        self.config = config
        self._working: set[Pair] = set()
        self._failed: Counter[Pair] = Counter()  # texts that failed by themselves

    @property
    def name(self) -> str:
        return f"command:{self.config.name}"

    @property
    def settings(self) -> dict[str, Any]:
        return {"engine": "command", "name": self.config.name, "commands": self.config.commands}

    @property
    def units(self) -> Units:
        return SENTENCES

    def takes(self, pair: Pair) -> bool:
        return _direction(pair) in self.config.commands

    def prepare(self, pairs: Iterable[Pair]) -> None:
        for command in dict.fromkeys(tuple(self._command(pair)) for pair in pairs):
            program = command[0]
            if shutil.which(program) is None:
                raise MissingPrerequisite(
                    f"translation program {program!r} is not on the PATH: install it (Debian: `apt-get install "
                    f"{program}` and its language pair), or remove this backend from translation.backends"
                )
            # An empty line stands between any two texts; what fails at one (no such language pair) fails at every row.
            output = self._output("\n", command)
            if isinstance(output, Failure):
                raise MissingPrerequisite(
                    f"translation program `{shlex.join(command)}` cannot be used ({output.detail}): install what it "
                    "needs, or remove this backend from translation.backends"
                )

    def plan(self, requests: Sequence[Request]) -> list[list[int]]:
        by_pair = sorted(range(len(requests)), key=lambda index: (_key(requests[index]), index))
        return [
            list(indices[start : start + self.config.lines])
            for indices in (list(group) for _, group in groupby(by_pair, key=lambda index: _key(requests[index])))
            for start in range(0, len(indices), self.config.lines)
        ]

    def translate(self, batches: Sequence[Sequence[Request]]) -> Iterator[tuple[int, list[Result]]]:
        for number, batch in enumerate(batches):
            results: dict[int, Result] = {}
            order = sorted(range(len(batch)), key=lambda index: (_key(batch[index]), index))
            for _, group in groupby(order, key=lambda index: _key(batch[index])):
                indices = list(group)
                pair = Pair(batch[indices[0]].source, batch[indices[0]].target)
                texts = [batch[index].text for index in indices]
                results.update(zip(indices, self._translate(texts, pair), strict=True))
            yield number, [results[index] for index in range(len(batch))]

    def close(self) -> None:
        """Nothing to do: each batch is a separate process."""

    def _command(self, pair: Pair) -> list[str]:
        command = self.config.commands.get(_direction(pair))
        if not command:
            raise ConfigError(
                f"translation.backends: {self.config.name} has no command for {_direction(pair)}: "
                f"it has {', '.join(sorted(self.config.commands))}"
            )
        return command

    def _translate(self, texts: Sequence[str], pair: Pair) -> list[Result]:
        """Translate lines of one direction. If a batch fails, each half is tried alone, so that a bad line fails
        alone."""
        unfit = [len(text.splitlines()) > 1 or "\0" in text for text in texts]
        if any(unfit):
            rest = iter(self._translate([text for text, bad in zip(texts, unfit, strict=True) if not bad], pair))
            several = Failure("several_lines", "a line-based program cannot read line breaks or NUL")
            return [several if bad else next(rest) for bad in unfit]
        if not texts:
            return []
        lines = self._lines(texts, self._command(pair))
        if isinstance(lines, list):
            self._working.add(pair)
            return [Translation(line) if line else Failure("empty", "the program gave an empty line") for line in lines]
        if len(texts) == 1:
            self._count_failure(pair, lines)
            return [lines]
        half = len(texts) // 2
        return self._translate(texts[:half], pair) + self._translate(texts[half:], pair)

    def _count_failure(self, pair: Pair, failure: Failure) -> None:
        self._failed[pair] += 1
        if self._failed[pair] >= _GIVE_UP_AFTER and pair not in self._working:
            raise TranslationError(
                f"{self.name} failed at each of the first {_GIVE_UP_AFTER} texts from {pair.source.code} to "
                f"{pair.target.code} (last: {failure.reason}, {failure.detail}): fix it, and run again to continue"
            )

    def _lines(self, texts: Sequence[str], command: Sequence[str]) -> list[str] | Failure:
        """The program's line for each text, or why there are none."""
        output = self._output("".join(f"{text}\n\n" for text in texts), command)
        if isinstance(output, Failure):
            return output
        lines = output.split("\n")
        answers, rest = lines[0 : 2 * len(texts) : 2], [*lines[1 : 2 * len(texts) : 2], *lines[2 * len(texts) :]]
        if not output or len(answers) < len(texts) or any(line.strip() for line in rest):
            return Failure("line_count", "the program did not give one line per text", ask_again=True)
        return [line.strip() for line in answers]

    def _output(self, fed: str, command: Sequence[str]) -> str | Failure:
        """What the program prints for this input. A failure of the program itself is no answer, because it may be
        fixed."""
        try:
            done = run_program(command, fed.encode(), self.config.timeout_seconds)
        except subprocess.TimeoutExpired:
            return Failure("timeout", f"still running after {self.config.timeout_seconds:g} seconds", ask_again=True)
        if done.returncode != 0:
            said = _last_words(done.stderr.decode(errors="replace"))
            return Failure("program_failed", f"exit code {done.returncode}: {said}", ask_again=True)
        return done.stdout.decode(errors="replace")


def _last_words(said: str) -> str:
    """The last lines, as many as fit. Never part of a line, because a secret in it would not be recognised."""
    *others, words = said.strip().splitlines() or [""]
    while others and len(words) + len(others[-1]) < _LAST_WORDS:
        words = f"{others.pop()}\n{words}"
    return words


def _direction(pair: Pair) -> str:
    return f"{pair.source.code}-{pair.target.code}"


def _key(request: Request) -> str:
    return _direction(Pair(request.source, request.target))
