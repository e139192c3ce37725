"""What an installation gets: a wheel made of this checkout holds the four packages, whole, and nothing else."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest
from support.command import ROOT, surroundings

PACKAGES = ("crawl", "howtree", "kb", "linking")
WEIGHTS = (".safetensors", ".npz")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel of a copy of the checkout, as pip makes it; the weights are left empty, which is much quicker."""
    source, output = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in ("pyproject.toml", "README.md", "LICENSE", "app.py"):
        shutil.copy(ROOT / name, source)
    for file in shipped():
        copy = source / file
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(b"" if copy.suffix in WEIGHTS else (ROOT / file).read_bytes())
    code = f"from setuptools.build_meta import build_wheel; build_wheel({str(output)!r})"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=source,
        env=surroundings(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (made,) = output.glob("*.whl")
    return made


def shipped() -> set[str]:
    """The files of the four packages, as paths from the root; no sources of the explorer's editor, which is bundled."""
    return {
        str(file.relative_to(ROOT))
        for package in PACKAGES
        for file in (ROOT / package).rglob("*")
        if file.is_file() and file.suffix != ".pyc" and file.parent != ROOT / "kb" / "explorer" / "editor"
    }


def test_a_wheel_holds_every_file_of_the_four_packages_and_nothing_else(wheel: Path) -> None:
    names = ZipFile(wheel).namelist()
    (about,) = {name.split("/")[0] for name in names} - set(PACKAGES)
    assert about.endswith(".dist-info")
    assert {name for name in names if not name.startswith(about)} == shipped()
    assert {f"{package}/py.typed" for package in PACKAGES} < set(names)
    assert {"kb/sql/views.sql", "crawl/article.schema.json", "kb/build/build.py"} < set(names)
    assert any(name.startswith("linking/models/") and name.endswith(WEIGHTS) for name in names)


def test_a_wheel_works_away_from_the_checkout(wheel: Path, sample_kb_path: Path, tmp_path: Path) -> None:
    """The front door and the main script of the explorer."""
    with ZipFile(wheel) as file:
        file.extractall(tmp_path)
    code = f"""
import howtree
from kb import explorer
print(howtree.open({str(sample_kb_path)!r}).tree("Host a Dinner Party", depth=3).goal)
print(howtree.__file__.startswith({str(tmp_path)!r}))
from streamlit.testing.v1 import AppTest
import sys
sys.argv = ["app.py", {str(sample_kb_path)!r}]
test = AppTest.from_file(explorer.__path__[0] + "/entry/app.py", default_timeout=120).run()
print(len(test.exception), len(test.get("page_link")) > 10)
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        cwd=tmp_path,
        env=surroundings(PYTHONPATH=str(tmp_path)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.splitlines() == ["Host a Dinner Party", "True", "0 True"], done.stderr[-2000:]


def test_the_weights_take_64_megabytes_at_most() -> None:
    sizes = [(ROOT / file).stat().st_size for file in shipped() if file.endswith(WEIGHTS)]
    assert 0 < sum(sizes) <= 64_000_000
