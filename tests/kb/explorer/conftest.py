"""A browser before an explorer of the sample, for the tests that look at pages as a person does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install playwright")
    from support.browser import CHROMIUM, FLAGS, SHOTS

    if not CHROMIUM:
        pytest.skip("needs Chromium: make browser, or name one with HOWTREE_CHROMIUM")
    SHOTS.mkdir(parents=True, exist_ok=True)
    with playwright.sync_playwright() as started:
        running = started.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield running
        running.close()


@pytest.fixture
def page(browser: Browser, site: tuple[str, Path]) -> Iterator[Page]:
    from support.browser import PATIENCE

    context = browser.new_context(
        base_url=site[0], viewport={"width": 1280, "height": 900}, color_scheme="light"
    )
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    yield page
    context.close()
