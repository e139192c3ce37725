"""The command at home in a shell: readers that leave, Ctrl-C, narrow encodings."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.bombs import DEAF
from support.command import SAMPLE, Run, howtree, surroundings

COMMAND = [sys.executable, "-m", "kb"]
MANY_ROWS = ["sql", "FROM range(1000000)", "--limit", "2000000", "--format"]
LEFT_EARLY = {
    "help": ["build", "--help"],
    "tree": ["tree", "Host a Dinner Party", "--depth", "20"],
    "tree as JSON": ["tree", "Host a Dinner Party", "--format", "json"],
    "search": ["search", "make", "--limit", "1000"],
    "CSV": [*MANY_ROWS, "csv"],
    "JSON": [*MANY_ROWS, "json"],
    "table": [*MANY_ROWS, "table"],
}


def started(*arguments: object, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        env=surroundings(**environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=heed_ctrl_c,
    )


def heed_ctrl_c() -> None:
    """Jobs in the background of a shell ignore Ctrl-C and pass that on: the command is to be as in the foreground."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize("arguments", LEFT_EARLY.values(), ids=LEFT_EARLY.keys())
@pytest.mark.parametrize("lines", [0, 1])
def test_a_reader_that_leaves_early_causes_no_error(
    sample_kb_path: Path, arguments: list[str], lines: int
) -> None:
    process = started(*arguments, HOWTREE_KB=str(sample_kb_path))
    assert process.stdout is not None and process.stderr is not None
    for _ in range(lines):
        assert process.stdout.readline()
    process.stdout.close()
    assert (process.stderr.read(), process.wait()) == ("", 0)


def test_a_full_disk_behind_stdout_is_an_error(sample_kb_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*COMMAND, "info", "--kb", sample_kb_path],
            env=surroundings(), stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == "howtree: cannot write the output: No space left on device\n"


