"""A saved page of wikiHow, any layout since 2008 and any language -> its article, or why there is none."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

from bs4 import BeautifulSoup, SoupStrainer, Tag

from crawl import selectors
from crawl.article import Article, Method, MethodKind, decode_slug, slug_of
from crawl.decode import decode_page
from crawl.links import Target, article_address, slug_of_address, target_of
from crawl.prose import items_of, step_of, text_of

Kind = Literal["article", "restricted", "redirect", "not_article", "empty"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a page turned out to be. Only the kind "article" holds an article; the others say why not."""

    kind: Kind
    article: Article | None = None
    reason: str = ""
    target: str = ""
    """Slug that a redirect leads to, where the page says so."""


def parse_page(
    page: bytes | str, *, url: str = "", source: str = "", fetched_at: str = "", charset: str | None = None
) -> Outcome:
    """Read one page; never raises, whatever the bytes.

    `url` is where the page was fetched from, if known; the page's own canonical address comes first.
    `charset` is what the server said of the page.
    """
    text = page if isinstance(page, str) else decode_page(page, charset)
    if "<" not in text:
        return Outcome("not_article", reason="no HTML")
    config = page_config(text)
    soup = BeautifulSoup(text, "lxml", parse_only=_WANTED)
    lists = _step_lists(soup)
    outcome = _refused(soup, config, bool(lists))
    if outcome is not None:
        return outcome
    head = _Head.of(soup, config, text, url)
    methods = tuple(_methods(lists, head))
    if not any(step.headline or step.body or step.bullets for method in methods for step in method.steps):
        return Outcome("empty", reason="lists of steps without a word")
    if not head.title:
        return Outcome("not_article", reason="no title")
    return Outcome("article", _article(soup, head, methods, source, fetched_at))


class _Wanted(SoupStrainer):
    """Lets through the few parts of a page that are read; the rest never becomes a tree."""

    def allow_tag_creation(self, nsprefix: str | None, name: str, attrs: Any) -> bool:
        if name in selectors.WANTED_TAGS:
            return True
        if not attrs:
            return False
        if attrs.get("id") in selectors.WANTED_IDS:
            return True
        classes = attrs.get("class")
        return bool(classes) and not selectors.WANTED_CLASSES.isdisjoint(
            classes.split() if isinstance(classes, str) else classes
        )


_WANTED = _Wanted(name=True)

_CONFIG = re.compile(
    r"""\b(wg(?:ArticleId|CurRevisionId|RevisionId|Title|PageName|IsRedirect|RedirectedFrom|NamespaceNumber|
    IsRestricted|PageContentLanguage|ContentLanguage))["']?\s*[:=]\s*
    (?:(?P<string>"(?:[^"\\\n]|\\.)*")|(?P<bare>-?\d{1,18}|true|false))""",
    re.VERBOSE,
)


def page_config(text: str) -> dict[str, str | int | bool]:
    """MediaWiki's variables in the head of the page (wgArticleId and others), the first of each name.

    Forms since 2008: `var wgArticleId = "12";`, `wgArticleId=12`, `"wgArticleId":12`.
    """
    config: dict[str, str | int | bool] = {}
    for match in _CONFIG.finditer(text):
        name = match[1]
        if name in config:
            continue
        try:
            value = json.loads(match["string"] or match["bare"], strict=False)
        except ValueError:
            continue
        config[name] = value
    return config


def _number(config: dict[str, str | int | bool], *names: str) -> int | None:
    """The first positive number among the named variables; old layouts write it as a string."""
    for name in names:
        value = config.get(name)
        digits = str(value)
        if not isinstance(value, bool) and re.fullmatch(r"[0-9]{1,18}", digits) and int(digits) > 0:
            return int(digits)
    return None


def _string(config: dict[str, str | int | bool], name: str) -> str:
    value = config.get(name)
    return value if isinstance(value, str) else ""


def _is_true(value: str | int | bool | None) -> bool:
    return value is True or value == "true"


