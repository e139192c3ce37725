"""The tree of a goal and its picture in a real browser: walked with keys, clicked on, zoomed, drawn anew meanwhile."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.browser
pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install playwright")
from playwright.sync_api import Page, expect  # noqa: E402
from streamlit.proto.BackMsg_pb2 import BackMsg  # noqa: E402
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg  # noqa: E402
from support.browser import has_address, line, node, opened, settled, step  # noqa: E402

PARTY = "/procedure?goal=Host-a-Dinner-Party&view=Steps"
PICTURE = "/procedure?goal=Host-a-Dinner-Party&view=Picture"


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


def test_opening_a_step_asks_once_and_for_the_tree_alone(page: Page) -> None:
    asked: list[str] = []
    sent: list[BackMsg] = []
    drawn: list[ForwardMsg] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on(
        "websocket", lambda socket: socket.on("framesent", lambda data: sent.append(BackMsg.FromString(data)))
    )
    page.on(
        "websocket",
        lambda socket: socket.on("framereceived", lambda data: drawn.append(ForwardMsg.FromString(data))),
    )
    opened(page, PARTY)
    for messages in (asked, sent, drawn):
        messages.clear()
    step(page, "Deep clean your whole house.").click()
    expect(line(page, "Get rid of the clutter first.")).to_be_visible()
    has_address(page, r"open=1\.4$")
    (rerun,) = [said.rerun_script for said in sent if said.HasField("rerun_script")]
    assert rerun.fragment_id
    elements = [said.delta.new_element for said in drawn if said.delta.HasField("new_element")]
    assert sorted(str(element.WhichOneof("type")) for element in elements) == ["bidi_component", "markdown"]
    assert asked == []


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


BOXES = """[...document.querySelectorAll(".picture .node")].map((node) => {
    const {left, top, right, bottom} = node.getBoundingClientRect();
    const above = node.closest("ul").closest("li")?.querySelector(":scope > .node").getBoundingClientRect();
    return {left, top, right, bottom, above: above ? above.right : -Infinity};
})"""


def test_a_picture_is_zoomed_and_its_nodes_keep_apart(page: Page) -> None:
    opened(page, f"{PICTURE}&levels=4")
    boxes = page.evaluate(BOXES)
    assert len(boxes) > 60 and all(box["above"] < box["left"] for box in boxes)
    for number, one in enumerate(boxes):
        for other in boxes[:number]:
            across = one["left"] < other["right"] and other["left"] < one["right"]
            assert not (across and one["top"] < other["bottom"] and other["top"] < one["bottom"])
    root, canvas = page.locator(".picture .root"), page.locator(".picture .canvas")
    wide = width(page)
    page.get_by_role("button", name="Zoom in").click()
    assert width(page) == pytest.approx(1.25 * wide)
    canvas.press("-")
    assert width(page) == pytest.approx(wide)
    oven = node(page, "Clean the inside of the oven.")
    oven.hover()
    before = oven.bounding_box()
    page.keyboard.down("Control")
    page.mouse.wheel(0, -120)
    page.keyboard.up("Control")
    page.wait_for_function(
        "before => document.querySelector('.picture .root').getBoundingClientRect().width > before", arg=wide
    )
    after = oven.bounding_box()
    assert before and after
    for side, size in (("x", "width"), ("y", "height")):  # what is under the pointer stays there
        middle = before[side] + before[size] / 2
        assert after[side] + after[size] / 2 == pytest.approx(middle, abs=2)
    page.get_by_role("button", name="Fit").click()
    frame = canvas.bounding_box()
    assert frame and root.is_visible()
    assert all(box["right"] <= frame["x"] + frame["width"] for box in page.evaluate(BOXES))
    assert all(box["bottom"] <= frame["y"] + frame["height"] for box in page.evaluate(BOXES))


def width(page: Page) -> float:
    """How wide the first node is drawn."""
    return page.evaluate("document.querySelector('.picture .root').getBoundingClientRect().width")


def test_a_picture_is_pulled_opened_in_place_and_its_goals_are_links(page: Page) -> None:
    opened(page, PICTURE)
    canvas = page.locator(".picture .canvas")
    clean = node(page, "Deep clean your whole house.")
    box = node(page, "Write invitations to the party").get_by_role("link").bounding_box()
    assert box
    page.mouse.move(box["x"] + 30, box["y"] + 8)
    page.mouse.down()
    page.mouse.move(box["x"] + 10, box["y"] - 112, steps=4)
    page.mouse.up()
    assert canvas.evaluate("canvas => canvas.scrollTop") == 120
    has_address(page, "view=Picture$")  # what is pulled by a link is not followed
    inside = node(page, "Clean the inside of the oven.")
    expect(inside).to_be_visible()
    clean.get_by_role("button").click()
    expect(inside).to_have_count(0)
    has_address(page, r"shut=1\.4$")
    clean.get_by_role("button").click()
    has_address(page, r"open=1\.4$")
    expect(inside).to_be_visible()
    inside.get_by_role("button").click()
    has_address(page, r"open=1\.4-2\.1$")
    expect(node(page, "Take out the racks")).to_be_visible()
    with page.context.expect_page() as popup:
        inside.get_by_role("link").click(modifiers=["Control"])
    expect(popup.value.locator("h1")).to_have_text("Clean an Oven")
    inside.get_by_role("link").click()
    expect(page.locator("h1")).to_have_text("Clean an Oven")
    has_address(page, "via=en%3A700101&via=en%3A700397$")
    page.go_back()
    expect(node(page, "Take out the racks")).to_be_visible()


def test_a_picture_is_walked_with_the_keyboard_alone(page: Page) -> None:
    opened(page, PICTURE)
    at = page.locator(".picture :focus")
    page.locator(".picture .canvas").focus()
    page.keyboard.press("Tab")
    expect(at).to_have_text("→ Write Party Invitations")
    page.keyboard.press("ArrowDown")
    expect(at).to_have_text("→ Deep Clean Your House")
    page.keyboard.press("ArrowRight")
    expect(at).to_have_attribute("aria-label", "Steps of Deep Clean Your House")
    page.keyboard.press("ArrowRight")
    expect(at).to_have_text("→ Clean an Oven")
    expect(at).to_be_in_viewport()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    has_address(page, r"open=1\.4-2\.1$")
    expect(at).to_have_attribute("aria-expanded", "true")
    for goal in ("Make a Baking Soda Paste", "Clean an Oven", "Deep Clean Your House"):
        page.keyboard.press("ArrowRight" if goal.startswith("Make") else "ArrowLeft")
        expect(at).to_have_text(f"→ {goal}")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Deep Clean Your House")
