"""`howtree crawl`: fetch pages of wikiHow into a folder that `howtree build` reads."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from enum import StrEnum
from itertools import islice
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from howtree.errors import BadInput, BadUsage, HowtreeError, Stopped, stoppable
from howtree.progress import progress, say, warn
from kb.commands.options import JsonFlag, Shape

if TYPE_CHECKING:
    from crawl.site.addresses import Address
    from crawl.site.spider import CrawlTally, Spider

HOST = "www.wikihow.com"
BATCH = 10_000

TERMS = """\
With --accept-terms you confirm that
  - you have read the terms of use and the robots.txt of the site as they are today, and may crawl it;
  - the text stays on your own disk: it belongs to the site and its authors, wikiHow's was under
    CC BY-NC-SA 3.0 until about 2024 and its terms have changed since; you do not publish or sell it;
  - you fetch no pictures (this command never does), and you stop when the site asks you to;
  - the contact you give is your own, and you answer what is sent there."""


class Follow(StrEnum):
    """Which links of an article lead on."""

    links = "links"
    related = "related"
    none = "none"


class Retry(StrEnum):
    """Outcomes whose pages can be put back in the queue."""

    restricted = "restricted"
    gone = "gone"
    redirect = "redirect"
    blocked = "blocked"
    not_article = "not_article"
    failed = "failed"


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @app.command(
        epilog="Example: howtree crawl pages --seeds titles.txt --contact you@example.org --accept-terms. "
        "Run it again to go on after a stop, a kill or a power cut. See docs/crawling.md."
    )
    def crawl(
        folder: Annotated[
            Path, typer.Argument(help="Folder of the crawl; created if missing.", show_default=False)
        ],
        seeds: Annotated[
            list[str] | None, typer.Argument(metavar="SEED", help="Titles or addresses of articles.")
        ] = None,
        seed_file: Annotated[
            Path | None, typer.Option("--seeds", help="A file of titles or addresses.")
        ] = None,
        category: Annotated[
            list[str] | None, typer.Option(help="Name or address of a category; those below it too.")
        ] = None,
        sitemap: Annotated[
            bool, typer.Option("--sitemap", help="All articles of the site's sitemaps.")
        ] = False,
        follow: Annotated[
            list[Follow] | None, typer.Option(help="Also fetch linked articles; remembered.")
        ] = None,
        depth: Annotated[
            int | None, typer.Option(min=1, help="How many links away from a seed to go; 1 at first.")
        ] = None,
        contact: Annotated[str, typer.Option(help="Your mail or web address, named in every request.")] = "",
        accept_terms: Annotated[
            bool, typer.Option("--accept-terms", help="Confirm the terms; without it they are shown.")
        ] = False,
        delay: Annotated[
            float, typer.Option(min=0, help="Shortest pause between requests, in seconds.")
        ] = 3.0,
        timeout: Annotated[float, typer.Option(min=0.1, help="Seconds one request may take.")] = 60.0,
        tries: Annotated[int, typer.Option(min=1, help="Failed requests before a page is given up.")] = 5,
        limit: Annotated[int | None, typer.Option(min=1, help="End after this many visits to pages.")] = None,
        host: Annotated[str, typer.Option(help="Host of titles and categories.", show_default=HOST)] = "",
        allow_host: Annotated[
            list[str] | None, typer.Option(help="A further host that links and redirects may lead to.")
        ] = None,
        refresh: Annotated[
            bool, typer.Option("--refresh", help="Visit fetched pages again for changes.")
        ] = False,
        retry: Annotated[
            list[Retry] | None, typer.Option(help="Put pages with this outcome back in the queue.")
        ] = None,
        status: Annotated[
            bool, typer.Option("--status", help="Show how far the crawl is, and stop.")
        ] = False,
        shape: Annotated[Shape, typer.Option("--format", help="With --status: text, or json.")] = Shape.text,
        as_json: JsonFlag = False,
    ) -> None:
        """Fetch articles of wikiHow, politely, into FOLDER, which `howtree build` reads."""
        if status:
            show_status(folder, as_json or shape is Shape.json)
            return
        from crawl.site.addresses import Hosts, netloc_of
        from crawl.site.spider import Settings, Spider

        check_manners(contact, accept_terms)
        memory = remembered(folder)
        home = host or memory.get("home") or HOST
        hosts = Hosts([home, *(allow_host or ()), *family_hosts(seeds or ())])
        home = hosts.origins[netloc_of(home if "://" in home else f"https://{home}") or ""]
        kinds = (
            frozenset(map(str, follow))
            if follow
            else frozenset(filter(None, memory.get("follow", "").split(",")))
        )
        settings = Settings(
            contact=contact,
            delay=delay,
            timeout=timeout,
            tries=tries,
            follow=kinds - {"none"},
            depth=depth or int(memory.get("depth", 1)),
            limit=limit,
        )
        kept = f"what was fetched is kept in {folder}: the same command goes on"
        with (
            stoppable(kept),
            writing(folder),
            stop_signals() as stopping,
            Spider(folder, hosts, settings, stopping) as spider,
        ):
            spider.frontier.remember("home", home)
            spider.frontier.remember("terms accepted", f"{date.today()}\n{TERMS}")
            for outcome in retry or ():
                count = spider.frontier.requeue(outcome.value)
                say(f"{count:,} pages with outcome {outcome.value} are back in line")
            if refresh:
                say(f"{spider.frontier.refresh():,} pages will be visited again")
            plant(spider, home, seeds or (), category or (), sitemap, seed_file)
            try:
                run(spider)
            finally:
                report(spider, spider.tally)
        if spider.tally.stopped == "stopped":
            raise Stopped(f"stopped; {kept}")


def check_manners(contact: str, accept_terms: bool) -> None:
    """Raise BadUsage if the person has not said who they are or has not confirmed the terms."""
    if not accept_terms:
        raise BadUsage(f"a live crawl needs --accept-terms.\n{TERMS}")
    known = "@" in contact.strip("@") or contact.startswith(("http://", "https://"))
    if not known or not contact.isascii() or not contact.isprintable() or set(contact) & set("()<> "):
        raise BadUsage("--contact must be a mail address or a web page, so that the site can reach you")


def remembered(folder: Path) -> dict[str, str]:
    """The settings that an earlier run in the folder was given, by name; empty if there was none."""
    from crawl.site.frontier import NAME, Frontier

    if not (folder / NAME).is_file():
        return {}
    frontier = Frontier(folder, read_only=True)
    try:
        return {
            name: value for name in ("home", "follow", "depth") if (value := frontier.meta(name)) is not None
        }
    finally:
        frontier.close()


def family_hosts(seeds: list[str] | tuple[str, ...]) -> Iterator[str]:
    """Hosts of wikiHow's family that the seeds on the command line name."""
    from crawl.pages.selectors import language_of_host
    from crawl.site.addresses import netloc_of

    for seed in seeds:
        netloc = netloc_of(seed)
        if netloc and language_of_host(netloc):
            yield netloc


