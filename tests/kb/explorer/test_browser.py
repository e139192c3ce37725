"""The explorer as a person meets it: the real server, a real Chromium, the sample knowledge base.

Screenshots of every page are kept in artefacts/explorer/ to be looked at.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from support.serving import serving
from support.small_kb import article, small_kb
from support.visiting import HOSTILE

from kb.review.reviews import read, reviews_path

pytestmark = pytest.mark.browser
playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install playwright")
from playwright.sync_api import Browser, Page, expect  # noqa: E402
from support.browser import PATIENCE, SHOTS, opened, settled  # noqa: E402


def step(page: Page, text: str, nth: int = 0) -> object:
    """The line of a step."""
    return page.locator("summary", has_text=text).nth(nth)


def has_address(page: Page, pattern: str) -> None:
    expect(page).to_have_url(re.compile(pattern), timeout=PATIENCE)


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
    deepest = page.locator("summary", has_text="Test the paste on a hidden spot.")
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
    opened(page, "/judge?who=Ten")
    page.keyboard.press("Tab")
    for key in "1234012340":
        before = page.url
        page.keyboard.press(key)
        page.wait_for_function("before => location.href !== before", arg=before)
        settled(page)
    said = [review.verdict for review in read(reviews_path(site[1])).reviews if review.who == "Ten"]
    assert said == ["exact", "helpful", "related", "unhelpful", "no link"] * 2
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


def test_run_a_query(page: Page) -> None:
    opened(page, "/query")
    page.get_by_role("link", name="Most used goals").click()
    expect(page.get_by_text(re.compile(r"^\d+ rows in"))).to_be_visible()
    has_address(page, "sql=SELECT")
    settled(page)
    page.screenshot(path=SHOTS / "query.png")
    page.get_by_role("textbox", name="Query").fill("SELECT goal FROM goals ORDER BY goal LIMIT 3")
    page.get_by_role("button", name="Run").click()
    expect(page.get_by_text(re.compile("^3 rows in"))).to_be_visible()
    page.go_back()
    expect(page.get_by_text(re.compile("^20 rows in"))).to_be_visible()
    settled(page)  # until then the button below may still be that of the other result
    with page.expect_download() as saved:
        page.get_by_role("button", name="CSV", exact=True).click()
    assert saved.value.path().read_text().splitlines()[0] == "goal,uses"


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
    "read": "/procedure?goal=Host-a-Dinner-Party",
    "procedure": "/procedure?goal=Deep-Clean-Your-House&method=2&open=2.1-1.3&via=en%3A700101",
    "picture": "/procedure?goal=Deep-Clean-Your-House&view=Picture",
    "text": "/procedure?goal=Deep-Clean-Your-House&view=Text",
    "judge": "/judge?who=Ada",
    "query": "/query?sql=SELECT+child,+count(*)+AS+uses+FROM+links+GROUP+BY+child",
    "quality": "/quality",
    "nothing": "/procedure?goal=Nothing",
}


@pytest.mark.parametrize("name", ADDRESSES)
def test_narrow_screens_need_no_sideways_scrolling(
    browser: Browser, site: tuple[str, Path], name: str
) -> None:
    context = browser.new_context(base_url=site[0], viewport={"width": 390, "height": 844})
    page = opened(context.new_page(), ADDRESSES[name])
    page.screenshot(path=SHOTS / f"{name}-narrow.png")
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 390
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ADDRESSES)
def test_axe_finds_no_serious_fault_of_ours(
    browser: Browser, site: tuple[str, Path], name: str, scheme: str
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe-playwright-python")
    context = browser.new_context(
        base_url=site[0], viewport={"width": 1280, "height": 1600}, color_scheme=scheme
    )
    page = opened(context.new_page(), ADDRESSES[name])
    page.screenshot(path=SHOTS / f"{name}-{scheme}.png")
    found = axe.Axe().run(page, context="[data-testid=stMain]").response["violations"]
    context.close()
    serious = [fault for fault in found if fault["impact"] in ("serious", "critical")]
    told = [
        f"{fault['id']}: {node['html'][:200]} {node.get('failureSummary', '')[:300]}"
        for fault in serious
        for node in fault["nodes"]
    ]
    assert not told, "\n".join(told)


def test_the_command_names_a_missing_knowledge_base(run: Callable, tmp_path: Path) -> None:
    done = run("explore", tmp_path / "none.duckdb", "--no-browser")
    assert done.returncode == 1 and "no knowledge base at" in done.stderr
