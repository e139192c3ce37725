"""A real Chromium, and when a page of the explorer is drawn to its end in it."""

from __future__ import annotations

import os
import re
import shutil

from playwright.sync_api import Locator, Page, expect

from support.command import ROOT

SHOTS = ROOT / "artefacts" / "explorer"
CHROMIUM = os.environ.get("HOWTREE_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
PATIENCE = 120_000
"""Milliseconds that no page needs, however busy the machine is."""
MOST_TABS = 100
expect.set_options(timeout=PATIENCE)


def opened(page: Page, path: str = "/") -> Page:
    """The page at `path`, drawn to its end."""
    page.goto(path)
    expect(page.locator("h1").first).to_be_visible(timeout=PATIENCE)
    settled(page)
    return page


def settled(page: Page) -> None:
    """Wait until the server has drawn everything."""
    page.wait_for_function(
        "document.querySelector('[data-testid=stApp]')?.dataset.testScriptState === 'notRunning'"
    )
    moving = "[data-stale=true], [data-testid=stSkeleton], details[style*=overflow]"
    page.wait_for_function(f"!document.querySelector('{moving}')")


def step(page: Page, text: str) -> Locator:
    """The sign of a step in the tree that opens it."""
    return line(page, text).locator(".chevron")


def line(page: Page, text: str) -> Locator:
    """The line of a step in the tree."""
    return page.locator(".outline .line", has=page.locator(".name", has_text=text)).first


def node(page: Page, text: str) -> Locator:
    """The node of a step in the picture."""
    return page.locator(".picture .node", has_text=text).first


def has_address(page: Page, pattern: str) -> None:
    """Wait until the address is one of that pattern, and the page is drawn."""
    expect(page).to_have_url(re.compile(pattern), timeout=PATIENCE)
    settled(page)


class Hand:
    """What somebody does on a page, counted: clicks, and keys but for those that write or only go on (Tab)."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.clicks = self.keys = 0

    def click(self, target: Locator) -> None:
        """Click on something."""
        target.click()
        self.clicks += 1

    def press(self, key: str) -> None:
        """Press a key."""
        self.page.keyboard.press(key)
        self.keys += key != "Tab"

    def enter(self, target: Locator) -> None:
        """Go on with Tab until the focus is on something, and press Enter there."""
        self.reach(target)
        self.press("Enter")

    def reach(self, target: Locator) -> None:
        """Go on with Tab until the focus is on something."""
        expect(target).to_be_visible()
        for _ in range(MOST_TABS):
            if target.evaluate("element => element === document.activeElement"):
                return
            self.press("Tab")
        raise AssertionError(f"{target} is not reached with {MOST_TABS} Tabs")