def _refused(soup: BeautifulSoup, config: dict[str, str | int | bool], has_steps: bool) -> Outcome | None:
    """The outcome of a page that is no article to be read, or None."""
    if _is_true(config.get("wgIsRestricted")) or (not has_steps and soup.select_one(".pagepolicy")):
        return Outcome("restricted", reason="in quality review: the page shows no steps")
    moved = soup.select_one(".redirectMsg a[href], .redirectText a[href]")
    if _is_true(config.get("wgIsRedirect")) or (moved and not has_steps):
        target = slug_of_address(str(moved["href"])) if moved else ""
        return Outcome("redirect", reason=f"leads to {target}" if target else "a redirect", target=target)
    namespace = config.get("wgNamespaceNumber", 0)
    if str(namespace) != "0":
        return Outcome("not_article", reason=f"namespace {namespace}")
    if has_steps:
        return None
    if soup.select_one(", ".join(selectors.TITLES[:2])) and config.get("wgArticleId"):
        return Outcome("empty", reason="no list of steps")
    return Outcome("not_article", reason="no list of steps")


@dataclass(frozen=True, slots=True)
class _Head:
    """What a page says of itself outside of its sections."""

    language: str
    title: str
    goal: str
    slug: str
    url: str
    page_id: int | None
    revision: int | None
    published: str
    modified: str
    aliases: tuple[str, ...]

    @classmethod
    def of(cls, soup: BeautifulSoup, config: dict[str, str | int | bool], text: str, url: str) -> _Head:
        """Read the head of a page."""
        heading = next(filter(None, (soup.select_one(css) for css in selectors.TITLES)), None)
        title = text_of(heading) or _meta(soup, "og:title")
        url = _canonical(soup) or url or _saved_from(text) or _meta(soup, "og:url") or _heading_link(heading)
        goal = " ".join(_string(config, "wgTitle").split())
        slug = slug_of_address(url) or decode_slug(_string(config, "wgPageName")) or slug_of(goal)
        old_name = decode_slug(_string(config, "wgRedirectedFrom"))
        return cls(
            language=_language(text, config, url),
            title=title or goal,
            goal=goal,
            slug=slug,
            url=url,
            page_id=_number(config, "wgArticleId"),
            revision=_number(config, "wgCurRevisionId", "wgRevisionId"),
            published=_date(soup, text, "datePublished"),
            modified=_date(soup, text, "dateModified"),
            aliases=(old_name,) if old_name and old_name != slug else (),
        )


def _meta(soup: BeautifulSoup, name: str) -> str:
    tag = soup.find("meta", attrs={"property": name}) or soup.find("meta", attrs={"name": name})
    return " ".join(str(tag.get("content") or "").split()) if isinstance(tag, Tag) else ""


def _canonical(soup: BeautifulSoup) -> str:
    tag = soup.select_one('link[rel~="canonical"][href]')
    return str(tag["href"]).strip() if tag else ""


def _heading_link(heading: Tag | None) -> str:
    link = heading.find("a", href=True) if heading else None
    href = str(link["href"]) if isinstance(link, Tag) else ""
    return href if urlsplit_or_none(href) else ""


