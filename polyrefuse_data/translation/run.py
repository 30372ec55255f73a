"""Requests to one backend: known answers come from the journal, the rest is asked and stored."""

from __future__ import annotations

from collections.abc import Sequence

from polyrefuse_data.system.progress import progress
from polyrefuse_data.translation.base import Failure, Request, Result, Translator, identity
from polyrefuse_data.translation.documents import Document
from polyrefuse_data.translation.journal import Journal

# A backend that answers at once (a memory, a short shard) needs no bar of its own.
_UNSEEN_SECONDS = 2.0


class TranslationRun:
    """A build's access to its backends: the journal, and a progress bar."""

    def __init__(self, journal: Journal, progress: bool) -> None:
        self._journal = journal
        self._progress = progress

    def translate(self, translator: Translator, requests: Sequence[Request]) -> list[Result]:
        """Results of `requests` in order. Texts are split into the backend's units and reassembled; the same unit in
        the same direction is asked once."""
        documents = {
            request: Document(request, translator.units) for request in requests if _unusable(request.text) is None
        }
        answers = self._answers(translator, [ask for document in documents.values() for ask in document.asks()])
        again = [ask for document in documents.values() for ask in document.asks_again(answers)]
        answers |= self._answers(translator, again)
        assembled = {request: document.assemble(answers) for request, document in documents.items()}
        return [_unusable(request.text) or assembled[request] for request in requests]

    def _answers(self, translator: Translator, asks: Sequence[Request]) -> dict[Request, Result]:
        """An answer to each of `asks`, from the journal or the backend.

        Batches are planned over all of them, answered ones too, so that a resumed run forms the same batches: a model's
        answer may depend on the other texts in its batch.
        """
        asks = list(dict.fromkeys(asks))
        backend = identity(translator)
        answers = self._journal.find(backend, asks)
        if len(answers) == len(asks):  # also where nothing is asked: a backend that is not needed is not loaded
            return answers
        planned = ([asks[index] for index in indices] for indices in translator.plan(asks))
        batches = [[ask for ask in batch if ask not in answers] for batch in planned]
        batches = [batch for batch in batches if batch]
        targets = {ask.target.code for ask in asks}
        way = f" into {targets.pop()}" if len(targets) == 1 else ""  # a build's second round is back into English
        with progress(
            f"  {translator.name}{way}",
            "texts",
            len(asks),
            done=len(answers),
            is_shown=self._progress,
            stays=False,
            seconds_unseen=_UNSEEN_SECONDS,
        ) as bar:
            for number, results in translator.translate(batches):
                self._journal.add(backend, batches[number], results)
                answers.update(zip(batches[number], results, strict=True))
                bar.update(len(results))
        return answers


def _unusable(text: str) -> Failure | None:
    if not text.strip():
        return Failure("empty_source", "there is no text to translate")
    try:
        text.encode()
    except UnicodeEncodeError:
        return Failure("invalid_unicode", "the text contains half of a surrogate pair")
    return None
