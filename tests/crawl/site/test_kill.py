"""A crawl that is killed, stopped or started twice: real processes, real time, the server's log as witness.

HOWTREE_KILLS sets how often the crawl of 300 pages is killed (default 6; 50 takes about a minute and a half).
"""

from __future__ import annotations

import os
import random
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event

import pytest
from support.crawl_site import Site, answer, article, hang, redirect
from warcio.archiveiterator import ArchiveIterator

from crawl.article import Article
from crawl.readers.sources import read

PAGES = 300
KILLS = int(os.environ.get("HOWTREE_KILLS", "6"))
DELAY = 0.01
ROOT = Path(__file__).parents[3]


@pytest.fixture
def site() -> Iterator[Site]:
    with Site(clock=time.monotonic) as site:
        yield site


def start(
    folder: Path, site: Site, *words: object, delay: float = DELAY, limits: Callable[[], None] | None = None
) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "kb", "crawl", str(folder), *map(str, words)]
    command += ["--host", site.origin, "--delay", str(delay)]
    command += ["--contact", "reader@example.org", "--accept-terms"]
    return subprocess.Popen(
        command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=limits
    )


def finish(process: subprocess.Popen[str], code: int = 0) -> str:
    _, errors = process.communicate(timeout=120)
    assert process.returncode == code, errors
    return errors


def done(folder: Path) -> set[str]:
    """Paths that the frontier has recorded an outcome for; none where it was not even made."""
    if not (folder / "frontier.sqlite").exists():
        return set()
    db = sqlite3.connect(folder / "frontier.sqlite")
    try:
        return {path for (path,) in db.execute("SELECT path FROM pages WHERE outcome IS NOT NULL")}
    except sqlite3.OperationalError:  # killed before the tables stood
        return set()
    finally:
        db.close()


def archived(folder: Path) -> Counter[str]:
    """How often each address is in the segments, read by warcio alone."""
    found: Counter[str] = Counter()
    for path in sorted(folder.glob("*.warc.gz")):
        with path.open("rb") as file:
            for record in ArchiveIterator(file, check_digests="raise"):
                body = record.content_stream().read()
                if record.rec_type == "response":
                    assert record.http_headers.get_statuscode() != "200" or body.endswith(b"</html>")
                    found[record.rec_headers.get_header("WARC-Target-URI")] += 1
    return found


def test_killed_at_random_moments_no_page_is_lost_or_fetched_again(site: Site, tmp_path: Path) -> None:
    padding = "".join(random.choices("abcdefgh ", k=60_000))
    for number in range(PAGES):
        body = article(f"Page {number}", links=[f"Page-{number + 1}"], number=number + 1)
        site.at(f"/Page-{number}", answer(200, body.replace("</body>", f"<!--{padding}--></body>")))
    site.at("/Page-299", redirect("/Last"))
    site.articles("Last")
    (tmp_path / "titles.txt").write_text("\n".join(f"Page {number}" for number in range(PAGES - 50)))
    folder = tmp_path / "c"
    words = ("--seeds", tmp_path / "titles.txt", "--follow", "links", "--depth", "60")
    fetched_again: Counter[str] = Counter()
    cut_short = 0
    for _ in range(KILLS):
        log_before, done_before = len(site.log), done(folder)
        process = start(folder, site, *words)
        moment = time.monotonic() + 10
        while len(site.log) == log_before and process.poll() is None and time.monotonic() < moment:
            time.sleep(0.005)  # the interesting moments come after the first request
        time.sleep(random.uniform(0, 2.5 * PAGES / KILLS * DELAY))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        cut_short += process.returncode == -signal.SIGKILL
        fetched_again.update(hit.path for hit in site.log[log_before:] if hit.path in done_before)
    log_before, done_before = len(site.log), done(folder)
    assert "0 pages wait" in finish(start(folder, site, *words))
    fetched_again.update(hit.path for hit in site.log[log_before:] if hit.path in done_before)
    assert not fetched_again
    assert cut_short >= KILLS / 2
    everything = {f"/Page-{number}" for number in range(PAGES)} | {"/Last"}
    assert done(folder) == everything
    assert archived(folder) == Counter({site.origin + path: 1 for path in everything})
    slugs = Counter(found.slug for found in read([folder]) if isinstance(found, Article))
    assert slugs == Counter(path.removeprefix("/") for path in everything - {"/Page-299"})
    assert min(site.gaps()) >= DELAY
    again = sum(Counter(site.paths()).values()) - len(everything)
    print(f"{KILLS} kills, {cut_short} of a living crawl; gap {min(site.gaps()):.4f} s; {again} sent twice")
    assert again <= cut_short  # at most the page in hand


