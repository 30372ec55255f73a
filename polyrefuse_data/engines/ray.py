"""The Ray engine (extra `ray`): stages with state in pools of actors, the others as tasks, on one machine or a cluster.

Ray Data streams the items through the stages, and repeats what was lost with a worker or a machine.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, TypeVar, cast

from polyrefuse_data.config import EngineConfig
from polyrefuse_data.engines.base import Stage
from polyrefuse_data.errors import ConfigError, EngineError, PolyrefuseError
from polyrefuse_data.system.extras import require
from polyrefuse_data.system.machine import keep_freed_memory

Thing = TypeVar("Thing")

_ITEM = "item"

# Set while the engine runs, from before Ray is loaded, unless they are set already.
ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",  # a build reports to nobody
    "RAY_gcs_rpc_server_connect_timeout_s": "60",  # a busy machine takes longer than Ray's own 5 s to start a cluster
    "RAY_BACKEND_LOG_LEVEL": "fatal",  # its workers' errors reach us as exceptions anyway
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # an actor with no GPU of its own may still see one
}


# A cluster of our own that a busy machine does not start in the half minute that Ray gives it is started once more.
_STARTS = 2


class RayEngine:
    """A Ray cluster: the one this process is connected to, the one at `address`, or a new one on this machine."""

    def __init__(self, config: EngineConfig, address: str | None = None) -> None:
        require("the ray engine", "ray")
        self.config = config
        self.address = address
        self._started = False
        self._set: list[str] = []
        self._keepers: list[Any] = []

    def __enter__(self) -> RayEngine:
        self._set = [name for name in ENVIRONMENT if name not in os.environ]
        os.environ.update({name: ENVIRONMENT[name] for name in self._set})
        import ray
        import ray.data

        for logger in ("ray", "ray.data"):  # they are about how we use Ray, not about the build
            logging.getLogger(logger).setLevel(logging.ERROR)
        if not ray.is_initialized():
            self._start()
        return self

    def _start(self) -> None:
        import ray

        if self.address and not _answers(self.address):  # Ray itself would try for minutes
            raise ConfigError(
                f"no Ray cluster answers at {self.address}: start one with `ray start --head`, or omit --address: "
                "the build then starts its own"
            )
        handler = signal.getsignal(signal.SIGTERM)
        # "local", since without an address Ray would join whatever cluster was last started here, perhaps a dead one.
        address = self.address or os.environ.get("RAY_ADDRESS", "local")
        own = address == "local"
        for starts_left in reversed(range(_STARTS if own else 1)):
            try:
                ray.init(
                    address,
                    logging_level=logging.ERROR,
                    log_to_driver=False,
                    **({"include_dashboard": False} if own else {}),
                )
                break
            except Exception as error:
                ray.shutdown()
                if not starts_left:
                    raise EngineError(f"Ray did not start: {error}") from error
        self._started = True
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, handler)  # Ray replaces ours with its own

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        import ray

        for keeper in self._keepers:
            _get(keeper.close.remote())
            ray.kill(keeper)
        self._keepers.clear()
        if self._started:
            ray.shutdown()
            self._started = False
        for name in self._set:
            os.environ.pop(name, None)

    def share(self, make: Callable[[], Thing]) -> Thing:
        """Keep the object in an actor on this machine, where its files are."""
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        keeper = (
            ray.remote(_Keeper)
            .options(num_cpus=0, max_restarts=-1, max_task_retries=-1, scheduling_strategy=here)
            .remote(make)
        )
        self._keepers.append(keeper)
        return cast(Thing, Shared(keeper))

    def run(self, stages: Sequence[Stage], items: Iterable[Any]) -> Generator[Any, None, None]:
        import ray

        records = [{_ITEM: item} for item in items]
        if not records:
            return
        actor_cpus, task_cpus = self._cpus(stages)
        dataset = ray.data.from_items(records, override_num_blocks=len(records))
        dataset.context.enable_progress_bars = False
        for stage in stages:
            if stage.keeps_state:
                dataset = dataset.map(
                    _Actor,
                    fn_constructor_args=(stage,),
                    compute=ray.data.ActorPoolStrategy(size=self.config.actors),
                    num_cpus=actor_cpus,
                    num_gpus=self.config.actor_gpus,
                )
            else:
                dataset = dataset.map(_Task(stage), num_cpus=task_cpus)
        try:
            for record in dataset.iter_rows():
                if isinstance(record[_ITEM], _Failed):
                    raise record[_ITEM].error
                yield record[_ITEM]
        except ray.exceptions.RaySystemError as error:
            raise EngineError(
                f"the Ray cluster stopped ({error}); finished work is kept: run again to continue"
            ) from error

    def _cpus(self, stages: Sequence[Stage]) -> tuple[float, float]:
        """Cores per actor and per task. Actors stay for the whole run: if they took all cores, no task could ever
        start, and two that need a whole core each would wait for ever."""
        import ray

        total = ray.cluster_resources().get("CPU", 1.0)
        actors = sum(stage.keeps_state for stage in stages) * self.config.actors
        actor = self.config.actor_cpus or min(1.0, total / 2 / max(actors, 1))
        left = total - actors * actor
        if left <= 0 and actors < len(stages) * self.config.actors:
            raise ConfigError(
                f"engine.actor_cpus: {actors} actors of {actor:g} cores leave none of {total:g} for the checks: "
                "use fewer cores or fewer engine.actors"
            )
        return actor, min(1.0, left)


@dataclass(frozen=True)
class _Failed:
    """An error on its way to the process that started the run. Raised in a worker, it would look like a crash."""

    error: PolyrefuseError


@dataclass(frozen=True)
class _Task:
    """A stage as a function of Ray Data's rows."""

    stage: Stage

    def __call__(self, record: dict[str, Any]) -> dict[str, Any]:
        if isinstance(record[_ITEM], _Failed):
            return record
        try:
            return {_ITEM: self.stage.work(record[_ITEM])}
        except PolyrefuseError as error:
            return {_ITEM: _Failed(error)}


