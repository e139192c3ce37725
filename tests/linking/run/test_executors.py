"""Executors: a pool and a Ray cluster give what one process gives, edge for edge, also when a node is lost."""

from __future__ import annotations

import os
import pickle
import random
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from support.command import SAMPLE, SMALL_PARTS, Run, surroundings, work_folder
from support.contents import content, rows
from support.parts import die, meet, note_gpu, square
from support.reading import lines, simple

import kb.build.build
import linking.pipeline
import linking.run.cluster
from howtree.errors import BadInput, BadUsage
from howtree.version import __version__
from kb.build.build import Options
from linking.run.cluster import RayCluster, import_ray
from linking.run.executors import Executor, InProcess, Pool, Worker, executor_of

NOBODY = "127.0.0.1:1"
"""An address where nothing listens."""


@pytest.fixture
def few_articles(tmp_path: Path) -> Path:
    """So few that no process is forked to read them: this one may have Ray's threads, which no fork survives."""
    return lines(
        tmp_path / "articles.jsonl", simple("Wash a Car", "Dry it."), simple("Dry a Car", "Wash it.")
    )


@pytest.mark.parametrize("executor", [InProcess, lambda: Pool(2)])
def test_every_part_is_done_once(executor: Callable[[], Executor], tmp_path: Path) -> None:
    with executor() as workers:
        for parts in ([], [3], [0, 1, 5, 7]):
            done = list(workers.run(partial(square, tmp_path), parts))
            assert sorted(done) == [(part, part**2) for part in parts]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0", "1", "3", "5", "7"]


