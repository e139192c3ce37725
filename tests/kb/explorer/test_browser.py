"""The explorer as a person meets it: the real server, a real Chromium, the sample knowledge base.

Screenshots of every page are kept in artefacts/explorer/ to be looked at.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.serving import serving
from support.small_kb import article, small_kb
from support.visiting import HOSTILE

from kb.review.reviews import read, reviews_path

pytestmark = pytest.mark.browser
playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install playwright")
from playwright.sync_api import Browser, BrowserContext, Page, WebSocketRoute, expect  # noqa: E402
from support.browser import PATIENCE, SHOTS, Hand, has_address, line, opened, settled, step  # noqa: E402


def test_find_a_goal_open_it_three_levels_deep_follow_a_link_and_go_back(page: Page) -> None:
    opened(page)
    page.get_by_label("Search the goals").press_sequentially("dinner party")
    has_address(page, r"words=dinner\+party")
    page.get_by_role("link", name="Host a Dinner Party", exact=True).click()
    expect(page.locator("h1")).to_have_text("Host a Dinner Party")
    page.get_by_role("radio", name="Tree").click()
    has_address(page, r"view=Steps$")
    step(page, "Deep clean your whole house.").click()
    has_address(page, r"open=1\.4$")
    step(page, "Clean the inside of the oven.").click()
    has_address(page, r"open=1\.4-2\.1$")
    step(page, "Make a thick paste of baking soda").click()
    has_address(page, r"open=1\.4-2\.1-1\.3$")
    deepest = line(page, "Test the paste on a hidden spot.")
    expect(deepest).to_be_visible()
    settled(page)
    page.screenshot(path=SHOTS / "procedure.png")
    page.reload()
    expect(deepest).to_be_visible()

    page.get_by_role("link", name="Clean an Oven", exact=True).first.click()
    expect(page.locator("h1")).to_have_text("Clean an Oven")
    expect(page.get_by_role("link", name="Deep Clean Your House").first).to_be_visible()
    page.go_back()
    expect(page.locator("h1")).to_have_text("Host a Dinner Party")
    expect(deepest).to_be_visible()
    page.go_back()
    has_address(page, r"open=1\.4-2\.1$")
    expect(deepest).to_be_hidden()
    page.go_back()
    has_address(page, r"open=1\.4$")
    page.go_back()
    has_address(page, r"goal=en%3A700101&view=Steps$")
    expect(step(page, "Clean the inside of the oven.")).to_be_hidden()
    page.go_back()
    has_address(page, r"goal=en%3A700101$")
    page.go_back()
    expect(page.locator("h1")).to_have_text("How do you do it?")
    expect(page.get_by_label("Search the goals")).to_have_value("dinner party")


def test_a_link_opens_in_a_new_tab(page: Page) -> None:
    opened(page, "/?words=oven")
    with page.context.expect_page() as popup:
        page.get_by_role("link", name="Clean an Oven", exact=True).click(modifiers=["Control"])
    expect(popup.value.locator("h1")).to_have_text("Clean an Oven", timeout=PATIENCE)


def test_sliders_tabs_and_views_write_the_address_and_back_undoes_them(page: Page) -> None:
    opened(page, "/procedure?goal=Deep-Clean-Your-House&view=Steps")
    page.get_by_role("tab", name="Part 2").click()
    has_address(page, "method=2")
    expect(step(page, "Clean the inside of the oven.")).to_be_visible()
    page.get_by_role("button", name="Options").click()
    page.get_by_role("slider", name="Levels to open").press("ArrowRight")
    has_address(page, "levels=2")
    expect(step(page, "Take out the racks")).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("radio", name="Text").click()
    has_address(page, "view=Text")
    expect(page.get_by_text("└─").first).to_be_visible()
    page.go_back()
    expect(step(page, "Take out the racks")).to_be_visible()
    page.go_back()
    expect(step(page, "Take out the racks")).to_be_hidden()
    page.go_back()
    expect(step(page, "Get rid of the clutter first.")).to_be_visible()


def test_a_link_followed_before_a_slider_is_answered_leads_where_it_says(page: Page) -> None:
    asked: list[str | bytes] = []
    held: list[str | bytes] = []
    sockets: list[WebSocketRoute] = []
    holding = False

    def between(browser_side: WebSocketRoute) -> None:
        server = browser_side.connect_to_server()
        browser_side.on_message(lambda said: (asked.append(said), server.send(said)))
        server.on_message(lambda said: held.append(said) if holding else browser_side.send(said))
        sockets.append(browser_side)

    page.route_web_socket(re.compile("_stcore/stream"), between)
    opened(page, "/procedure?goal=Host-a-Dinner-Party&view=Steps")
    page.get_by_role("button", name="Options").click()
    holding, before = True, len(asked)
    page.get_by_role("slider", name="Levels to open").press("ArrowRight")
    while len(asked) == before:
        page.evaluate("1")  # and meanwhile what is said is passed on
    page.locator(".outline .line a.goal").first.evaluate("link => link.click()")
    while not held:
        page.evaluate("1")
    while held:  # more may come while these are sent
        sockets[-1].send(held.pop(0))
    holding = False
    expect(page.locator("h1")).to_have_text("Write Party Invitations")
    has_address(page, r"goal=en%3A700212&via=en%3A700101$")
    page.go_back()
    has_address(page, r"view=Steps&levels=2$")


def test_judge_a_link_with_the_keyboard_and_take_it_back(page: Page, site: tuple[str, Path]) -> None:
    opened(page, "/judge")
    name = page.get_by_label("Your name")
    name.fill("Ada")
    name.press("Enter")
    has_address(page, "who=Ada")
    expect(page.get_by_role("button", name="Exact")).to_be_enabled()
    settled(page)
    page.screenshot(path=SHOTS / "judge.png")
    question = page.locator("h2.question").first.inner_text()
    page.keyboard.press("2")  # Enter left the box of the name
    expect(page.get_by_text("Your last answer: helpful")).to_be_visible()
    expect(page.locator("h2.question").first).not_to_have_text(question)
    (review,) = read(reviews_path(site[1])).reviews
    assert (review.who, review.verdict) == ("Ada", "helpful")
    page.keyboard.press("u")
    expect(page.locator("h2.question").first).to_have_text(question)
    expect(page.get_by_text("Your last answer")).to_be_hidden()
    assert read(reviews_path(site[1])).reviews == ()


def test_ten_links_are_judged_with_ten_keys_after_one_tab(page: Page, site: tuple[str, Path]) -> None:
    hand = Hand(opened(page, "/judge?who=Ten"))
    hand.press("Tab")
    for key in "1234012340":
        before = page.url
        hand.press(key)
        page.wait_for_function("before => location.href !== before", arg=before)
        settled(page)
    said = [review.verdict for review in read(reviews_path(site[1])).reviews if review.who == "Ten"]
    assert said == ["exact", "helpful", "related", "unhelpful", "no link"] * 2
    assert (hand.clicks, hand.keys) == (0, 10)
    reviews_path(site[1]).unlink()


def test_a_double_click_answers_one_question_once(page: Page, site: tuple[str, Path]) -> None:
    opened(page, "/judge?who=Grace")
    question = page.locator("h2.question").first.inner_text()
    page.get_by_role("button", name="Related").dblclick()
    expect(page.locator("h2.question").first).not_to_have_text(question)
    expect(page.get_by_text("Your last answer: related")).to_be_visible()
    settled(page)
    (review,) = read(reviews_path(site[1])).reviews
    assert (review.who, review.verdict) == ("Grace", "related")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("h2.question").first).to_have_text(question)
    page.get_by_role("button", name="Unhelpful").click()
    expect(page.get_by_text("Your last answer: unhelpful")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Your last answer")).to_be_hidden()
    assert read(reviews_path(site[1])).reviews == ()


@pytest.mark.parametrize(("width", "height"), [(1400, 900), (390, 844)])
def test_the_answers_are_always_on_the_screen(page: Page, width: int, height: int) -> None:
    page.set_viewport_size({"width": width, "height": height})
    opened(page, "/judge?who=Ada")
    expect(page.get_by_role("button", name="No goal fits")).to_be_in_viewport(ratio=1)
    expect(page.get_by_role("button", name="Exact")).to_be_in_viewport(ratio=1)


def test_run_queries_and_find_them_again(page: Page) -> None:
    opened(page, "/query")
    page.get_by_role("link", name="Most used goals").click()
    expect(page.get_by_text(re.compile(r"^\d+ rows in"))).to_be_visible()
    has_address(page, "sql=SELECT")
    editor = page.get_by_role("textbox", name="Query")
    expect(editor).to_contain_text("count(*) AS uses")
    settled(page)
    page.screenshot(path=SHOTS / "query.png")
    editor.fill("SELECT goal FROM goals ORDER BY goal LIMIT 3")
    page.get_by_role("button", name="Run").click()
    expect(page.get_by_text(re.compile("^3 rows in"))).to_be_visible()
    page.go_back()
    expect(page.get_by_text(re.compile("^20 rows in"))).to_be_visible()
    expect(editor).to_contain_text("count(*) AS uses")
    settled(page)  # until then the button below may still be that of the other result
    with page.expect_download() as saved:
        page.get_by_role("button", name="CSV", exact=True).click()
    assert saved.value.path().read_text().splitlines()[0] == "goal,uses"

    page.reload()
    page.get_by_text("Your queries").click()
    page.get_by_role("button", name="SELECT goal FROM goals").click()
    expect(editor).to_be_focused()
    expect(editor).to_have_text("SELECT goal FROM goals ORDER BY goal LIMIT 3")
    has_address(page, "count")  # it is there to be changed, not run yet
    page.get_by_text("Your queries").click()
    page.get_by_role("button", name="Forget them").click()
    expect(page.get_by_text("Your queries")).to_be_hidden()


def test_a_query_is_written_and_run_with_the_keyboard_alone(page: Page) -> None:
    opened(page, "/query")
    editor = page.get_by_role("textbox", name="Query")
    page.get_by_role("link", name="Search", exact=True).focus()  # what is before the editor
    page.keyboard.press("Tab")
    expect(editor).to_be_focused()
    page.keyboard.type("SELECT count(*) AS n FROM goals_us")
    expect(page.get_by_role("option", name="goals_using")).to_be_visible()
    page.keyboard.press("Enter")
    page.keyboard.type("'vinegar'")
    expect(editor).to_contain_text("FROM goals_using('vinegar')")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text(re.compile("^1 row in"))).to_be_visible()
    expect(editor).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Run")).to_be_focused()


def test_queries_run_also_where_the_editor_does_not(page: Page) -> None:
    page.add_init_script(
        "const append = Element.prototype.append; Element.prototype.append = function (...nodes) {"
        "if (nodes[0]?.className === 'editor') throw new Error('no editor'); return append.apply(this, nodes); }"
    )
    opened(page, "/query?sql=SELECT+1")
    box = page.locator("textarea[name=sql]")
    expect(box).to_have_value("SELECT 1")
    for rows, run in (
        (7, page.get_by_role("button", name="Run").click),
        (8, lambda: box.press("Control+Enter")),
    ):
        box.fill(f"FROM range({rows})")
        run()
        expect(page.get_by_text(re.compile(f"^{rows} rows in"))).to_be_visible()
    expect(page.get_by_test_id("stException")).to_have_count(0)


SEEN = ("<script>alert(1)</script>", "**strong**", "$x^2$", ":smile:", ":material/home:", "[link](")


def test_hostile_text_does_nothing_and_is_seen_as_text(browser: Browser, tmp_path: Path) -> None:
    long = "x" * 10_000
    kb = small_kb(
        tmp_path,
        [
            article(HOSTILE, HOSTILE, long, introduction=HOSTILE, categories=(HOSTILE,), slug="a"),
            article("Second", f"to {HOSTILE}", slug="b"),
        ],
        [(1, 0, 0, 0.9)],
    )
    with serving(kb) as url:
        context = browser.new_context(base_url=url, viewport={"width": 390, "height": 844})
        page = context.new_page()
        page.on("dialog", lambda dialog: pytest.fail("a script ran"))
        for path in (
            "/find",
            "/",
            "/procedure?goal=en%3A%2Fa",
            "/procedure?goal=en%3A%2Fa&open=1.1~1.2",
            "/procedure?goal=Second&open=1.1-1.1",
            "/judge?who=A",
        ):
            opened(page, path)
            main = page.locator("[data-testid=stMain]")
            for seen in SEEN[:1] if path == "/" else SEEN:  # the start cuts titles short
                expect(main.get_by_text(seen).first).to_be_visible()
            made = main.locator("em, code, .katex, a[href^='https://evil'], a[href^='http://www.evil']")
            assert [element.evaluate("e => e.outerHTML") for element in made.all()] == [], path
            assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 390
        context.close()


ADDRESSES = {
    "start": "/",
    "find": "/?words=make",
    "overview": "/overview",
    "read": "/procedure?goal=Host-a-Dinner-Party",
    "procedure": "/procedure?goal=Deep-Clean-Your-House&method=2&open=2.1-1.3&via=en%3A700101",
    "picture": "/procedure?goal=Deep-Clean-Your-House&view=Picture",
    "text": "/procedure?goal=Deep-Clean-Your-House&view=Text",
    "judge": "/judge?who=Ada",
    "query": "/query?sql=SELECT+child,+count(*)+AS+uses+FROM+links+GROUP+BY+child",
    "quality": "/quality",
    "nothing": "/procedure?goal=Nothing",
}


SHIFTS = """
window.shifted = 0;
new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifted += entry.value;
}).observe({type: "layout-shift", buffered: true});
"""
MOST_SHIFTED = 0.1
"""Of a page while it is drawn; what web.dev calls good."""
TRIES = 8
"""A page that is not drawn in time is seen before it is whole, or between pieces: a busy machine gets more tries."""
SCREENS = {"wide": (1400, 900), "narrow": (390, 844)}


@pytest.fixture(scope="module")
def windows(browser: Browser, site: tuple[str, Path]) -> Iterator[dict[str, BrowserContext]]:
    """A browser of its own for each screen, which keeps what it has read of Streamlit."""
    found = {}
    for screen, (width, height) in SCREENS.items():
        found[screen] = browser.new_context(
            base_url=site[0], viewport={"width": width, "height": height}, color_scheme="light"
        )
        found[screen].set_default_timeout(PATIENCE)
        found[screen].add_init_script(SHIFTS)
    yield found
    for context in found.values():
        context.close()


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("name", ADDRESSES)
def test_a_page_keeps_still_fits_and_is_accessible(
    windows: dict[str, BrowserContext], site: tuple[str, Path], name: str, screen: str
) -> None:
    width, _ = SCREENS[screen]
    page, asked = windows[screen].new_page(), list[str]()
    page.on("request", lambda request: asked.append(request.url))
    faults = faults_of(page)
    for _ in range(TRIES):
        opened(page, ADDRESSES[name])
        drawn, shifted = page.evaluate("[document.documentElement.dataset.drawn, window.shifted]")
        if drawn == "whole" and shifted < MOST_SHIFTED:
            break
    alone(page, site[0], asked)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.wait_for_function(
            f"getComputedStyle(document.querySelector('.stApp')).colorScheme === '{scheme}'"
        )
        page.screenshot(path=SHOTS / f"{name}-{screen}-{scheme}.png")
        faults += serious(page) if screen == "wide" else []
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= width
    page.close()
    assert not faults, "\n".join(faults)
    assert drawn == "whole" and shifted < MOST_SHIFTED


def faults_of(page: Page) -> list[str]:
    """What goes wrong on a page from now on: errors that it logs or throws, requests that fail or are refused."""
    faults: list[str] = []
    page.on("console", lambda said: said.type == "error" and faults.append(said.text))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("requestfailed", lambda request: faults.append(f"{request.url}: {request.failure}"))
    page.on("response", lambda answer: answer.ok or faults.append(f"{answer.url}: {answer.status}"))
    return faults


def alone(page: Page, url: str, asked: list[str]) -> None:
    """No other machine was asked for anything; the page has one heading, which names the window."""
    ours = (url, url.replace("http", "ws"), "data:", "blob:")
    assert [each for each in asked if not each.startswith(ours)] == []
    icon = page.locator("link[rel~=icon]").first.get_attribute("href") or ""
    assert icon.startswith("data:image/svg+xml") or "//" not in icon
    (heading,) = page.locator("h1").all_inner_texts()
    expect(page).to_have_title(f"{heading} · howtree")


def serious(page: Page) -> list[str]:
    """The serious faults that axe finds in what is ours."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe-playwright-python")
    found = axe.Axe().run(page, context="[data-testid=stMain]").response["violations"]
    return [
        f"{fault['id']}: {node['html'][:200]} {node.get('failureSummary', '')[:300]}"
        for fault in found
        if fault["impact"] in ("serious", "critical")
        for node in fault["nodes"]
    ]


def test_the_command_names_a_missing_knowledge_base(run: Callable, tmp_path: Path) -> None:
    done = run("explore", tmp_path / "none.duckdb", "--no-browser")
    assert done.returncode == 1 and "no knowledge base at" in done.stderr
