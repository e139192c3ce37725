"""The tree of a goal in a real browser: walked with keys, and clicked on, quickly and while it is drawn anew."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.browser
pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install playwright")
from playwright.sync_api import Page, expect  # noqa: E402
from support.browser import has_address, line, opened, settled, step  # noqa: E402

PARTY = "/procedure?goal=Host-a-Dinner-Party&view=Steps"


def test_the_tree_is_walked_with_the_keyboard_alone(page: Page) -> None:
    opened(page, PARTY)
    at = page.locator("[role=treeitem]:focus")
    page.locator("[role=treeitem]").first.focus()
    for key, place in (("End", "1.12"), ("Home", "1.1"), ("ArrowDown", "1.2"), ("d", "1.3"), ("d", "1.4")):
        page.keyboard.press(key)
        expect(at).to_have_attribute("data-place", place)
    expect(at.locator("> .line .first")).to_be_visible()
    page.keyboard.press("ArrowRight")
    has_address(page, r"open=1\.4$")
    expect(page.locator("[data-place='1.4-1.1']")).to_be_visible()
    for key, place in (("ArrowRight", "1.4-1.1"), ("ArrowDown", "1.4-1.2"), ("ArrowLeft", "1.4")):
        page.keyboard.press(key)
        expect(at).to_have_attribute("data-place", place)
    page.keyboard.press("ArrowRight")
    expect(page.locator(".here")).to_have_text(
        "You are here: Deep clean your whole house. › Get rid of the clutter first."
    )
    page.get_by_role("button", name="Collapse all").press("Enter")
    has_address(page, r"view=Steps$")
    expect(page.locator("[aria-expanded=true]")).to_have_count(0)
    settled(page)
    page.locator("[data-place='1.4']").focus()
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Deep Clean Your House")


def test_twenty_links_of_a_tree_lead_where_they_say(page: Page) -> None:
    opened(page, f"{PARTY}&levels=3")
    links = page.locator(".outline .line a.goal")
    expect(links.first).to_be_visible()
    goals = links.all_inner_texts()
    for number in range(20):
        link, goal = links.nth(number % len(goals)), goals[number % len(goals)]
        link.click()
        expect(page.locator("h1")).to_have_text(goal)
        page.go_back()
        expect(link).to_have_text(goal)
        settled(page)


def test_quick_clicks_in_a_tree_are_all_followed(page: Page) -> None:
    opened(page, PARTY)
    for text in ("Write invitations", "Settle on a date", "Deep clean your whole house."):
        step(page, text).click()
    line(page, "Deep clean your whole house.").get_by_role("link").click()
    expect(page.locator("h1")).to_have_text("Deep Clean Your House")
    has_address(page, r"goal=en%3A700397&via=en%3A700101$")
    page.go_back()
    has_address(page, r"open=1\.1~1\.2~1\.4$")
    for text in ("Write invitations", "Settle on a date", "Deep clean your whole house."):
        expect(line(page, text).locator("xpath=..")).to_have_attribute("aria-expanded", "true")


def test_a_tree_that_changes_under_a_press_keeps_the_click(page: Page) -> None:
    opened(page, f"{PARTY}&open=1.1")
    link = line(page, "Deep clean your whole house.").get_by_role("link")
    link.hover()
    page.mouse.down()
    page.evaluate(
        "history.pushState({}, '', location.href.replace('open=1.1', 'open=1.1~1.2'));"
        "window.dispatchEvent(new PopStateEvent('popstate'))"
    )
    page.wait_for_function("document.querySelector('.outline').sent.split('class=\"inside\"').length === 3")
    page.mouse.up()
    expect(page.locator("h1")).to_have_text("Deep Clean Your House")