def urlsplit_or_none(url: str) -> str | None:
    """The host of an absolute address, else None."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return parts.netloc if parts.scheme in ("http", "https") and parts.netloc else None


def _saved_from(text: str) -> str:
    """The address that browsers note in a comment when a person saves a page."""
    match = re.search(
        r"<!--\s*(?:saved from url=\(\d+\)|Page saved with SingleFile\s+url:\s*)(\S+)", text[:20_000]
    )
    return match[1] if match else ""


def _language(text: str, config: dict[str, str | int | bool], url: str) -> str:
    host = urlsplit_or_none(url)
    if host and (language := selectors.language_of_host(host)):
        return language
    said = _string(config, "wgPageContentLanguage") or _string(config, "wgContentLanguage")
    if not said:
        match = re.search(r"<html\b[^>]*?\blang=[\"']?([A-Za-z-]+)", text[:20_000], re.IGNORECASE)
        said = match[1] if match else ""
    language = said.lower().partition("-")[0]
    return language if re.fullmatch(r"[a-z]{2,3}", language) else "en"


def _date(soup: BeautifulSoup, text: str, name: str) -> str:
    match = re.search(rf'"{name}"\s*:\s*"(\d{{4}}-\d{{2}}-\d{{2}}[^"\s]{{0,30}})"', text)
    if match:
        return match[1]
    tag = soup.find(attrs={"itemprop": name})
    found = (
        re.match(r"\d{4}-\d{2}-\d{2}\S{0,30}", str(tag.get("content") or ""))
        if isinstance(tag, Tag)
        else None
    )
    return found[0] if found else ""


def _step_lists(soup: BeautifulSoup) -> list[Tag]:
    """Every outermost list of steps in document order."""
    found = soup.find_all("ol", class_=selectors.STEP_LIST)
    inner = {id(ol) for outer in found for ol in outer.find_all("ol", class_=selectors.STEP_LIST)}
    return [ol for ol in found if id(ol) not in inner and not _is_hidden(ol)]


def _is_hidden(steps: Tag) -> bool:
    return steps.find_parent(class_=selectors.HIDDEN_STEPS) is not None


def _methods(lists: list[Tag], head: _Head) -> Iterator[Method]:
    """One method a section heading: several lists below one heading are one method, counted through."""
    has_step_boxes = any(_step_boxes(item) for ol in lists for item in _items(ol))
    groups: list[tuple[Tag | None, Tag | None, list[Tag]]] = []
    for ol in lists:
        section, heading = _section_of(ol), _heading_of(ol)
        if groups and groups[-1][0] is section and groups[-1][1] is heading:
            groups[-1][2].append(ol)
        else:
            groups.append((section, heading, [ol]))

    def gold(link: Tag) -> Target | None:
        return target_of(link, head.language, head.slug)

    number = 0
    for _, heading, lists_of_method in groups:
        roots = [root for ol in lists_of_method for root in _step_roots(ol, has_step_boxes)]
        if not roots:
            continue
        number += 1
        kind, name = _kind_and_name(heading, many=len(groups) > 1)
        steps = (step_of(root, position, gold) for position, root in enumerate(roots, 1))
        yield Method(kind, number, name, tuple(steps))


def _items(ol: Tag) -> list[Tag]:
    return [child for child in ol.children if isinstance(child, Tag) and child.name == "li"]


def _step_boxes(item: Tag) -> list[Tag]:
    return [
        child
        for child in item.children
        if isinstance(child, Tag) and child.name == "div" and selectors.STEP in (child.get("class") or ())
    ]


def _step_roots(ol: Tag, has_step_boxes: bool) -> Iterator[Tag]:
    """The elements that hold one step each: `div.step`, or the item itself in layouts that have none."""
    for item in _items(ol):
        if has_step_boxes:
            yield from _step_boxes(item)
        else:
            yield item


def _section_of(ol: Tag) -> Tag | None:
    for parent in ol.parents:
        classes = parent.get("class") or ()
        if ("section" in classes and "steps" in classes) or parent.get("id") == "steps":
            return parent
    return None


def _heading_of(ol: Tag) -> Tag | None:
    """The heading that a list stands below: the last h3 or .headline_info before it in its section."""
    section = _section_of(ol)
    heading = ol.find_previous(_is_heading)
    while isinstance(heading, Tag):
        if section is not None and section not in heading.parents:
            return None
        if not heading.find_parent("ol", class_=selectors.STEP_LIST):
            outer = heading.find_parent(class_="headline_info")
            return outer if outer is not None else heading
        heading = heading.find_previous(_is_heading)
    return None


def _is_heading(tag: Tag) -> bool:
    return tag.name == "h3" or "headline_info" in (tag.get("class") or ())


def _kind_and_name(heading: Tag | None, many: bool) -> tuple[MethodKind, str]:
    """Kind and name of a method; a list without a heading of its own stands alone."""
    if heading is None:
        return ("method" if many else "single"), ""
    label = heading.select_one(".altblock, .method_label")
    name = text_of(heading.select_one(".mw-headline")) or text_of(heading)
    return _kind_of("".join(label.strings) if label else ""), name


def _kind_of(label: str) -> MethodKind:
    """Method, part or question, by the localised word before (or after) the number in "Method 1 of 3:"."""
    words = [
        word for word in re.split(r"[\d\u0660-\u0669\u06f0-\u06f9\u0966-\u096f]+", label) if word.strip()
    ]
    word = selectors.plain_word(re.sub(r"[.．、]", "", words[0])) if words else ""
    if word in selectors.KIND_WORDS["part"]:
        return "part"
    return "question" if word in selectors.KIND_WORDS["question"] else "method"


def _sections(soup: BeautifulSoup) -> dict[str, list[Tag]]:
    """The sections beside the steps, by what they hold ("tips", "warnings")."""
    found: dict[str, list[Tag]] = {}
    for section in soup.find_all(class_="section"):
        classes = section.get("class") or ()
        if "steps" in classes or section.find_parent(class_="section"):
            continue
        role = _role_of(section)
        if role:
            found.setdefault(role, []).append(section)
    return found


def _role_of(section: Tag) -> str | None:
    names = [str(name) for name in section.get("class") or ()]
    names += [str(tag.get("id")) for tag in (section, *section.select(".section_text[id]"))]
    heading = section.find(["h2", "h3"])
    if isinstance(heading, Tag):
        names.append(text_of(heading))
    plain = {selectors.plain_word(name) for name in names}
    return next((role for role, words in selectors.ROLE_WORDS.items() if not words.isdisjoint(plain)), None)


def _entries(sections: list[Tag]) -> tuple[str, ...]:
    return tuple(entry for section in sections for entry in items_of(_content_of(section)))


def _content_of(section: Tag) -> Tag:
    """A section without its heading."""
    content = section.find(class_="section_text")
    if isinstance(content, Tag):
        return content
    for heading in section.find_all(["h2"]):
        heading.decompose()
    return section


def _article(
    soup: BeautifulSoup, head: _Head, methods: tuple[Method, ...], source: str, fetched_at: str
) -> Article:
    sections = _sections(soup)
    return Article(
        language=head.language,
        title=head.title,
        methods=methods,
        slug=head.slug,
        goal=head.goal,
        page_id=head.page_id,
        revision=head.revision,
        url=head.url,
        introduction=_introduction(soup),
        categories=tuple(filter(None, (text_of(link) for link in soup.select(selectors.BREADCRUMB)[1:]))),
        ingredients=_entries(sections.get("ingredients", [])),
        things=_entries(sections.get("things", [])),
        tips=_entries(sections.get("tips", [])),
        warnings=_entries(sections.get("warnings", [])),
        related=_related(sections.get("related", [])),
        aliases=head.aliases,
        references=_references(sections.get("references", [])),
        licence=selectors.LICENCE if selectors.language_of_host(urlsplit_or_none(head.url) or "") else "",
        published=head.published,
        modified=head.modified,
        fetched_at=fetched_at,
        source=source,
    )


def _introduction(soup: BeautifulSoup) -> str:
    for css in selectors.INTRODUCTIONS:
        paragraphs = [text for tag in soup.select(css) if (text := text_of(tag))]
        if paragraphs:
            return " ".join(paragraphs)
    return ""


def _related(sections: list[Tag]) -> tuple[str, ...]:
    for section in sections:
        for css in selectors.RELATED_LINKS:
            addresses = (article_address(str(link.get("href") or "")) for link in section.select(css))
            slugs = dict.fromkeys(address[0] for address in addresses if address)
            if slugs:
                return tuple(slugs)
    return ()


def _references(sections: list[Tag]) -> tuple[str, ...]:
    found: list[str] = []
    for section in sections:
        for css in selectors.REFERENCE_ITEMS:
            items = section.select(css)
            if items:
                found += [text_of(item.select_one(".reference-text") or item).lstrip("↑ ") for item in items]
                break
    return tuple(reference for reference in found if reference)
