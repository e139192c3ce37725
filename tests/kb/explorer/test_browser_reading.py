"""Reading in a real browser: journeys counted in clicks, ticks that the browser keeps, no other machine asked."""

from __future__ import annotations

from pathlib import Path

import pytest

pytestmark = pytest.mark.browser
pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install playwright")
from playwright.sync_api import Browser, Page, expect  # noqa: E402
from support.browser import Hand, has_address, opened, settled  # noqa: E402

PARTY = "/procedure?goal=Host-a-Dinner-Party"


QUESTION = "how do I host a dinner party?"
BELOW = ("Deep Clean Your House", "Clean an Oven", "Make a Baking Soda Paste")
"""Each within the one before."""


def test_from_a_question_to_four_levels_in_five_clicks(page: Page) -> None:
    hand = Hand(opened(page))
    hand.click(page.get_by_label("Search the goals"))
    page.keyboard.type(QUESTION)
    has_address(page, "words=how.*party")  # until then, what the start shows is still there
    hand.click(page.get_by_role("link", name="Host a Dinner Party", exact=True))
    expect(page.locator("h1")).to_have_text("Host a Dinner Party")
    assert hand.clicks == 2
    expect(page).to_have_title("Host a Dinner Party · howtree")
    expect(page.locator(".reading")).to_be_visible()
    for text in ("Six to eight people can still share one conversation.", "Candles", "Warnings"):
        expect(page.get_by_text(text).first).to_be_visible()
    for step in page.locator(".reading section > ol > li").all():
        expect(step).to_be_visible()
    deepest = page.get_by_text("Test the paste on a hidden spot.")
    expect(deepest).to_be_hidden()
    for goal in BELOW:
        hand.click(page.locator("summary", has_text=f"of {goal}").first)
    expect(deepest).to_be_visible()
    assert (hand.clicks, hand.keys) == (5, 0)


def test_the_same_way_with_the_keyboard_alone_and_on_to_the_rivals_of_a_link(page: Page) -> None:
    hand = Hand(opened(page))
    hand.reach(page.get_by_label("Search the goals"))
    page.keyboard.type(QUESTION)
    has_address(page, "words=how.*party")
    hand.enter(page.get_by_role("link", name="Host a Dinner Party", exact=True))
    expect(page.locator("h1")).to_have_text("Host a Dinner Party")
    settled(page)
    assert hand.keys == 1
    for goal in BELOW:
        hand.enter(page.locator("summary", has_text=f"of {goal}").first)
    expect(page.get_by_text("Test the paste on a hidden spot.")).to_be_visible()
    assert hand.keys == 4
    hand.enter(page.get_by_role("link", name="other goals").last)
    expect(page.locator(".rivals .card").nth(1)).to_be_visible()
    assert (hand.clicks, hand.keys) == (0, 5)


def test_the_keyboard_alone_reads_ticks_and_unfolds(page: Page) -> None:
    opened(page, PARTY)
    box = page.get_by_role("checkbox", name="Settle on a date and a number of guests.")
    box.focus()
    page.keyboard.press("Space")
    expect(box).to_be_checked()
    page.locator("summary", has_text="of Write Party Invitations").focus()
    page.keyboard.press("Enter")
    expect(page.locator("details[open] ol").first).to_be_visible()
    page.get_by_role("link", name="Warnings", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.locator("section#warning")).to_be_focused()


def test_ticks_stay_in_this_browser_and_can_be_cleared(
    page: Page, browser: Browser, site: tuple[str, Path]
) -> None:
    opened(page, PARTY)
    names = ("Candles", "Decide what you are going to cook.")
    for name in names:
        page.get_by_role("checkbox", name=name).check()
    page.reload()
    settled(page)
    for name in names:
        expect(page.get_by_role("checkbox", name=name)).to_be_checked()
    assert page.locator("input:checked").count() == 2
    page.get_by_role("link", name="Write Party Invitations").first.click()
    expect(page.locator("h1")).to_have_text("Write Party Invitations")
    expect(page.locator(".reading input:checked")).to_have_count(0)
    page.go_back()
    expect(page.get_by_role("checkbox", name="Candles")).to_be_checked()
    other = browser.new_context(base_url=site[0])
    expect(opened(other.new_page(), PARTY).get_by_role("checkbox", name="Candles")).not_to_be_checked()
    other.close()
    page.get_by_role("button", name="Clear ticks").click()
    page.reload()
    settled(page)
    expect(page.locator(".reading input:checked")).to_have_count(0)


def test_the_rivals_of_a_link_are_one_click_away(page: Page) -> None:
    hand = Hand(opened(page, PARTY))
    hand.click(page.get_by_role("link", name="other goals").first)
    cards = page.locator(".rivals .card")
    expect(cards).to_have_count(10)
    expect(cards.first.get_by_role("link")).to_have_text("Write Party Invitations")
    expect(cards.first.get_by_text("chosen")).to_be_visible()
    expect(cards.nth(1).locator("li")).to_have_count(3)
    assert hand.clicks == 1
    page.go_back()
    page.get_by_role("link", name="is it right?").first.click()
    expect(page.locator("h2.question").first).to_have_text(
        "Write invitations to the party and send them out."
    )


def test_all_is_unfolded_at_once_and_printed_whole(page: Page) -> None:
    opened(page, PARTY)
    page.evaluate("window.print = () => { window.printed = true }")
    page.get_by_role("button", name="Open all").click()
    assert page.locator(".reading details:not([open])").count() == 0
    page.get_by_role("button", name="Print").click()
    assert page.evaluate("window.printed")
    page.emulate_media(media="print")
    expect(page.get_by_role("button", name="Print")).to_be_hidden()
    main = page.locator("[data-testid=stMain]").bounding_box()
    last = page.locator(".reading .ending").bounding_box()
    assert main and last and last["y"] + last["height"] <= main["y"] + main["height"]
    page.emulate_media(media="screen")
    page.get_by_role("button", name="Close all").click()
    assert page.locator(".reading details[open]").count() == 0


def test_lists_are_taken_away_as_markdown(page: Page) -> None:
    opened(page, PARTY)
    page.get_by_role("button", name="Take away").click()
    for name, expected in {
        "Checklist": "- [ ] 1\\. Settle on a date",
        "Checklist with its text": "Six to eight people can still share one conversation",
        "Shopping list": "- [ ] Candles *(Host a Dinner Party)*",
    }.items():
        with page.expect_download() as saved:
            page.get_by_role("button", name=name, exact=True).click()
        assert expected in saved.value.path().read_text("utf-8"), name
