"""Executors: a pool and a Ray cluster give what one process gives, edge for edge, also when a node is lost."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from conftest import SAMPLE, SMALL_PARTS, Run, surroundings
from test_build import content, rows

import kb.build
import linking.pipeline
import linking.vectors
from howtree import BadInput, BadUsage
from linking.executors import Executor, InProcess, Pool, executor_of

NOBODY = "127.0.0.1:1"
"""An address where nothing listens."""


def square(folder: Path, part: int) -> int:
    """Work that leaves a file and tells what it worked on."""
    (folder / str(part)).write_text(str(os.getpid()))
    return part**2


def die(part: int) -> int:
    """Work that takes its process with it."""
    os._exit(part)


def meet(folder: Path, parts: int, part: int) -> int:
    """Work that ends only when all parts have begun: each on a worker of its own."""
    (folder / f"began-{part}").touch()
    while len(list(folder.glob("began-*"))) < parts:
        pass
    return 1


@pytest.mark.parametrize("executor", [InProcess, lambda: Pool(2)])
def test_every_part_is_done_once(executor: Callable[[], Executor], tmp_path: Path) -> None:
    with executor() as workers:
        for parts in ([], [3], [0, 1, 5, 7]):
            done = list(workers.run(partial(square, tmp_path), parts))
            assert sorted(done) == [(part, part**2) for part in parts]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0", "1", "3", "5", "7"]


def test_a_lost_process_of_the_pool_is_told() -> None:
    with Pool(2) as workers, pytest.raises(BadInput, match="--workers than 2"):
        list(workers.run(die, [1, 2, 3]))


def test_a_pool_gives_what_one_process_gives(sample_kb_path: Path, tmp_path: Path) -> None:
    output = tmp_path / "kb.duckdb"
    command = [*SMALL_PARTS, "build", str(SAMPLE), "-o", str(output), "--executor", "pool", "--workers", "3"]
    done = subprocess.run(command, env=surroundings(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(list(output.with_suffix(".work").glob("links/en/*/lists/part-*.npz"))) > 10
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
    run: Run, tmp_path: Path, options: list[str], code: int, said: str
) -> None:
    if "ray" in options:
        pytest.importorskip("ray", reason="needs Ray: pip install 'howtree[ray]'")
    done = run("build", SAMPLE, "-o", tmp_path / "kb.duckdb", *options, RAY_ADDRESS=NOBODY)
    assert done.returncode == code
    assert said in done.stderr and "Traceback" not in done.stderr


def test_a_missing_ray_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(BadInput, match=r"pip install 'howtree\[ray\]'"):
        executor_of("ray")
    with pytest.raises(BadUsage, match="not 'cloud'"):
        executor_of("cloud")


@pytest.fixture
def cluster() -> Iterator[Any]:
    """A Ray cluster of two nodes on this machine, with one worker each."""
    pytest.importorskip("ray", reason="needs Ray: pip install 'howtree[ray]'")
    from ray.cluster_utils import Cluster

    os.environ.update(surroundings(RAY_USAGE_STATS_ENABLED="0", RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO="0"))
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    cluster.add_node(num_cpus=1)
    cluster.wait_for_nodes()
    yield cluster
    cluster.shutdown()


class Killer:
    """Stands for the progress bars and kills a node once some parts are done."""

    def __init__(self, cluster: Any, after: int) -> None:
        self.cluster, self.left = cluster, after

    def __call__(self, *_: object) -> Killer:
        return self

    def __enter__(self) -> Killer:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def update(self, _: int) -> None:
        self.left -= 1
        if self.left == 0:
            (lost,) = self.cluster.worker_nodes
            self.cluster.remove_node(lost, allow_graceful=False)


@pytest.mark.parametrize("after", [12, 60], ids=["while encoding", "while retrieving"])
def test_two_nodes_of_which_one_is_killed_give_what_one_process_gives(
    cluster: Any,
    after: int,
    sample_kb_path: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from linking.cluster import RayCluster

    executor = RayCluster(cluster.address, 2)
    list(executor.run(partial(meet, tmp_path, 2), [0, 1]))
    assert sorted(executor.parts_of.values()) == [1, 1]
    monkeypatch.setattr(linking.vectors, "PART_SIZE", 16)
    monkeypatch.setattr(linking.pipeline, "progress", Killer(cluster, after))
    monkeypatch.setattr(kb.build, "executor_of", lambda *_: executor)
    kb.build.build([SAMPLE], tmp_path / "kb.duckdb")
    assert "A worker was lost" in capsys.readouterr().err
    assert min(executor.parts_of.values()) > 3
    assert rows(tmp_path / "kb.duckdb", "SELECT count(*) FROM edges")[0][0] > 100
    assert content(tmp_path / "kb.duckdb") == content(sample_kb_path)