def test_the_log_of_the_server_proves_the_pace_in_real_time(site: Site, tmp_path: Path) -> None:
    site.articles(*"ABCDEFGH")
    site.at("/C", answer(503), answer(200, article("C")))
    site.at("/D", answer(429, Retry_After="2"), answer(200, article("D")))
    errors = finish(start(tmp_path / "c", site, *"ABCDEFGH", delay=0.05))
    assert "8 ok" in errors
    gaps = site.gaps()
    assert len(gaps) == 10
    assert min(gaps) >= 0.05
    assert gaps[3] >= 0.5  # ten times the interval after the 503
    assert gaps[4] >= 2.0  # the wish to wait


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_signal_stops_after_the_page_in_hand(site: Site, tmp_path: Path, number: signal.Signals) -> None:
    site.articles(*"ABCD")

    def slowly(request: object) -> None:
        process.send_signal(number)
        time.sleep(0.5)
        answer(200, article("B"))(request)  # type: ignore[arg-type]

    site.at("/B", slowly)
    process = start(tmp_path / "c", site, *"ABCD", delay=0.05)
    errors = finish(process, 130)
    assert "2 ok" in errors and "2 pages wait" in errors and "Traceback" not in errors
    assert done(tmp_path / "c") == {"/A", "/B"}


def test_a_second_signal_stops_at_once(site: Site, tmp_path: Path) -> None:
    site.articles("A")

    def stuck(request: object) -> None:
        process.send_signal(signal.SIGINT)
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        process.wait(60)  # no answer until it has ended: it must not wait for one
        ended.set()

    ended = Event()
    site.at("/B", stuck)
    process = start(tmp_path / "c", site, "A", "B", delay=0.05)
    assert "Traceback" not in finish(process, 130)
    assert ended.wait(10)
    assert done(tmp_path / "c") == {"/A"}


def test_a_signal_ends_a_long_pause_at_once(site: Site, tmp_path: Path) -> None:
    site.at("/A", answer(429, Retry_After="500"))
    process = start(tmp_path / "c", site, "A")
    while not site.paths():
        time.sleep(0.01)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    assert "1 pages wait" in finish(process, 130)


def test_a_folder_takes_one_crawl_at_a_time(site: Site, tmp_path: Path) -> None:
    site.at("/A", hang(3))
    first = start(tmp_path / "c", site, "A")
    while not site.paths():
        time.sleep(0.01)
    assert "another crawl is running" in finish(start(tmp_path / "c", site, "B"), 1)
    look = [sys.executable, "-m", "kb", "crawl", "--status", str(tmp_path / "c")]
    assert "waiting" in subprocess.run(look, cwd=ROOT, text=True, capture_output=True, check=True).stdout
    first.kill()
    first.communicate()


def test_a_full_disk_ends_the_run_and_nothing_is_lost(site: Site, tmp_path: Path) -> None:
    for name in "ABCD":
        noise = "".join(random.choices("abcdefghijklmnopqrstuvwxyz", k=250_000))
        site.at(f"/{name}", answer(200, article(name).replace("</body>", f"{noise}</body>")))

    def small_disk() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))

    errors = finish(start(tmp_path / "c", site, *"ABCD", limits=small_disk), 1)
    assert "cannot be written" in errors and "Traceback" not in errors
    before = done(tmp_path / "c")
    assert before and len(before) < 4
    finish(start(tmp_path / "c", site))
    assert done(tmp_path / "c") == {"/A", "/B", "/C", "/D"}
    assert set(archived(tmp_path / "c").values()) == {1}
    assert all(site.paths().count(path) == 1 for path in before)