class _Actor:
    """A stage in an actor, for the whole run."""

    def __init__(self, stage: Stage) -> None:
        keep_freed_memory()
        self._task = _Task(stage)

    def __call__(self, record: dict[str, Any]) -> dict[str, Any]:
        return self._task(record)


class _Keeper:
    """The actor with a shared object; it does one call at a time."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._thing = make()

    def close(self) -> None:
        if hasattr(self._thing, "close"):
            self._thing.close()

    def call(self, method: str, arguments: tuple[Any, ...]) -> Any:
        return getattr(self._thing, method)(*arguments)


class Shared:
    """A proxy for an object in an actor; its methods can be called from any worker."""

    def __init__(self, keeper: Any) -> None:
        self._keeper = keeper

    def __reduce__(self) -> tuple[Any, ...]:
        return Shared, (self._keeper,)

    def __getattr__(self, method: str) -> Callable[..., Any]:
        if method.startswith("_"):
            raise AttributeError(method)

        def call(*arguments: Any) -> Any:
            return _get(self._keeper.call.remote(method, arguments))

        return call


def _answers(address: str) -> bool:
    """Whether something listens at `host:port` or `ray://host:port`; names such as `auto` are for Ray to find out."""
    host, separator, port = address.rpartition("://")[2].rpartition(":")
    if not separator:
        return True
    try:
        with socket.create_connection((host, int(port)), timeout=5):
            return True
    except (OSError, ValueError):
        return False


def _get(reference: Any) -> Any:
    """The result of a call; our errors are raised as they were, not wrapped in one of Ray's."""
    import ray

    try:
        return ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        raise (error.cause if isinstance(error.cause, PolyrefuseError) else error) from None
