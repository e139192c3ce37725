"""Every tag, class and id of wikiHow's layouts since 2008, in one place; localised words are in `words`.

The stable anchor of all layouts is `ol.steps_list_2 > li`; since about 2013 each item holds one `div.step`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from crawl.pages import words

# Steps
STEP_LIST: Final = "steps_list_2"
"""Class of the `ol` that holds steps, in every layout."""
STEP: Final = "step"
"""Class of the `div` inside an item, from about 2013 on."""
HEADLINE: Final = "whb"
"""Class of the machine-made `b` around the first sentence of a step."""
STEPS_SECTION: Final = "steps"
"""Class (with `section`) or, before 2013, id of what holds the headings and lists of steps."""
HIDDEN_STEPS: Final = "hide_step_numbers"
"""Class of a section that looks like steps and holds none ("Things You Should Know")."""
HEADING_BOX: Final = "headline_info"
"""Class of the box around a method's heading, from 2024 on."""
HEADING_LABELS: Final = frozenset({"altblock", "method_label"})
"""Classes of the words "Method 1 of 3:", apart from or inside the method's name."""
HEADING_NAME: Final = "mw-headline"

# What is never text
JUNK_TAGS: Final = frozenset(
    {
        "script",
        "style",
        "noscript",
        "template",
        "iframe",
        "svg",
        "img",
        "picture",
        "source",
        "button",
        "input",
    }
    | {"video", "audio", "object", "annotation", "annotation-xml", "nav"}
)
"""Tags whose content is never part of an article. Plain `sup`, `sub` and `kbd` are text."""
JUNK_CLASSES: Final = frozenset(
    {"ts_popup"}  # the window of a citation ("X Research source")
    | {
        "image_details",
        "mwimg",
        "mwe-math-fallback-image-inline",
        "mwe-math-fallback-image-display",
    }  # pictures
    | {"wh_ad_inner", "ad_label", "al_method", "scrolltomarker", "clearall"}  # advertisements
    | {"green_tips_box"}  # boxes between steps; `green_tips_box_inline` is text
    | {"wh_vote_container", "wh_vote_box", "checkmark"}  # votes and boxes to tick
    | {
        "step_num",
        "stepanchor",
        "mw-editsection",
        "editsection",
        "edit_btn",
    }  # furniture of steps and headings
)
JUNK_CLASS_STARTS: Final = ("m-video", "green_box")
JUNK_PAIRS: Final = frozenset({("sup", "reference"), ("a", "image")})
"""Tag and class that are junk only together."""
BLOCK_TAGS: Final = frozenset(
    {
        "address",
        "article",
        "aside",
        "blockquote",
        "br",
        "caption",
        "center",
        "dd",
        "div",
        "dl",
        "dt",
        "figure",
    }
    | {"figcaption", "footer", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "ol", "p", "pre"}
    | {"section", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul"}
)
"""Tags that end a word: the text on both sides of them is kept apart by a blank."""

# The parts of a page that are read at all
WANTED_TAGS: Final = frozenset({"h1", "link", "meta"})
WANTED_IDS: Final = frozenset({"breadcrumb", "breadcrumbs", "intro", "mf-section-0", "steps", "bodycontents"})
WANTED_CLASSES: Final = frozenset(
    {"section", STEP_LIST, "pagepolicy", "redirectMsg", "redirectText", "mf-section-0"}
)
UNWANTED_CLASSES: Final = frozenset({"qa", "articleinfo", "aboutthisarticle", "quicksummary"})
"""Classes of whole sections that are left out."""
TITLE_IDS: Final = frozenset({"section_0"})
TITLE_CLASS_STARTS: Final = ("firstHeading", "title")
TITLE_SUFFIXES: Final = frozenset({"ja_how_to"})
"""Classes of words for "how to" inside a title."""
INTRODUCTIONS: Final = ("mf-section-0", "intro", "article_intro", "bodycontents")
"""Ids or classes of the parents of the paragraphs of the introduction, newest layout first."""
BREADCRUMBS: Final = frozenset({"breadcrumb", "breadcrumbs"})
RELATED_LINK: Final = "related-title"
REFERENCE_LIST: Final = "references"
REFERENCE_TEXT: Final = "reference-text"
REDIRECT_NOTES: Final = frozenset({"redirectMsg", "redirectText"})
IN_REVIEW: Final = "pagepolicy"

LICENCE: Final = "text: CC BY-NC-SA 3.0 or the site's later terms; pictures: not free"
"""What is known of the licence of a wikiHow page; the pages themselves do not state it."""

# Links
NO_ARTICLE_FOLDERS: Final = frozenset(
    {"experts", "author", "quizzes", "expert-answers", "video", "watch", "course", "courses", "questions"}
    | {"relationships", "games", "sample", "answers", "images", "skins", "extensions"}
)
"""First parts of a path that hold something other than articles ("/Experts", "/Quizzes/...")."""
NO_ARTICLE_PAGES: Final = frozenset({"index.php", "api.php", "load.php", "wikihowto", "main-page", ""})
LINK_CLASSES: Final = frozenset({"mw-redirect", "extiw"})
"""The only classes that a link between articles may carry."""

_HOSTS: Final = re.compile(
    r"(?:^|\.)wikihow(?:-fun)?\.(?:com|jp|cz|it|vn|com\.tr|tech|pet|mom|life|fitness|health|legal)$"
)
_COUNTRY_LANGUAGES: Final = {"jp": "ja", "cz": "cs", "it": "it", "vn": "vi", "tr": "tr"}


@lru_cache(maxsize=4096)
def language_of_host(host: str) -> str | None:
    """Language of a wikiHow host ("es.wikihow.com" -> "es", "www.wikihow.jp" -> "ja"); None for another host."""
    host = host.lower().partition(":")[0]
    if not _HOSTS.search(host):
        return None
    country = _COUNTRY_LANGUAGES.get(host.rpartition(".")[2])
    if country:
        return country
    first = host.removeprefix("m.").partition(".")[0]
    return first if re.fullmatch(r"[a-z]{2}", first) else "en"


def role_of(names: Iterable[str]) -> str | None:
    """What a section with these classes, ids and headings holds ("tips", "warnings"), or None."""
    return next((role for name in names if (role := _role_of(name))), None)


@lru_cache(maxsize=4096)
def _role_of(name: str) -> str | None:
    plain = words.plain_word(name)
    return next((role for role, known in words.ROLES.items() if plain in known), None)
