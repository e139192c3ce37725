"""robots.txt as sites write it: whom a group of rules is for, and in which characters."""

from __future__ import annotations

import pytest

from crawl.pages.decode import decode_page
from crawl.site.robots import PRODUCT, parse


@pytest.mark.parametrize(
    "name",
    ["howtree", "howtree/0.1", "HowTree/2", "howtree/*", "howtree/0.1 # us", "x/1\nUser-agent: howtree/1"],
)
@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_rules_for_us_are_obeyed(name: str, codec: str) -> None:
    text = decode_page(f"User-agent: {name}\nDisallow: /private\n".encode(codec))
    assert not parse(text).can_fetch("https://x.example/private/a", PRODUCT)
    assert parse(text).can_fetch("https://x.example/open", PRODUCT)


def test_rules_for_others_are_not_ours() -> None:
    assert parse("User-agent: other/0.1\nDisallow: /\n").can_fetch("https://x.example/a", PRODUCT)
