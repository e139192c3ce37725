"""What linking the whole of wikiHow costs on this machine, extrapolated from a slice, beside the other ways.

    HOWTREE_REAL_DATA=DIR python tests/benchmarks/full_scale.py [--share 0.05] [--executor pool] [--workers N]
    HOWTREE_REAL_DATA=DIR python tests/benchmarks/full_scale.py --growth [0.01 0.03 0.1 0.3]
    HOWTREE_REAL_DATA=DIR python tests/benchmarks/full_scale.py --memory [0.04 0.4]

The slice is a share of the steps against all 110,000 goals, through the linker's own stages; the verifier reads each
step between its neighbours and each goal with the first steps of its article. Times are those of the pipeline's tally,
so a stage that is added there appears here. Reading, loading and writing are measured by a build of the same share of
the articles. Each measurement runs in a process of its own, whose peak memory is read.
--growth lets goals and steps grow together and fits cost = a * size^b to each stage; --memory lets the steps grow
alone.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(Path(__file__).parent))

from full_corpus import GOALS, STEPS, Material, write_articles  # noqa: E402

GROWTH = (0.01, 0.03, 0.1, 0.3)
TENFOLD = (0.04, 0.4)
"""Both of more than one batch: less than a batch takes less memory."""
BATCH = 50_000


def main() -> None:
    """Measure what the options ask for."""
    options = arguments()
    if options.child:
        print(json.dumps(link(options)))
    elif options.growth is not None:
        show_growth(options)
    elif options.memory is not None:
        show_memory(options)
    else:
        show_whole(options)


def arguments() -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--share", type=float, default=0.05, help="of the steps, of 1 (default 0.05)")
    parser.add_argument(
        "--growth", type=float, nargs="*", help="a table of cost at these shares (default 0.01 to 0.3)"
    )
    parser.add_argument("--memory", type=float, nargs="*", help="peak memory at these shares (0.04, 0.4)")
    parser.add_argument("--executor", default="process", help="process, pool or ray")
    parser.add_argument("--workers", type=int, help="of the pool or the cluster")
    parser.add_argument("--encoder", default="", help="name or folder; default: the packaged one")
    parser.add_argument("--no-others", action="store_true", help="leave the other ways out")
    parser.add_argument("--goals", type=int, default=GOALS, help="to link to, for a trial (default all)")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    return parser.parse_args()


# What a process of its own measures


def link(options: argparse.Namespace) -> dict[str, Any]:
    """Link a share of the steps to `options.goals` goals in the folder `options.child`."""
    import numpy as np

    from linking.model import Model
    from linking.pair import Place
    from linking.pipeline import Goals, Linker, StepBatch
    from linking.run.executors import executor_of
    from linking.text import goal_text, step_text

    material, folder = Material(), Path(options.child)
    model = Model.load(options.encoder)
    encoder = model.encoder
    titles = [goal_text(title) for title in material.titles[: options.goals]]
    goals = Goals(np.arange(options.goals), titles, material.candidates)

    def steps() -> Any:
        articles, places, seen = [], [], 0
        for article, (title, listed) in enumerate(material.articles(options.share)):
            around = ["", *listed, ""]
            places += [Place(step, title, "", *around[i : i + 3 : 2]) for i, step in enumerate(listed)]
            articles += [article] * len(listed)
            if len(places) >= BATCH:
                yield batch(seen, articles, places)
                articles, places, seen = [], [], seen + len(places)
        if places:
            yield batch(seen, articles, places)

    def batch(first: int, articles: list[int], places: list[Place]) -> StepBatch:
        ids, texts = first + np.arange(len(places)), [step_text(place.step) for place in places]
        return StepBatch(ids, np.array(articles), texts, lambda wanted: [places[i] for i in wanted])

    total = sum(len(listed) for _, listed in material.articles(options.share))
    with executor_of(options.executor, options.workers) as executor:
        linker = Linker(folder, model, executor=executor)
        clock = time.monotonic()
        linker.goals.lay_out([goals.texts])
        linker.goals.encode(encoder, executor=executor)
        of_goals = time.monotonic() - clock
        tally = linker.run(goals, steps, total, folder / "candidates")
    sample = linker.steps.texts(0)
    return {
        "goals": options.goals,
        "steps": total,
        "texts": len(linker.steps),
        "verified": tally.verified,
        "tokens": float(np.mean([len(ids) for ids in encoder.token_ids(sample)])),
        "parameters": parameters(encoder.name),
        "dimension": encoder.dimension,
        "kind": encoder.precision,
        "seconds": {"encode goals": of_goals, **tally.seconds},
        "memory": peak_gigabytes(),
        "disk": sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e9,
    }


def parameters(name: str) -> int:
    """Weights of an encoder that each token is multiplied with."""
    from linking.encode.encoder import load_encoder

    model = load_encoder(name, "float32").model
    return sum(p.numel() for name, p in model.named_parameters() if "embeddings" not in name)


def peak_gigabytes() -> float:
    """Peak memory of this process and of the largest of its children, in units of 10^9 bytes."""
    own, children = (
        resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return max(own, children) * 1024 / 1e9


def measured(options: argparse.Namespace, share: float, goals: int, folder: Path) -> dict[str, Any]:
    """`link` in a process of its own."""
    command = [sys.executable, __file__, "--child", folder, "--share", share, "--goals", goals]
    command += ["--executor", options.executor, "--encoder", options.encoder]
    command += ["--workers", options.workers] if options.workers else []
    done = subprocess.run(
        list(map(str, command)), env=surroundings(), stdout=subprocess.PIPE, text=True, check=True
    )
    return dict(json.loads(done.stdout.splitlines()[-1]))


def built(material: Material, share: float, folder: Path) -> dict[str, float]:
    """Seconds of the stages around the linker, from a build of a share of the articles through the command.

    By the quicker encoder, since they do not depend on it.
    """
    from linking.encode.folder import SMALL_ENCODER

    source, output = folder / "articles.jsonl", folder / "kb.duckdb"
    write_articles(material, share, source)
    command = [sys.executable, "-m", "kb", "build", source, "-o", output, "--encoder", SMALL_ENCODER]
    subprocess.run(list(map(str, command)), env=surroundings(), stderr=subprocess.DEVNULL, check=True)
    import duckdb

    with duckdb.connect(str(output), read_only=True) as session:
        row = session.execute("SELECT tally->>'seconds' FROM runs").fetchone()
    assert row is not None
    seconds = json.loads(row[0])
    return {stage: seconds[stage] for stage in ("read", "load", "edges")}


def surroundings() -> dict[str, str]:
    """The environment of a process that measures."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1", "HOWTREE_PROGRESS": "0"}


