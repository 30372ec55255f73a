"""The build pipeline: prompts -> translation with fall-backs -> back-translation -> checks -> rows.parquet."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from functools import partial

import pyarrow as pa

from polyrefuse_data import __version__, rows
from polyrefuse_data.config import Config, OpenAIBackend, config_hash
from polyrefuse_data.endpoints.budget import Budget
from polyrefuse_data.engines import Engine, Stage, open_engine
from polyrefuse_data.languages import SOURCE_LANGUAGE, Language, language
from polyrefuse_data.pipeline.refresh import WithoutForgotten, begin_refresh
from polyrefuse_data.pipeline.replacing import refuse_to_replace_work
from polyrefuse_data.pipeline.shards.merge import merge
from polyrefuse_data.pipeline.shards.steps import Finish, Propose, Settle
from polyrefuse_data.pipeline.shards.store import ShardStore
from polyrefuse_data.pipeline.shards.work import SHARD_PROMPTS, Shard, cut
from polyrefuse_data.pipeline.summary import BuildEstimate, BuildSummary, summarize
from polyrefuse_data.quality import audit
from polyrefuse_data.quality.suite import Suite, suite_of
from polyrefuse_data.sources import human_translations, load_prompts
from polyrefuse_data.system.files import write_table
from polyrefuse_data.system.progress import Progress
from polyrefuse_data.system.progress import progress as progress_of
from polyrefuse_data.translation.answered_rows import describe_backends, entries_of_rows
from polyrefuse_data.translation.backends import Chain, open_chain
from polyrefuse_data.translation.base import Pair, Request, identity
from polyrefuse_data.translation.chain import Step
from polyrefuse_data.translation.estimate import estimate_chain
from polyrefuse_data.translation.journal import Journal
from polyrefuse_data.translation.memory import PublishedTranslations
from polyrefuse_data.translation.mending import mend_journal
from polyrefuse_data.workspace import Workspace

# A Batch API takes up to a day per batch, so batches are large.
_SHARD_PROMPTS_BATCH_API = 20_000


def build(
    workspace: Workspace,
    config: Config,
    *,
    engine: str = "local",
    address: str | None = None,
    limit: int | None = None,
    dry_run: bool = False,
    refresh: Sequence[str] = (),
    max_cost: float | None = None,
    progress: bool = True,
) -> BuildSummary | BuildEstimate:
    """Build a workspace from its config: writes prompts.parquet, rows.parquet, scores.parquet and attempts.parquet.

    Every prompt gets a row in every language; if no backend could translate it, the row is rejected with the reason.
    The same config, sources and models give the same bytes on every engine. Call it again to resume after a stop:
    finished shards are not repeated, and no stored answer is requested again. Large builds start worker
    processes, so a script needs the usual `if __name__ == "__main__":`.

    Returns a BuildSummary. Its `unanswered` counts rows that a backend did not answer (a time-out, a busy API); the
    next run asks for them again. With `dry_run`, nothing is written, no paid service is called, and a BuildEstimate is
    returned. `refresh` (`BACKEND` or `BACKEND:LANGUAGE`) drops a backend's stored answers first, so that they are
    requested again. `max_cost` limits the cost of all runs of this workspace together, in US dollars; a request that
    might exceed it is not sent.

    Raises ConfigError, SourceError, MissingPrerequisite or ModelError before anything is translated; TranslationError
    or EndpointError if no backend can continue; EngineError if workers keep dying.
    """
    suite = suite_of(config.quality)
    place = open_engine(engine, config.engine, address)
    prompts = load_prompts(config.sources, limit=limit)
    targets = [language(code) for code in config.languages]
    if dry_run:
        return _estimate(workspace, config, suite, prompts, targets, refresh)
    with workspace.lock(), contextlib.closing(_open_chain(config)) as opened:
        refuse_to_replace_work(workspace)
        _try_checks(suite, prompts, targets)
        chain = opened.prepare(_pairs(targets), spend=True)
        write_table(prompts, workspace.prompts)
        size = shard_prompts(config)
        store = ShardStore(workspace.shards, _settings(config, suite, chain))
        backends = chain.translators
        mend_journal(workspace.journal, entries_of_rows(workspace.rows, backends))
        refreshing = begin_refresh(workspace, chain, refresh)
        with place:
            journal = place.share(partial(Journal, workspace.journal.absolute()))
            chain.share_limits(place.share)
            if max_cost is not None:
                spent = sum(used.get("cost_usd", 0.0) for used in journal.usage().values())
                chain.keep_to(place.share(partial(Budget, max_cost, spent)))
            total = prompts.num_rows * (1 + len(targets))
            with progress_of("build", "rows", total, is_shown=progress) as bar:
                stages = _stages(chain, journal, suite, progress)
                _do_shards(place, stages, cut(prompts, targets, size), store, bar)
            usage = journal.usage()
        count, described = -(-prompts.num_rows // size), describe_backends(backends)
        merge(store, count, suite, workspace, described)
        unanswered, missing = map(sum, zip((0, 0), *map(store.unanswered, range(count)), strict=True))
        summary = summarize(workspace, usage, unanswered, missing, suite.bounds.remarks)
        if refreshing and not unanswered:
            refreshing.remove(workspace)
        store.clear()
    return summary


def _open_chain(config: Config) -> Chain:
    """The chain of a config: first what people translated, then its backends."""
    given = [
        PublishedTranslations(source.name, units)
        for number, source in enumerate(config.sources)
        if (units := human_translations(source, f"sources.{number}"))
    ]
    return open_chain(config.translation, given)


def _stages(chain: Chain, journal: Journal, suite: Suite, progress: bool) -> list[Stage]:
    """Every backend of the chain, each followed by the checks; the last checks also make the rows. English alone is
    only checked."""
    if not chain.steps:
        return [Stage("checks", Finish(suite), keeps_state=False)]
    stages = []
    for number, step in enumerate(chain.steps):
        stages.append(Stage(step.name, Propose(chain, number, journal, progress), keeps_state=True))
        last = number == len(chain.steps) - 1
        stages.append(Stage("checks", Finish(suite) if last else Settle(suite), keeps_state=False))
    return stages


def _do_shards(
    place: Engine, stages: Sequence[Stage], shards: Iterable[Shard], store: ShardStore, bar: Progress
) -> None:
    """Run the unfinished shards through the stages, and store each as soon as it is finished."""
    under_way: dict[int, str] = {}

    def missing() -> Iterator[Shard]:
        for shard in shards:
            if store.holds(shard):
                bar.update(shard.size)
            else:
                under_way[shard.number] = store.key(shard)
                yield shard

    with contextlib.closing(place.run(stages, missing())) as finished:  # workers stop with it
        for shard in finished:
            store.add(shard, under_way.pop(shard.number))
            bar.update(shard.rows.num_rows)


def _settings(config: Config, suite: Suite, chain: Chain) -> dict[str, object]:
    """Everything that affects the rows of a shard, except its prompts."""
    return {
        "version": __version__,
        "languages": config.languages,
        "checks": suite.signature,
        "quality": config_hash(config.quality),
        "steps": [_place(step) for step in chain.steps],
        "back": [_place(step) for step in chain.back],
    }


def _place(step: Step) -> list[object]:
    return [*identity(step.translator), sorted(step.languages) if step.languages is not None else None]


def shard_prompts(config: Config) -> int:
    """English prompts per shard."""
    backends = [*config.translation.backends, *config.translation.back_backends]
    batch_api = any(isinstance(backend, OpenAIBackend) and backend.mode == "batch" for backend in backends)
    return config.engine.shard_prompts or (_SHARD_PROMPTS_BATCH_API if batch_api else SHARD_PROMPTS)


def _estimate(
    workspace: Workspace,
    config: Config,
    suite: Suite,
    prompts: pa.Table,
    targets: Sequence[Language],
    refresh: Sequence[str],
) -> BuildEstimate:
    _try_checks(suite, prompts, targets)
    english = language(SOURCE_LANGUAGE)
    requests = [Request(text, english, target) for text in prompts["text"].to_pylist() for target in targets]
    with contextlib.ExitStack() as stack:
        opened = stack.enter_context(contextlib.closing(_open_chain(config)))
        chain = opened.prepare(_pairs(targets))
        journal = None
        if workspace.journal.exists():
            kept = stack.enter_context(contextlib.closing(Journal(workspace.journal)))
            journal = WithoutForgotten(kept, chain, refresh)
        backends = estimate_chain(requests, chain, journal)
    return BuildEstimate(prompts.num_rows, prompts.num_rows + len(requests), backends, len(chain.steps) > 1)


def _try_checks(suite: Suite, prompts: pa.Table, targets: Sequence[Language]) -> None:
    """Check one row, to find a check that cannot run (a missing identifier or model) before anything is translated.
    Raises what checking raises."""
    for prompt in prompts.slice(0, 1).to_pylist():
        for target in targets[:1]:
            text = prompt["text"]
            row = rows.translated_row(prompt, target.code, text=text, back_translation=text, back_translator="probe")
            audit(rows.table_from_rows([row]), suite)


def _pairs(targets: Sequence[Language]) -> list[Pair]:
    return [Pair(language(SOURCE_LANGUAGE), target) for target in targets]
