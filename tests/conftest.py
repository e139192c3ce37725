"""What tests share: the command as a person runs it, the sample knowledge base, and where the real data lies."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit
from streamlit.testing.v1 import AppTest
from support.command import SAMPLE, Run, within, work_folder
from support.real import quarter_of_wikihow
from support.serving import serving
from support.shared import made_once
from support.visiting import ENTRY, Visit, on_page

from kb.store import KnowledgeBase

LONG = (
    "test_real_build.py", "test_browser.py", "test_executors.py", "test_build.py", "test_killed.py",
    "test_verified_build.py", "test_verifier_training.py", "test_docs.py", "test_training.py", "test_limits.py",
    "test_browser_tree.py", "test_browser_reading.py", "test_crashes.py", "test_linking_real.py", "test_verdicts.py",
    "test_kill.py", "test_shell.py", "test_explorer.py", "test_command_line_docs.py", "test_evaluation.py",
    "test_encoder.py", "test_scarcity.py", "test_damaged_work.py", "test_power_cut.py", "test_schema.py",
    "test_cross_encoder.py", "test_judged_real.py", "test_video_real.py",
)  # fmt: skip
"""Files that take 15 seconds or more, the longest first; those of real articles follow the one that builds them."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the long files: where one came last, one worker would run it while the other has nothing to do."""
    items.sort(key=lambda item: LONG.index(item.path.name) if item.path.name in LONG else len(LONG))


@pytest.fixture
def run() -> Run:
    """The command within this process; `howtree` of support.command starts one of its own."""
    return within


@pytest.fixture(scope="session")
def sample_kb_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The knowledge base of the sample articles, built once through the command line. Do not write to it."""
    return made_once(tmp_path_factory, "sample", lambda folder: build_into(folder, SAMPLE))


def build_into(folder: Path, *sources: Path, **environment: str) -> Path:
    """A knowledge base in `folder`."""
    output = folder / "kb.duckdb"
    done = within("build", *sources, "-o", output, **environment)
    assert done.returncode == 0, done.stderr
    return output


@pytest.fixture
def sample_kb(sample_kb_path: Path) -> Iterator[KnowledgeBase]:
    with KnowledgeBase(sample_kb_path) as kb:
        yield kb


@pytest.fixture
def own_sample_kb(sample_kb_path: Path, tmp_path: Path) -> Path:
    """A copy of the sample knowledge base with its work folder, to change."""
    output = tmp_path / "kb.duckdb"
    shutil.copy(sample_kb_path, output)
    shutil.copytree(work_folder(sample_kb_path), work_folder(output))
    return output


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data; tests that ask for it skip where it is not set."""
    folder = os.environ.get("HOWTREE_REAL_DATA")
    if not folder:
        pytest.skip("needs real articles: set HOWTREE_REAL_DATA to their folder")
    return Path(folder)


@pytest.fixture(scope="session")
def real_sources(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ...]:
    """The files of real articles that make one knowledge base: the dishes of the videos, and a quarter of wikiHow's."""
    part = made_once(
        tmp_path_factory, "quarter", lambda folder: quarter_of_wikihow(real_data, folder / "quarter.jsonl")
    )
    return real_data / "video" / "articles.jsonl", part


@pytest.fixture(scope="session")
def real_kb_path(real_sources: tuple[Path, ...], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The knowledge base of the real articles, built once. Do not write to it."""
    return made_once(tmp_path_factory, "real", lambda folder: build_into(folder, *real_sources))


@pytest.fixture(scope="module")
def site(sample_kb_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The address of an explorer of the sample, and the file it shows."""
    kb = tmp_path_factory.mktemp("site") / "kb.duckdb"
    shutil.copy(sample_kb_path, kb)
    with serving(kb) as url:
        yield url, kb


@pytest.fixture
def visit(monkeypatch: pytest.MonkeyPatch, sample_kb_path: Path, tmp_path: Path) -> Iterator[Visit]:
    """Opens a page of the explorer as a visitor with a new browser window would."""
    copy = tmp_path / "shown.duckdb"
    shutil.copy(sample_kb_path, copy)

    def opened(page: str = "find", kb: Path = copy, /, **parameters: str | list[str]) -> AppTest:
        monkeypatch.setattr(sys, "argv", ["app.py", str(kb)])
        return on_page(ENTRY, page, **parameters)

    yield opened
    streamlit.cache_resource.clear()
    streamlit.cache_data.clear()