def plant(
    spider: Spider,
    home: str,
    seeds: list[str] | tuple[str, ...],
    categories: list[str] | tuple[str, ...],
    sitemap: bool,
    seed_file: Path | None,
) -> None:
    """Put everything the user named in the queue. Raises BadInput if a name on the command line is wrong."""
    from crawl.site.seeds import NoSeed, category_seed, seed, seeds_of_file, sitemap_seed

    named: list[Address] = [sitemap_seed(home)] if sitemap else []
    try:
        named += [category_seed(name, spider.hosts, home) for name in categories]
        named += [seed(text, spider.hosts, home) for text in seeds]
    except NoSeed as error:
        raise BadInput(str(error)) from error
    spider.plant(named)
    if seed_file:
        lines = seeds_of_file(seed_file, spider.hosts, home)
        read = bad = 0
        while batch := list(islice(lines, BATCH)):
            messages = [line for line in batch if isinstance(line, str)]
            for message in messages[: max(0, 10 - bad)]:
                warn(message)
            read, bad = read + len(batch), bad + len(messages)
            spider.plant(line for line in batch if not isinstance(line, str))
        say(f"{seed_file}: {read:,} lines, {read - bad:,} seeds, {bad:,} left out")
    if not spider.frontier.waiting() and not spider.frontier.counts():
        raise BadUsage("nothing to crawl: name an article, --seeds, --category or --sitemap")


def run(spider: Spider) -> None:
    """Crawl behind a progress bar."""
    before = spider.tally.settled.total()  # taken up from a run that was killed
    settled = sum(spider.frontier.counts().values()) - before
    waiting = spider.frontier.waiting() + before - spider.tally.found
    with progress(None, "crawl", total=settled + waiting + spider.tally.found, unit="pages") as bar:
        bar.initial = bar.n = settled + before

        def turned(tally: CrawlTally) -> None:
            bar.total = settled + waiting + tally.found
            bar.note(tally.settled)
            bar.update(settled + tally.settled.total() - bar.n)

        spider.crawl(turned)


def report(spider: Spider, tally: CrawlTally) -> None:
    """Say what the run has done."""
    outcomes = (
        ", ".join(f"{count:,} {outcome}" for outcome, count in tally.settled.most_common()) or "nothing"
    )
    taken = f"; {tally.recovered:,} taken up from a run that was killed" if tally.recovered else ""
    say(f"{tally.requests:,} requests: {outcomes}{taken}; {spider.frontier.waiting():,} pages wait")


def show_status(folder: Path, as_json: bool) -> None:
    """Print how far the crawl in the folder is."""
    import dataclasses
    import json

    from crawl.site.coverage import Coverage
    from crawl.site.frontier import Frontier

    frontier = Frontier(folder, read_only=True)
    try:
        coverage = Coverage.of(frontier)
    finally:
        frontier.close()
    print(json.dumps(dataclasses.asdict(coverage), indent=2) if as_json else "\n".join(coverage.lines()))


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turn a folder that cannot be written, such as on a full disk, into an error that says so."""
    import sqlite3

    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise HowtreeError(
            f"{folder} cannot be written ({error}); what was fetched is kept: run it again when it can"
        ) from error


@contextmanager
def stop_signals() -> Iterator[Callable[[], bool]]:
    """Yield whether a stop was asked for: by Ctrl-C once, after the page in hand; the second acts at once."""
    asked = False

    def on_signal(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True
        say("\nstopping after the page in hand; once more to stop at once")

    kept = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: asked
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)
