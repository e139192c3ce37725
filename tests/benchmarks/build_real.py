"""What a build of real articles costs, and what adding one article in a hundred costs beside it.

    HOWTREE_REAL_DATA=DIR python tests/benchmarks/build_real.py

Prints seconds by stage, peak memory, and the ratio of the addition to the full build, the time for loading the
libraries and the model taken off both.
"""

from __future__ import annotations

import gzip
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def build(*arguments: object) -> tuple[float, str]:
    """Seconds and tally of one build."""
    clock = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "kb", "build", *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1", "HOWTREE_PROGRESS": "0"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return time.monotonic() - clock, done.stderr


def loading() -> float:
    """Seconds to load the libraries and the model, encoding nothing."""
    clock = time.monotonic()
    code = "import faiss, kb.build.build; from linking.encode.encoder import load_encoder; load_encoder()"
    subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True)
    return time.monotonic() - clock


def main() -> None:
    """Build all but a hundredth, add it, and print what each cost."""
    source = Path(os.environ["HOWTREE_REAL_DATA"]) / "articles" / "wikihow.jsonl.gz"
    with gzip.open(source, "rt", encoding="utf-8") as file:
        lines = file.readlines()
    with tempfile.TemporaryDirectory() as folder:
        most, rest, output = (Path(folder) / name for name in ("most.jsonl", "rest.jsonl", "kb.duckdb"))
        most.write_text("".join(line for i, line in enumerate(lines) if i % 100 != 50), encoding="utf-8")
        rest.write_text("".join(lines[50::100]), encoding="utf-8")
        load = min(loading() for _ in range(2))
        full, full_tally = build(most, "-o", output)
        added, added_tally = build(most, rest, "-o", output)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    print(full_tally, added_tally, sep="\n")
    print(f"loading libraries and model {load:.1f} s")
    print(
        f"full build {full:.1f} s, adding {len(lines[50::100])} articles {added:.1f} s, peak memory {peak:.2f} GiB"
    )
    print(f"addition / full build, without loading: {(added - load) / (full - load):.3f}")


if __name__ == "__main__":
    main()
