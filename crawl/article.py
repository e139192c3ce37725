"""The records of how-to articles: what every reader yields and every later stage works on.

An article's identity never rests on its text: its key is the language with the source's page id or, where
a source has none, with the slug. A step's key is its article, its method's number and its own number.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import unquote

MethodKind = Literal["method", "part", "question", "single"]
LinkPlace = Literal["headline", "body", "bullet"]


@dataclass(frozen=True, slots=True)
class StepLink:
    """A hyperlink that an editor set inside a step: the gold evidence that the step is another goal."""

    slug: str
    """Decoded slug of the target ("Clean-a-Fish")."""
    title: str
    """Title of the target as the link names it; empty where it does not."""
    anchor: str
    """The words of the step that carry the link."""
    place: LinkPlace
    language: str = ""
    """Language of the target where the link leads to another language's site; empty means the article's own."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a method."""

    number: int
    """Position in its method, from 1."""
    headline: str
    """The leading bold sentence; empty where the page has none."""
    body: str = ""
    bullets: tuple[str, ...] = ()
    links: tuple[StepLink, ...] = ()


@dataclass(frozen=True, slots=True)
class Method:
    """One list of steps. Methods are alternatives, parts are all needed, a single list is all there is."""

    kind: MethodKind
    number: int
    """Position in the article, from 1."""
    name: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Article:
    """One how-to article: a goal and the methods that reach it."""

    language: str
    title: str
    """The title as the source shows it ("How to Grill Fish")."""
    methods: tuple[Method, ...]
    slug: str = ""
    """Decoded slug ("Grill-Fish"); made from the goal where the source has none."""
    goal: str = ""
    """The title without "How to"; made from the title where left empty."""
    page_id: int | None = None
    """The source's own number of the article (wikiHow's wgArticleId)."""
    revision: int | None = None
    url: str = ""
    site: str = ""
    """The name of the source where the address does not say it."""
    introduction: str = ""
    categories: tuple[str, ...] = ()
    """Path from the broadest category to the narrowest."""
    ingredients: tuple[str, ...] = ()
    things: tuple[str, ...] = ()
    """What one needs beside ingredients; the tools among them are here where the source does not tell them apart."""
    tools: tuple[str, ...] = ()
    tips: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    related: tuple[str, ...] = ()
    """Slugs of the articles named as related."""
    aliases: tuple[str, ...] = ()
    """Former slugs that are known to lead here (redirects)."""
    references: tuple[str, ...] = ()
    licence: str = ""
    published: str = ""
    """ISO 8601 date where the page has one; likewise `modified` and `fetched_at`."""
    modified: str = ""
    fetched_at: str = ""
    source: str = ""
    """Where the record came from: a file and line, an archive and record."""

    def __post_init__(self) -> None:
        if not self.goal:
            object.__setattr__(self, "goal", goal_of(self.title))
        if not self.slug:
            object.__setattr__(self, "slug", slug_of(self.goal))

    @property
    def key(self) -> str:
        """Identity of the article, e.g. "en:2053" (page id) or "en:/Grill-Fish" (slug)."""
        return f"{self.language}:{self.page_id if self.page_id is not None else '/' + self.slug}"

    @property
    def step_count(self) -> int:
        """Number of steps over all methods."""
        return sum(len(method.steps) for method in self.methods)

    def to_dict(self) -> dict[str, Any]:
        """The article as plain dictionaries and lists, the form of JSON Lines and of the Parquet shards."""
        return _plain(self)


@dataclass(frozen=True, slots=True)
class Skip:
    """Something a reader met that is no article: where it is, why it was left out, and the detail."""

    where: str
    """File, with line or record where there is one."""
    reason: str
    """A short fixed phrase that tallies count by ("no title", "restricted")."""
    detail: str = ""


def _plain(record: Any) -> dict[str, Any]:
    """What `dataclasses.asdict` gives, without its copy of every string: a corpus spends most of its time here."""
    values = {name: getattr(record, name) for name in record.__slots__}
    for name, value in values.items():
        if isinstance(value, tuple) and value and not isinstance(value[0], str):
            values[name] = tuple(_plain(each) for each in value)
    return values


_UNPRINTABLE = re.compile("[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ufffe\uffff\ud800-\udfff]")


def squeeze(text: str) -> str:
    """The text with every run of blanks (also full-width ones) as one blank, and none at its ends.

    Characters that no file may hold, such as NUL and half surrogate pairs, become U+FFFD.
    """
    words = " ".join(text.split())
    return words if words.isprintable() else _UNPRINTABLE.sub("\ufffd", words)


def goal_of(title: str) -> str:
    """The goal that a title names: "How to Grill Fish" -> "Grill Fish"."""
    words = " ".join(title.split())
    if words[:3].lower() != "how":
        return words
    return re.sub(r"^how\s+to\s+", "", words, flags=re.IGNORECASE) or words


def slug_of(goal: str) -> str:
    """The slug under which wikiHow would file a goal: "Grill Fish" -> "Grill-Fish"."""
    return "-".join(goal.split())


def decode_slug(slug: str) -> str:
    """One spelling for all forms of a slug: percent-decoded, without slashes around it, hyphens for blanks."""
    return unquote(slug).strip("/ ").replace("_", "-").replace(" ", "-")
