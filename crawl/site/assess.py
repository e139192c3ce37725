"""What an answer means: the outcome of its page, the pages it leads to, and whether asking again may help."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from urllib.parse import urljoin

from crawl.article import Article
from crawl.pages.decode import decode_page
from crawl.pages.head import page_config
from crawl.pages.parse import parse_page
from crawl.site.addresses import Address, Hosts, path_of_slug
from crawl.site.fetch import MAX_SITEMAP_BYTES, Answer, Trouble
from crawl.site.listings import MOST_LEVELS, NoListing, category, is_article, place_in_category, sitemap
from crawl.site.page import Assessment, Entry, Page

REDIRECTS = (301, 302, 303, 307, 308)
REFUSALS = (401, 403, 407, 451)
PASSING = (408, 425, 429, 500, 502, 503, 504, 507, 520, 521, 522, 523, 524, 525, 526, 527, 530)
"""States that pass: HTTP's own, and those of the networks in front of large sites (520 to 530)."""

BLOCK_WORDS = (
    "access denied",
    "access to this page has been denied",
    "are you a human",
    "are you a robot",
    "attention required",
    "automated requests",
    "captcha",
    "cf-chl",
    "challenge-platform",
    "checking your browser",
    "enable javascript and cookies",
    "have been blocked",
    "just a moment",
    "pardon our interruption",
    "rate limit",
    "request unsuccessful",
    "security check",
    "too many requests",
    "unusual traffic",
    "verify you are",
    "verify that you are",
    "you are blocked",
)
"""Words of pages that hold a crawler off. They count only on a page that is none of the site's own."""


