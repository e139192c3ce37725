"""What a page holds, counted by lxml's XPath alone: an oracle for the parser that shares no code with it."""

from __future__ import annotations

import re
from collections import Counter
from urllib.parse import unquote, urlsplit

import lxml.html

STEPS = (
    "//ol[contains(concat(' ', @class, ' '), ' steps_list_2 ')]"
    "[not(ancestor::*[contains(@class, 'hide_step_numbers')])]/li"
)
BOX = "div[contains(concat(' ', normalize-space(@class), ' '), ' step ')]"
JUNK_CLASSES = (
    *("ts_popup", "image_details", "mwimg", "wh_ad_inner", "ad_label", "scrolltomarker", "al_method"),
    *("green_tips_box", "clearall", "wh_vote_container", "step_num", "stepanchor"),
)
JUNK = "|".join(
    [
        "descendant::script",
        "descendant::style",
        "descendant::noscript",
        "descendant::video",
        "descendant::annotation",
        "descendant::sup[contains(@class, 'reference')]",
        "descendant::a[contains(concat(' ', @class, ' '), ' image ')]",
        *(f"descendant::*[contains(concat(' ', @class, ' '), ' {name} ')]" for name in JUNK_CLASSES),
        "descendant::*[contains(concat(' ', @class), ' green_box')]",
        "descendant::*[contains(concat(' ', @class), ' m-video')]",
    ]
)
NAMESPACE = re.compile(
    r"(Special|Category|User|User[_ -]talk|wikiHow|Image|File|Template|Discussion"
    r"|特別|カテゴリ|利用者|ファイル|Benutzer):"
)
FOLDER = re.compile(
    r"(Experts|Author|Quizzes|Expert-Answers|Video|Watch|Course|Questions|Relationships|Games|Sample|Answers)(/|$)"
)


def page(data: bytes) -> lxml.html.HtmlElement:
    """The page as lxml reads it."""
    return lxml.html.document_fromstring(data.decode("utf-8"))


def steps(root: lxml.html.HtmlElement) -> list[lxml.html.HtmlElement]:
    """`div.step` of every item, or the items themselves where no item has one; cleaned of junk."""
    boxes = root.xpath(f"{STEPS}/{BOX}") or root.xpath(STEPS)
    for box in boxes:
        for junk in box.xpath(JUNK):
            if junk.getparent() is not None:
                junk.drop_tree()
    return boxes


def characters(step: lxml.html.HtmlElement) -> Counter[str]:
    """Every character of a cleaned step but blanks."""
    return Counter("".join(step.text_content().split()))


def gold_links(root: lxml.html.HtmlElement, own_slug: str) -> list[tuple[str, str]]:
    """(decoded slug, title) of every gold link in the steps, in document order."""
    found = []
    for box in steps(root):
        for link in box.xpath("descendant::a[@href]"):
            parts = urlsplit(link.get("href"))
            slug = unquote(parts.path).strip("/").replace("_", "-").replace(" ", "-")
            on_site = not parts.netloc and parts.path.startswith("/") and link.get("title")
            if (
                (on_site or re.search(r"(^|\.)wikihow\.", parts.netloc, re.IGNORECASE))
                and link.get("class", "") in ("", "mw-redirect")
                and slug
                and slug != own_slug
                and not slug.endswith("-Quiz")
                and not NAMESPACE.match(slug)
                and not FOLDER.match(slug)
                and not slug.startswith(("index.php", "wikiHowTo"))
            ):
                found.append((slug, link.get("title", "")))
    return found
