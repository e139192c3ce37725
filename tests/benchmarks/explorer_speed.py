"""How long the explorer's pages take to draw: server time of whole page runs, and memory of several visitors.

    python tests/benchmarks/synthetic_kb.py -o synthetic.duckdb
    python tests/benchmarks/explorer_speed.py synthetic.duckdb

A page run is timed from outside, through Streamlit's own test runner: it includes the script's start, all queries
and the making of every element, and the runner's reading of the result. The first run of each page, which opens
the file and counts once what the Quality page shows, is reported apart. With --visitors N, a real server is started
and N browser windows walk through it at the same time; the server's memory is read at its highest. With --pictures N,
a browser opens N goals and goes from each one's tree to its picture, of as many nodes as a page draws by itself. The
time from the click until they are on the screen is told with the processor time that page and server took for it, which
is what counts on a busy machine; then that of 60 movements and 20 zooms, a frame each.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import sys
import time
from pathlib import Path
from urllib.parse import urlencode

import numpy as np
from streamlit.testing.v1 import AppTest

from kb.store import KnowledgeBase

ROOT = Path(__file__).resolve().parents[2]
Visit = tuple[str, dict[str, str]]


def visits(kb: KnowledgeBase, count: int, seed: int) -> dict[str, list[Visit]]:
    """Addresses to open, by what they show."""
    rows = kb.query(
        f"SELECT key, goal FROM articles USING SAMPLE reservoir({count} ROWS) REPEATABLE ({seed})"
    ).fetchall()
    used = kb.query(
        "SELECT key FROM articles WHERE article_id IN "
        "(SELECT child_id FROM edges GROUP BY child_id ORDER BY count(*) DESC LIMIT 20)"
    ).fetchall()
    category = kb.query("SELECT name FROM categories WHERE level = 1 LIMIT 1").fetchone()
    draw = random.Random(seed)
    words = [" ".join(draw.sample(goal.split(), min(2, len(goal.split())))) for _, goal in rows]
    return {
        "procedure": [("procedure", {"goal": key}) for key, _ in rows],
        "procedure, 3 levels open": [("procedure", {"goal": key, "levels": "3"}) for key, _ in rows],
        "procedure, used most": [("procedure", {"goal": key}) for (key,) in used],
        "procedure as text": [("procedure", {"goal": key, "levels": "3", "view": "Text"}) for key, _ in rows],
        "procedure as a picture": [
            ("procedure", {"goal": key, "levels": "3", "view": "Picture"}) for key, _ in rows
        ],
        "overview": [("overview", {})] * count,
        "find, no words": [("find", {"page": str(1 + n)}) for n in range(count)],
        "find, words": [("find", {"words": w}) for w in words],
        "find, beginnings of words": [("find", {"words": w[:3]}) for w in words],
        "find, most used first": [("find", {"sort": "Most used", "page": str(1 + n)}) for n in range(count)],
        "find, a category": [("find", {"category": category[0]})] * count if category else [],
        "judge": [("judge", {"who": "Ada", "skip": str(n)}) for n in range(count)],
        "query": [("query", {"sql": "FROM links LIMIT 100"})] * count,
        "quality": [("quality", {})] * count,
    }


def timed(page: str, parameters: dict[str, str]) -> float:
    """Seconds of one page run in a fresh session."""
    test = AppTest.from_file(str(ROOT / "kb" / "explorer" / "entry" / "app.py"), default_timeout=60)
    test.query_params.update(parameters)
    test.run()
    test.switch_page(str(ROOT / "kb" / "explorer" / f"{page}.py"))
    began = time.perf_counter()
    test.run()
    seconds = time.perf_counter() - began
    if test.exception:
        raise RuntimeError(f"{page} {parameters}: {test.exception[0].value}")
    return seconds


def visited(kb: Path, plan: dict[str, list[Visit]], visitors: int) -> float:
    """Peak memory (MB) of a server whose visitors each open one page of every kind and stay."""
    sys.path.insert(0, str(ROOT / "tests"))
    from playwright.sync_api import sync_playwright
    from support.browser import CHROMIUM, FLAGS, opened
    from support.serving import serving

    with serving(kb) as url, sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        pages = [browser.new_context(base_url=url).new_page() for _ in range(visitors)]
        for addresses in plan.values():
            for n, page in enumerate(pages):
                name, parameters = addresses[n % len(addresses)]
                opened(page, f"/{name}?{urlencode(parameters)}")
        status = (Path("/proc") / str(server()) / "status").read_text()
        peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
        browser.close()
    return int(peak.split()[1]) / 1024


def server() -> int:
    """The process of the server that this one has started."""
    (found,) = (
        int(status.parent.name)
        for status in Path("/proc").glob("[0-9]*/status")
        if f"PPid:\t{os.getpid()}\n" in status.read_text()
        and "kb.explorer.serve" in status.with_name("cmdline").read_text()
    )
    return found


def processor(pid: int) -> float:
    """Seconds of processor time that a process has taken."""
    fields = (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


FRAME = "const frame = () => new Promise(requestAnimationFrame);"
SEEN = f"""async () => {{
    {FRAME}
    const began = performance.now();
    document.querySelectorAll("[role=radio]")[2].click();
    while (!document.querySelector(".picture .node")) await frame();
    await frame();
    await frame();  // what was laid out in the frame before is on the screen now
    return [performance.now() - began, document.querySelectorAll(".picture .node").length];
}}"""
MOVED = f"""async () => {{
    {FRAME}
    const frames = [], canvas = document.querySelector(".picture .canvas");
    const timed = async (act) => {{
        const start = performance.now();
        act();
        await frame();
        frames.push(performance.now() - start);
    }};
    const press = (key) => canvas.dispatchEvent(new KeyboardEvent("keydown", {{key}}));
    for (let n = 0; n < 60; n++) await timed(() => canvas.scrollBy(0, 30));
    for (let n = 0; n < 20; n++) await timed(() => press(n % 2 ? "+" : "-"));
    return frames;
}}"""


def pictures(kb: Path, goals: list[str]) -> None:
    """Print how long pictures take to be seen and to be moved, and how much of it is work."""
    sys.path.insert(0, str(ROOT / "tests"))
    from playwright.sync_api import sync_playwright
    from support.browser import CHROMIUM, FLAGS, opened
    from support.serving import serving

    sizes: list[int] = []
    times: dict[str, list[float]] = {}
    with serving(kb) as url, sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        page = browser.new_context(base_url=url, viewport={"width": 1400, "height": 900}).new_page()
        tools = page.context.new_cdp_session(page)
        tools.send("Performance.enable", {"timeDomain": "threadTicks"})

        def page_time() -> float:
            metrics = tools.send("Performance.getMetrics")["metrics"]
            return next(metric["value"] for metric in metrics if metric["name"] == "TaskDuration")

        for goal in goals:
            opened(page, f"/procedure?{urlencode({'goal': goal, 'view': 'Steps', 'levels': 5})}")
            work = page_time(), processor(server())
            seen, nodes = page.evaluate(SEEN)
            work = page_time() - work[0], processor(server()) - work[1]
            sizes.append(nodes)
            for name, found in {
                "from click to screen": [seen],
                "  of it work of the page": [1000 * work[0]],
                "  of it work of the server": [1000 * work[1]],
                "a movement or zoom": page.evaluate(MOVED),
            }.items():
                times.setdefault(name, []).extend(found)
        browser.close()
    print(f"{len(goals)} pictures of {min(sizes)} to {max(sizes)} nodes, median {np.median(sizes):.0f}")
    for name, each in times.items():
        print(f"{name:<28} {np.median(each):8.0f} {np.quantile(each, 0.95):8.0f}   ms (median, p95)")


def main() -> None:
    """Time every kind of page and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("kb", type=Path)
    parser.add_argument("--count", type=int, default=25, help="visits of each kind")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--visitors", type=int, default=0, help="browser windows at once; needs Chromium")
    parser.add_argument(
        "--pictures", type=int, default=0, help="goals whose picture is looked at; needs Chromium"
    )
    options = parser.parse_args()
    sys.argv = ["app.py", str(options.kb)]
    with KnowledgeBase(options.kb) as kb:
        plan = visits(kb, max(options.count, options.pictures), options.seed)
    if options.visitors:
        print(f"{options.visitors} visitors: {visited(options.kb, plan, options.visitors):,.0f} MB at most")
        return
    if options.pictures:
        pictures(options.kb, [visit[1]["goal"] for visit in plan["procedure"][: options.pictures]])
        return
    everything: list[float] = []
    print(f"{'page':<28} {'first':>8} {'median':>8} {'p95':>8}   seconds")
    for name, addresses in plan.items():
        first, *rest = [timed(*visit) for visit in addresses]
        everything += rest
        print(f"{name:<28} {first:8.3f} {np.median(rest):8.3f} {np.quantile(rest, 0.95):8.3f}", flush=True)
    print(f"{'all':<28} {'':8} {np.median(everything):8.3f} {np.quantile(everything, 0.95):8.3f}")
    print(f"peak memory of the process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB")
    print(f"torch loaded: {'torch' in sys.modules}")


if __name__ == "__main__":
    main()
