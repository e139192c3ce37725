"""The executor on a Ray cluster: one actor a core, each part given to an idle one, a lost actor's part to another.

A model that runs on GPUs gets actors with a GPU each; they go when it is done, so that cores are free for the rest.

Only Ray core is used. All nodes need this version of howtree and see the work folder under the same path.
"""

from __future__ import annotations

import os
import pickle
import platform
import socket
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from typing import Any, Self

from howtree.errors import BadInput
from howtree.extras import required
from howtree.progress import say, warn
from howtree.version import __version__
from linking.run.executors import Work, Worker

TRIES = 3
"""So often a part is begun before its loss ends the run: a part that kills its worker would kill them all."""
MOST_STILLBORN = 8
"""How many workers in turn may be lost before they begin, as when nodes go, and not because none can begin."""
PATIENCE = 30.0
"""Seconds without a free worker after which a message says so."""


class Actor(Worker):
    """A worker on some node of the cluster."""

    def greeting(self) -> tuple[str, str]:
        """The version of howtree on the actor's node, and the node's name."""
        import ray

        return __version__, f"{platform.node()}/{ray.get_runtime_context().get_node_id()[:8]}"


class RayCluster:
    """Actors on the nodes of a Ray cluster. They stay from stage to stage, and new ones come for those lost."""

    def __init__(self, address: str, workers: int | None = None) -> None:
        self.ray = import_ray()
        self.address, self.workers = address, workers
        self._joined = False
        self.parts_of: Counter[str] = Counter()
        """Parts done by each node."""
        self._node_of: dict[Any, str] = {}
        self._stillborn = 0
        self._gpu = False
        """Whether the actors have a GPU each."""
        self._idle: list[Any] = []
        self._starting: dict[Any, Any] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._let_go()
        if self._joined:
            self.ray.shutdown()
        if self.parts_of:
            nodes = ", ".join(f"{node} {parts:,}" for node, parts in sorted(self.parts_of.items()))
            say(f"Parts done by node: {nodes}")

    def _let_go(self) -> None:
        for actor in [*self._idle, *self._starting.values()]:
            self.ray.kill(actor)
        self._idle, self._starting = [], {}

    def _join(self, gpu: bool) -> int:
        """The number of workers to ask for. Joins the cluster when first needed: forks go before its threads.

        Raises:
            BadInput: a GPU is needed and the cluster has none.
        """
        if not self.ray.is_initialized():
            connect(self.ray, self.address, self.workers)
            self._joined = True
        if gpu != self._gpu:
            self._let_go()
            self._gpu = gpu
        there = int(self.ray.cluster_resources().get("GPU" if gpu else "CPU", 0))
        if gpu and not there:
            raise BadInput(
                "no node of the cluster offers a GPU (`ray status` shows what it has): start a node with "
                "--num-gpus, or build with --device cpu"
            )
        return min(self.workers or there, there) if gpu else self.workers or max(1, there)

    def run(self, work: Work, parts: Sequence[int], gpu: bool = False) -> Iterator[tuple[int, int]]:
        """Do the parts on the actors; yields (part, texts worked on) as they get done.

        Raises:
            BadInput: a part was lost `TRIES` times, or a node lacks howtree, the folder, the model or a GPU.
        """
        if not parts:
            return
        workers, waiting, tries = self._join(gpu), deque(parts), Counter[int]()
        packed = self.ray.put(pickle.dumps(work))
        running: dict[Any, tuple[Any, int]] = {}
        try:
            while waiting or running:
                self._start(min(workers, len(waiting) + len(running)) - len(running))
                while waiting and self._idle:
                    actor, part = self._idle.pop(), waiting.popleft()
                    running[actor.run.remote(packed, part)] = actor, part
                ready = self._first([*running, *self._starting])
                if ready in self._starting:
                    self._welcome(ready)
                elif ready is not None:
                    actor, part = running.pop(ready)
                    try:
                        done = self.ray.get(ready)
                    except self._losses() as error:
                        tries[part] += 1
                        self._lost(actor, part, tries[part], error)
                        waiting.append(part)
                    except self.ray.exceptions.RayTaskError as error:
                        raise told(error) from error
                    else:
                        self._idle.append(actor)
                        self.parts_of[self._node_of[actor]] += 1
                        yield part, done
        finally:
            for actor, _ in running.values():  # only where the run ends before its parts do
                self.ray.kill(actor)

    def _losses(self) -> tuple[type[Exception], ...]:
        failures = self.ray.exceptions
        return failures.RayActorError, failures.ObjectLostError, failures.OutOfMemoryError

    def _start(self, wanted: int) -> None:
        """Ask for actors until so many are idle or on their way; the cluster gives them when it has room."""
        for _ in range(wanted - len(self._idle) - len(self._starting)):
            actor = self.ray.remote(Actor).options(num_cpus=1, num_gpus=int(self._gpu)).remote(1)
            self._starting[actor.greeting.remote()] = actor

    def _welcome(self, ready: Any) -> None:
        actor = self._starting.pop(ready)
        try:
            version, self._node_of[actor] = self.ray.get(ready)
        except self._losses() as error:
            if "ModuleNotFoundError" in str(error) or "ImportError" in str(error):
                raise BadInput(
                    "a node of the cluster cannot load howtree: install this version on every node, "
                    f"pip install 'howtree[build,ray]=={__version__}'"
                ) from error
            self._stillborn += 1
            if self._stillborn >= MOST_STILLBORN:
                raise BadInput(
                    f"{MOST_STILLBORN} workers in turn were lost before they began: {str(error).splitlines()[0]}"
                ) from error
            return  # perhaps its node was lost; another is asked for
        self._stillborn = 0
        if version != __version__:
            raise BadInput(
                f"a node of the cluster has howtree {version}, here it is {__version__}: results could differ. "
                "Install one version on every node."
            )
        self._idle.append(actor)

    def _first(self, pending: list[Any]) -> Any:
        ready, _ = self.ray.wait(pending, num_returns=1, timeout=PATIENCE)
        if not ready and len(pending) == len(self._starting):
            warn("Waiting for the cluster to give workers; `ray status` shows what it has. Ctrl-C stops.")
        return ready[0] if ready else None

    def _lost(self, actor: Any, part: int, tries: int, error: Exception) -> None:
        self.ray.kill(actor)  # it may only be out of reach
        if tries >= TRIES:
            raise BadInput(
                f"part {part} was lost with its worker {TRIES} times, as happens when memory runs out: give fewer "
                "--workers, or nodes with more memory. The same command goes on from the parts that are done."
            ) from error
        warn(f"A worker was lost; its part {part} goes to another.")