def test_without_any_stdout_a_command_works(sample_kb_path: Path) -> None:
    done = subprocess.run(
        [*COMMAND, "info", "--kb", sample_kb_path],
        env=surroundings(), preexec_fn=lambda: os.close(1), stderr=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


def test_ctrl_c_in_the_middle_of_the_output_ends_with_130(sample_kb_path: Path) -> None:
    process = started(*MANY_ROWS, "csv", "--kb", sample_kb_path)
    assert process.stdout is not None
    assert process.stdout.readline() == "range\n"
    process.send_signal(signal.SIGINT)
    _, told = process.communicate()
    assert (process.returncode, told) == (130, "howtree: stopped\n")


def working_child(process: subprocess.Popen[str]) -> Path:
    """The /proc folder of the one child of a process, once it has worked for 2 s: by then its query runs."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    while True:
        assert process.poll() is None
        for child in children.read_text().split():
            if int(Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[11]) >= 200:
                return Path(f"/proc/{child}")
        time.sleep(0.01)


def test_ctrl_c_within_a_query_ends_with_130(sample_kb_path: Path) -> None:
    process = started("sql", DEAF, "--format", "csv", "--kb", sample_kb_path)
    child = working_child(process)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate()
    assert (process.returncode, told) == (130, "howtree: stopped\n")
    assert not child.exists()


def test_a_query_does_not_outlive_a_command_that_was_killed(sample_kb_path: Path) -> None:
    process = started("sql", DEAF, "--kb", sample_kb_path)
    child = working_child(process)
    process.kill()
    process.communicate()
    while child.exists() and "(zombie)" not in (child / "status").read_text():
        time.sleep(0.01)


def test_ctrl_c_in_a_build_says_what_is_kept_and_the_same_command_goes_on(tmp_path: Path) -> None:
    output = tmp_path / "kb.duckdb"
    process = started("build", SAMPLE, "-o", output)
    while not list(tmp_path.glob("*.work/corpus/part-*.parquet")):
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate()
    assert process.returncode == 130
    (work,) = tmp_path.glob("*.work")
    assert told == f"howtree: stopped; what is whole is kept in {work}: the same command goes on from there\n"
    assert not output.exists()


@pytest.mark.parametrize("encoding", ["latin-1", "ascii"])
def test_a_tree_is_drawn_with_what_stdout_can_write(sample_kb_path: Path, encoding: str) -> None:
    tree = ["tree", "Host a Dinner Party", "--depth", "2", "--kb", sample_kb_path]
    done = howtree(*tree, PYTHONIOENCODING=encoding)
    drawn = howtree(*tree).stdout.translate(str.maketrans({"├": "|", "└": "`", "│": "|", "─": "-"}))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == drawn and done.stdout.isascii()


@pytest.mark.parametrize("encoding", ["latin-1", "ascii"])
def test_what_stdout_cannot_write_is_escaped_as_json_reads_it(sample_kb_path: Path, encoding: str) -> None:
    query = "SELECT chr(128512) || ' Ωé\\\\ü' AS text"
    done = subprocess.run(
        [*COMMAND, "sql", query, "--format", "json", "--kb", sample_kb_path],
        env=surroundings(PYTHONIOENCODING=encoding), capture_output=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.isascii() == (encoding == "ascii")
    assert json.loads(done.stdout.decode(encoding)) == {"text": "\N{GRINNING FACE} Ωé\\\\ü"}


def test_the_posix_locale_is_no_hindrance(sample_kb_path: Path) -> None:
    tree = ["tree", "Host a Dinner Party", "--kb", sample_kb_path]
    done = howtree(*tree, LC_ALL="POSIX", LANG="")
    assert (done.returncode, done.stdout) == (0, howtree(*tree).stdout)


NOBODY = """
import pwd, sys
def unknown(number): raise KeyError(number)
pwd.getpwuid = unknown
from kb.commands.cli import main
main()
"""


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [(["tree", "Host a Dinner Party"], 0, ""), (["weights", "list"], 1, "set XDG_CACHE_HOME")],
)
def test_a_user_without_home_or_name_can_read_and_hears_what_weights_need(
    sample_kb_path: Path, arguments: list[str], code: int, said: str
) -> None:
    environment = surroundings(HOWTREE_KB=str(sample_kb_path))
    for name in ("HOME", "XDG_CACHE_HOME", "USER"):
        environment.pop(name, None)
    done = subprocess.run(
        [sys.executable, "-c", NOBODY, *arguments],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == code and said in done.stderr and "Traceback" not in done.stderr


def test_a_home_that_cannot_be_written_is_no_hindrance(sample_kb_path: Path) -> None:
    home = {"HOME": "/proc/nobody", "XDG_CACHE_HOME": ""}
    done = howtree("search", "--semantic", "get rid of weeds", "--kb", sample_kb_path, **home)
    assert (done.returncode, done.stderr) == (0, "") and done.stdout


def test_on_a_terminal_a_build_shows_what_it_does_from_its_start_on(own_sample_kb: Path) -> None:
    """Also while it counts nothing: it loads libraries and a model for seconds."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, "build", SAMPLE, "-o", own_sample_kb],
        env=surroundings(HOWTREE_PROGRESS="1"), stdin=theirs, stdout=theirs, stderr=theirs,
    )  # fmt: skip
    os.close(theirs)
    seen = b""
    with contextlib.suppress(OSError):  # that is how the end of a terminal is told
        while read := os.read(ours, 2**16):
            seen += read
    os.close(ours)
    assert process.wait() == 0
    shown = re.findall(r"\x1b\[K([A-Z][\w ]+):", seen.decode())
    assert shown[0] == "Building" and shown.count("Loading the encoder") >= 2
    assert f"Wrote {own_sample_kb}" in seen.decode()


def test_the_hint_that_takes_a_review_back_can_be_pasted(run: Run, own_sample_kb: Path) -> None:
    kb = own_sample_kb.rename(own_sample_kb.with_name("Ann's kb.duckdb"))
    saved = run("review", "add", 1, "no link", "--who", "Ann O'Hara", "--kb", kb)
    command = shlex.split(saved.stderr.partition("To take it back: ")[2])
    done = run(*command[1:])
    assert done.returncode == 0 and "Took back" in done.stderr