def memory() -> float:
    """What this process holds in memory, in units of 10^6 bytes."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc and an allocator that can hand back")
def test_memory_is_handed_back_after_each_part() -> None:
    kept: list[bytearray] = []

    def work(part: int) -> int:
        def hold() -> None:
            blocks = [bytearray(b"x" * 60_000) for _ in range(4_000)]
            kept.append(blocks[-1])  # the last block keeps all before it in the allocator's hands

        thread = threading.Thread(target=hold)
        thread.start()
        thread.join()
        return part

    before = memory()
    work(0)
    if memory() - before < 100:
        pytest.skip("this allocator hands memory back by itself")
    list(InProcess().run(work, [1]))
    assert memory() - before < 20


def test_a_lost_process_of_the_pool_is_told() -> None:
    with Pool(2) as workers, pytest.raises(BadInput, match="--workers than 2"):
        list(workers.run(die, [1, 2, 3]))


@pytest.mark.torture  # tests/linking/verify/test_verified_build.py has a smaller one
def test_a_pool_gives_what_one_process_gives(sample_kb_path: Path, tmp_path: Path) -> None:
    output = tmp_path / "kb.duckdb"
    command = [*SMALL_PARTS, str(SAMPLE), "-o", str(output), "--executor", "pool", "--workers", "2"]
    done = subprocess.run(command, env=surroundings(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(list(work_folder(output).glob("links/en/*/lists/part-*.arrow"))) > 10
    assert content(output) == content(sample_kb_path)


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["--executor", "cloud"], 2, "process, pool or ray"),
        (["--executor", "pool", "--address", "local"], 2, "--address belongs to --executor ray"),
        (["--workers", "2"], 2, "--workers belongs to"),
        (
            ["--executor", "ray", "--address", "127.0.0.1:1"],
            1,
            "no Ray cluster answers at --address 127.0.0.1:1",
        ),
        (["--executor", "ray"], 1, f"no Ray cluster answers at --address {NOBODY}"),
    ],
)
def test_options_that_cannot_work_are_told(
    run: Run, few_articles: Path, tmp_path: Path, options: list[str], code: int, said: str
) -> None:
    if "ray" in options:
        pytest.importorskip("ray", reason="needs Ray: pip install 'howtree[ray]'")
    done = run("build", few_articles, "-o", tmp_path / "kb.duckdb", *options, RAY_ADDRESS=NOBODY)
    assert done.returncode == code
    assert said in done.stderr and "Traceback" not in done.stderr


def test_a_missing_ray_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(BadUsage, match=r"pip install 'howtree\[ray\]'"):
        executor_of("ray")
    with pytest.raises(BadUsage, match="not 'cloud'"):
        executor_of("cloud")


class RayThatLoses:
    """Stands for the module ray, so that losses come when a test wants them: `lost(part, times begun)` says which."""

    class exceptions:
        class RayActorError(Exception): ...

        class ObjectLostError(Exception): ...

        class OutOfMemoryError(Exception): ...

        class RayTaskError(Exception):
            def __init__(self, cause: Exception) -> None:
                self.cause = cause

    def __init__(self, seed: int, lost: Callable[[int, int], bool], greeting: object = None) -> None:
        self.dice, self.lost, self.begun = random.Random(seed), lost, Counter[int]()
        self.given = greeting or (__version__, "node")
        self.is_initialized, self.put = lambda: True, lambda value: value
        self.cluster_resources = lambda: {"CPU": 3.0}
        self.actors: set[Any] = set()

    def remote(self, kind: type[Worker]) -> SimpleNamespace:
        def start(threads: int) -> SimpleNamespace:
            assert issubclass(kind, Worker) and threads == 1
            actor = Handle(
                greeting=SimpleNamespace(remote=lambda: Reference(self.greet)),
                run=SimpleNamespace(remote=lambda packed, part: Reference(partial(self.work, packed, part))),
            )
            self.actors.add(actor)
            return actor

        return SimpleNamespace(options=lambda **_: SimpleNamespace(remote=start))

    def greet(self) -> object:
        if isinstance(self.given, Exception):
            raise self.given
        return self.given

    def work(self, packed: bytes, part: int) -> int:
        self.begun[part] += 1
        if self.lost(part, self.begun[part]):
            raise self.exceptions.RayActorError
        try:
            return int(pickle.loads(packed)(part))
        except Exception as error:
            raise self.exceptions.RayTaskError(error) from error

    def wait(self, references: list[Any], num_returns: int, timeout: float) -> tuple[list[Any], list[Any]]:
        return [self.dice.choice(references)], []

    def get(self, reference: Reference) -> object:
        return reference.value()

    def kill(self, actor: Any) -> None:
        self.actors.discard(actor)


class Handle(SimpleNamespace):
    """An actor of `RayThatLoses`."""

    __hash__ = object.__hash__  # type: ignore[assignment]


class Reference:
    """What a call on an actor of `RayThatLoses` gives at once."""

    def __init__(self, value: Callable[[], object]) -> None:
        self.value = value


def on(ray: RayThatLoses, monkeypatch: pytest.MonkeyPatch) -> RayCluster:
    monkeypatch.setattr(linking.run.cluster, "import_ray", lambda: ray)
    return RayCluster("auto")


@pytest.mark.parametrize("seed", range(10))
def test_lost_parts_are_done_elsewhere_each_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, seed: int
) -> None:
    ray = RayThatLoses(seed, lambda part, times: times <= part % 3)
    with on(ray, monkeypatch) as executor:
        for parts in (range(12), [], [40]):
            done = list(executor.run(partial(square, tmp_path), parts))
            assert sorted(done) == [(part, part**2) for part in parts]
    assert not ray.actors
    assert executor.parts_of == {"node": 13}
    assert ray.begun == {**{part: part % 3 + 1 for part in range(12)}, 40: 2}


@pytest.mark.parametrize(
    ("lost", "greeting", "said"),
    [
        (True, None, "part 0 was lost with its worker 3 times"),
        (False, ("0.0", "node"), "howtree 0.0"),
        (False, RayThatLoses.exceptions.RayActorError("ModuleNotFoundError: linking"), "cannot load howtree"),
        (False, RayThatLoses.exceptions.RayActorError("no such node"), "8 workers in turn were lost"),
        (False, None, "does not see"),
    ],
)
def test_a_cluster_that_cannot_do_the_work_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, lost: bool, greeting: object, said: str
) -> None:
    executor = on(RayThatLoses(0, lambda part, times: lost, greeting), monkeypatch)
    with executor, pytest.raises(BadInput, match=said):
        list(executor.run(partial(square, tmp_path / "not there"), [0]))


@pytest.fixture(scope="module")
def head(sample_kb_path: Path) -> Iterator[Any]:
    """The first node of a Ray cluster on this machine, with one worker that can import these tests.

    The sample is built before, whose pages are read by forks.
    """
    pytest.importorskip("ray", reason="needs Ray: pip install 'howtree[ray]'")
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch:
        for name, value in surroundings(PYTHONPATH=os.pathsep.join(filter(None, sys.path))).items():
            patch.setenv(name, value)
        import_ray()
        cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
        yield cluster
        cluster.shutdown()


@pytest.fixture
def cluster(head: Any) -> Any:
    """The cluster with its second node, unless a test before has left it that."""
    if not head.worker_nodes:
        head.add_node(num_cpus=1, num_gpus=1)  # a GPU by name, which is all that handing out work needs
        head.wait_for_nodes()
    return head


def test_work_on_a_gpu_goes_to_nodes_that_have_one(cluster: Any, tmp_path: Path) -> None:
    for folder in ("with", "without"):
        (tmp_path / folder).mkdir()
    with RayCluster(cluster.address) as executor:
        list(executor.run(partial(note_gpu, tmp_path / "with", 1), [0, 1, 2], gpu=True))
        assert list(executor.parts_of.values()) == [3]
        list(executor.run(partial(note_gpu, tmp_path / "without", 2), [0, 1]))
        assert sorted(executor.parts_of.values()) == [1, 4]
    assert {path.read_text() for path in (tmp_path / "with").glob("gpu-*")} == {"0"}
    assert {path.read_text() for path in (tmp_path / "without").glob("gpu-*")} == {""}


@pytest.mark.skipif(torch.cuda.is_available(), reason="is about nodes without a GPU")
def test_a_node_whose_gpu_torch_does_not_see_is_told(
    cluster: Any, few_articles: Path, tmp_path: Path, run: Run
) -> None:
    build = ["build", few_articles, "-o", tmp_path / "kb.duckdb", "--executor", "ray", "--device", "cuda"]
    done = run(*build, "--address", cluster.address)
    assert done.returncode == 1 and "torch sees no GPU on" in done.stderr
    assert not (tmp_path / "kb.duckdb").exists()


def test_a_cluster_without_a_gpu_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    executor = on(RayThatLoses(0, lambda part, times: False), monkeypatch)
    with executor, pytest.raises(BadInput, match="no node of the cluster offers a GPU"):
        list(executor.run(partial(square, tmp_path), [0], gpu=True))


class Killer:
    """Stands for the progress bars and kills a node once some parts are done, and some of them on each node."""

    def __init__(self, cluster: Any, after: int, executor: RayCluster) -> None:
        self.cluster, self.left, self.executor = cluster, after, executor
        self.killed = False

    def __call__(self, *_: object) -> Killer:
        return self

    def __enter__(self) -> Killer:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def update(self, _: int) -> None:
        self.left -= 1
        if self.left <= 0 and not self.killed and min(self.executor.parts_of.values()) > 3:
            self.killed = True
            (lost,) = self.cluster.worker_nodes
            self.cluster.remove_node(lost, allow_graceful=False)


@pytest.mark.parametrize(
    "after",
    [
        pytest.param(12, id="while encoding", marks=pytest.mark.torture),
        pytest.param(60, id="while retrieving"),
    ],
)
def test_two_nodes_of_which_one_is_killed_give_what_one_process_gives(
    cluster: Any,
    after: int,
    sample_kb_path: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    executor = RayCluster(cluster.address, 2)
    list(executor.run(partial(meet, tmp_path, 2), [0, 1]))
    assert sorted(executor.parts_of.values()) == [1, 1]
    monkeypatch.setattr(linking.pipeline, "progress", Killer(cluster, after, executor))
    monkeypatch.setattr(kb.build.build, "executor_of", lambda *_: executor)
    kb.build.build.build([SAMPLE], tmp_path / "kb.duckdb", Options(part_size=16))
    assert "A worker was lost" in capsys.readouterr().err
    assert min(executor.parts_of.values()) > 3
    assert rows(tmp_path / "kb.duckdb", "SELECT count(*) FROM best_links")[0][0] > 100
    assert content(tmp_path / "kb.duckdb") == content(sample_kb_path)