def import_ray() -> Any:
    """The module ray, quiet.

    Raises:
        BadUsage: it is not installed.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault(
        "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0"
    )  # the behaviour to come, without its warning
    return required("ray", "ray", "--executor ray")


def connect(ray: Any, address: str, workers: int | None) -> None:
    """Join the cluster at `address` (`auto`, host:port), or start one here for `local`.

    Raises:
        BadInput: there is no cluster at the address.
    """
    quiet = {"logging_level": "error", "log_to_driver": False}
    if address == "auto":
        address = os.environ.get("RAY_ADDRESS", "auto")  # as Ray itself does
    try:
        if address == "local":
            ray.init(address="local", num_cpus=workers, include_dashboard=False, **quiet)
        else:
            knock(address)
            ray.init(address=address, **quiet)
    except (OSError, ValueError, RuntimeError) as error:
        raise BadInput(
            f"no Ray cluster answers at --address {address}: start one with `ray start --head`, give its "
            "host:port, or use --address local to start one for this run"
        ) from error


def knock(address: str) -> None:
    """Refuse a host:port where nothing listens: Ray itself would go on trying for minutes.

    Raises:
        OSError: nobody answers.
    """
    host, _, port = address.rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host, int(port)), timeout=PATIENCE).close()


def told(error: Any) -> BaseException:
    """What a part's failure on a node is to the person."""
    cause = error.cause
    if isinstance(cause, FileNotFoundError):
        return BadInput(
            f"a node of the cluster does not see {cause.filename}: put the output on a folder that every node "
            "has under the same path"
        )
    return cause if isinstance(cause, BadInput) else error