def matrix_rate(kind: str) -> float:
    """Best of several products of square matrices with torch, in 10^9 operations a second."""
    import torch

    size, best = 2_048, math.inf
    a, b = ((50 * torch.randn(size, size)).clamp(-127, 127).to(getattr(torch, kind)) for _ in range(2))
    multiply = torch._int_mm if kind == "int8" else torch.matmul
    for _ in range(8):
        clock = time.perf_counter()
        multiply(a, b)
        best = min(best, time.perf_counter() - clock)
    return 2 * size**3 / best / 1e9


# What is printed


def show_whole(options: argparse.Namespace) -> None:
    """Rates of a slice, the whole extrapolated, the share of the matrix rate, and the other ways."""
    material = Material()
    with tempfile.TemporaryDirectory() as name:
        found = measured(options, options.share, options.goals, Path(name) / "links")
        around = built(material, options.share, Path(name))
    factor = STEPS / found["steps"]
    print(f"{found['steps']:,} steps ({options.share:.0%}), {found['texts']:,} distinct texts:", end=" ")
    print(f"{1 - found['texts'] / found['steps']:.0%} of the steps repeat a text; {found['goals']:,} goals")
    print(f"load of the machine before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    print(f"\n{'stage':<16}{'seconds':>10}{'steps/s':>12}{'whole':>12}")
    whole = 0.0
    for stage, seconds in {**found["seconds"], **around}.items():
        once = stage == "encode goals"
        full = seconds * (GOALS / found["goals"] if once else factor)
        whole += full
        rate = found["goals"] / seconds if once else found["steps"] / max(seconds, 1e-9)
        print(f"{stage:<16}{seconds:>10.1f}{rate:>12,.0f}{duration(full):>12}")
    print(f"{'all':<16}{'':>22}{duration(whole):>12}")
    print(f"\n{found['verified'] / found['steps']:.2f} pairs a step were read by the verifier")
    print(f"peak memory {found['memory']:.2f} GB; disk {found['disk'] * factor:.1f} GB for the whole")
    show_shares(found)
    if not options.no_others:
        linking = sum(s for stage, s in found["seconds"].items() if stage != "encode goals") / found["steps"]
        show_others(material.titles[: options.goals], material, linking)


def show_shares(found: dict[str, Any]) -> None:
    """How much of the machine's matrix rate encoding and retrieval reach."""
    from linking.encode.device import has_int8

    kinds = ["float32", "bfloat16", *(["int8"] if has_int8() else [])]
    rates = {kind: matrix_rate(kind) for kind in kinds}
    print("matrix rate: " + ", ".join(f"{name} {rate:,.0f} GFLOP/s" for name, rate in rates.items()))
    encode = 2 * found["parameters"] * found["tokens"] * found["texts"] / found["seconds"]["encode"] / 1e9
    retrieve = 2 * found["dimension"] * found["goals"] * found["texts"] / found["seconds"]["retrieve"] / 1e9
    kind = found["kind"]
    print(f"encode: {encode:,.0f} GFLOP/s, {encode / rates[kind]:.0%} of the {kind} rate; ", end="")
    print(f"{found['tokens']:.1f} tokens a text")
    print(f"retrieve: {retrieve:,.0f} GFLOP/s, {retrieve / rates['float32']:.0%} of the float32 rate")


def show_others(goals: list[str], material: Material, linking: float) -> None:
    """Seconds a step of the other ways, and how many times that of howtree."""
    from other_ways import seconds_a_step

    steps = [step for _, listed in material.articles(0.001) for step in listed]
    ways = {
        "howtree: encode, retrieve and all stages after": linking,
        **seconds_a_step(goals, steps),
    }
    print(f"\n{'way':<48}{'ms/step':>10}{'ratio':>10}{'whole':>12}")
    for way, seconds in ways.items():
        print(f"{way:<48}{1e3 * seconds:>10.2f}{seconds / linking:>10.1f}{duration(seconds * STEPS):>12}")


def show_growth(options: argparse.Namespace) -> None:
    """Seconds of each stage as goals and steps grow together, and the exponent of each."""
    shares = options.growth or list(GROWTH)
    found = []
    for share in shares:
        with tempfile.TemporaryDirectory() as name:
            found.append(measured(options, share, round(share * GOALS), Path(name)))
    print(f"{'stage':<16}" + "".join(f"{share:>10.1%}" for share in shares) + f"{'exponent':>10}")
    for stage in found[0]["seconds"]:
        seconds = [max(1e-3, each["seconds"][stage]) for each in found]
        b = exponent(shares, seconds)
        note = "  worse than linear" if b > 1.15 else ""
        note += ": each step is compared with each goal" if note and stage == "retrieve" else ""
        print(f"{stage:<16}" + "".join(f"{s:>10.1f}" for s in seconds) + f"{b:>10.2f}{note}")
    print(f"{'memory (GB)':<16}" + "".join(f"{each['memory']:>10.2f}" for each in found))
    print(f"{'steps':<16}" + "".join(f"{each['steps']:>10,}" for each in found))


def show_memory(options: argparse.Namespace) -> None:
    """Peak memory as the steps grow and the goals do not."""
    print(f"{'steps':>12}{'goals':>12}{'peak memory (GB)':>20}")
    for share in options.memory or TENFOLD:
        with tempfile.TemporaryDirectory() as name:
            found = measured(options, share, options.goals, Path(name))
        print(f"{found['steps']:>12,}{found['goals']:>12,}{found['memory']:>20.2f}")


def exponent(sizes: list[float], costs: list[float]) -> float:
    """b of the least-squares fit log(cost) = log(a) + b * log(size)."""
    x, y = [math.log(s) for s in sizes], [math.log(c) for c in costs]
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    return sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True)) / sum(
        (a - mean_x) ** 2 for a in x
    )


def duration(seconds: float) -> str:
    """Seconds for people."""
    if seconds >= 86_400:
        return f"{seconds / 86_400:,.1f} days"
    return f"{seconds / 3_600:.1f} h" if seconds >= 3_600 else f"{seconds / 60:.1f} min"


if __name__ == "__main__":
    main()