@dataclass(frozen=True, slots=True)
class Assessor:
    """Assesses the answers of one crawl."""

    hosts: Hosts
    follow: frozenset[str]
    """Which links of an article are followed: "links" (in its steps), "related", both or none."""
    depth: int
    """How far from a seed links are followed."""
    known: Callable[[Address], bool]
    """Whether the frontier holds a page."""

    def assess(self, page: Page, answer: Answer) -> Assessment:
        """What `answer` means for `page`.

        Raises:
            Trouble: the answer is unusable; another one may come.
        """
        try:
            return self._assess(page, answer)
        except (RecursionError, ValueError, LookupError) as error:  # one monstrous page must not end a crawl
            raise Trouble("unreadable page", final=True) from error

    def _assess(self, page: Page, answer: Answer) -> Assessment:
        status = answer.status
        if status in REDIRECTS:
            return self._redirect(page, answer)
        if status in PASSING:
            raise Trouble(f"status {status}")
        if status in REFUSALS:
            return Assessment("blocked", f"status {status}", retry=True)
        if status == 304 and page.validator:
            return Assessment("ok", unchanged=True)
        if status in (404, 410):
            return self._missing(page, answer)
        if status != 200:
            return Assessment("failed", f"status {status}")
        if page.address.kind == "sitemap":
            return self._sitemap(page, answer)
        return self._page(page, answer)

    def links_of(self, page: Page, answer: Answer) -> tuple[Entry, ...]:
        """The articles that the crawl follows from an answer that was kept. Raises Trouble like `assess`."""
        article = parse_page(answer.content(), url=page.url, charset=answer.charset).article
        return self.links(page, article) if article else ()

    def links(self, page: Page, article: Article) -> tuple[Entry, ...]:
        """The articles that the crawl follows from an article of this page."""
        slugs: dict[str, None] = {}
        if "links" in self.follow:
            steps = (step for method in article.methods for step in method.steps)
            slugs |= {link.slug: None for step in steps for link in step.links if not link.language}
        if "related" in self.follow:
            slugs |= dict.fromkeys(article.related)
        targets = (Address(page.address.origin, path_of_slug(slug)) for slug in slugs)
        return tuple(Entry(target, page.depth + 1) for target in targets if is_article(target))

    def _redirect(self, page: Page, answer: Answer) -> Assessment:
        location = answer.header("location")
        if not location:
            return Assessment("failed", "redirect without an address")
        kind = page.address.kind
        target = self.hosts.address(location, kind, base=page.url)
        if target is None:
            return Assessment("redirect", "off the allowed hosts", elsewhere=urljoin(page.url, location))
        if kind == "category":
            name, _, number = page.address.path.partition("?pg=")
            if target.path == name and number:
                return Assessment("gone", "behind the last page")
            if number and "?pg=" not in target.path:  # the site drops it when a category was renamed
                target = replace(target, path=f"{target.path}?pg={number}")
        if target == page.address:
            spelling = self.hosts.raw(location, base=page.url) or ""
            if spelling == page.url:
                return Assessment("failed", "redirect loop")
            return Assessment("redirect", spelling=spelling)
        if kind == "article" and not is_article(target):
            return Assessment("redirect", "to no article", elsewhere=target.url)
        return Assessment("redirect", target=target)

    def _missing(self, page: Page, answer: Answer) -> Assessment:
        """Articles in quality review come with status 404, but their pages say what they are."""
        if page.address.kind == "article":
            try:
                if parse_page(answer.content(), url=page.url).kind == "restricted":
                    return Assessment("restricted")
            except Trouble:
                pass
        return Assessment("gone")

    def _sitemap(self, page: Page, answer: Answer) -> Assessment:
        content = answer.content(MAX_SITEMAP_BYTES)
        try:
            found = sitemap(content, page.address, self.hosts)
        except NoListing:
            if _is_block_page(content):
                return Assessment("blocked", "block page", retry=True)
            raise Trouble("broken sitemap") from None
        return Assessment("ok", found=tuple(Entry(address, seed=True) for address in found))

    def _page(self, page: Page, answer: Answer) -> Assessment:
        content = answer.content()
        if answer.content_type not in ("", "text/html", "application/xhtml+xml"):
            return _other_page(content, Assessment("not_article", "no HTML"))
        if b"</html" not in content[-4096:].lower():
            if _is_block_page(content):
                return Assessment("blocked", "block page", retry=True)
            raise Trouble("cut answer")  # a wrong Content-Length cuts a page without any sign of it in HTTP
        if page.address.kind == "article":
            return self._article(page, content, answer.charset)
        try:
            found = category(content, page.address, self.hosts, self.known)
        except NoListing:
            return _other_page(content, Assessment("not_article", "lists nothing"))
        entries = (_listed(address, page) for address in found)
        return Assessment("ok", found=tuple(entry for entry in entries if entry.depth <= MOST_LEVELS))

    def _article(self, page: Page, content: bytes, charset: str) -> Assessment:
        parsed = parse_page(content, url=page.url, charset=charset)
        if parsed.kind == "restricted":
            return Assessment("restricted")
        if parsed.kind == "redirect":
            target = replace(page.address, path=path_of_slug(parsed.target)) if parsed.target else None
            if target == page.address:
                return Assessment("failed", "redirect loop")
            return Assessment("redirect", target=target)
        article = parsed.article
        if article is None:
            reason = "no steps" if parsed.kind == "empty" else ""
            return _other_page(content, Assessment("not_article", reason))
        wanted = bool(self.follow) and page.depth < self.depth
        assessment = Assessment("ok", found=self.links(page, article) if wanted else (), followed=wanted)
        canonical = self.hosts.address(article.url, base=page.url)
        if canonical is None or canonical == page.address or not is_article(canonical):
            return assessment
        return replace(assessment, outcome="redirect", target=canonical, body_is_targets=True)


def _listed(address: Address, page: Page) -> Entry:
    """What a page of a category lists: an article, a further page as deep as this one, or a category below it."""
    if address.kind != "category":
        return Entry(address, seed=True)
    below = place_in_category(address)[0] != place_in_category(page.address)[0]
    return Entry(address, page.depth + below, seed=True)


def _other_page(content: bytes, assessment: Assessment) -> Assessment:
    """`assessment`, unless the page is none of the site's own and holds us off."""
    return Assessment("blocked", "block page", retry=True) if _is_block_page(content) else assessment


def _is_block_page(content: bytes) -> bool:
    text = decode_page(content[: 2**18])
    if page_config(text):
        return False  # MediaWiki's variables are on every page of the site itself
    return any(words in text.lower() for words in BLOCK_WORDS)
