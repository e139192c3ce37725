"""An article as lines of text, for a person who wonders what was read."""

from __future__ import annotations

from collections.abc import Iterator

from crawl.article import Article, Step

_FACTS = ("key", "goal", "url", "site", "revision", "published", "modified", "licence", "source")
_LISTS = ("ingredients", "things", "tools", "tips", "warnings", "related", "aliases", "references")


def lines_of(article: Article) -> Iterator[str]:
    """Title, facts, every method with its steps and links, then the lists."""
    yield article.title
    for name in _FACTS:
        value = getattr(article, name)
        if value not in (None, ""):
            yield f"  {name}: {value}"
    if article.categories:
        yield f"  categories: {' > '.join(article.categories)}"
    if article.introduction:
        yield f"  introduction: {article.introduction}"
    for method in article.methods:
        yield f"{method.kind} {method.number}: {method.name or '(no name)'}"
        for step in method.steps:
            yield from _step_lines(step)
    for name in _LISTS:
        values = getattr(article, name)
        if values:
            yield f"{name}:"
            yield from (f"  - {value}" for value in values)


def _step_lines(step: Step) -> Iterator[str]:
    yield f"  {step.number}. {step.headline or '(no headline)'}"
    if step.body:
        yield f"     {step.body}"
    yield from (f"     - {bullet}" for bullet in step.bullets)
    for link in step.links:
        target = f"{link.language}:{link.slug}" if link.language else link.slug
        yield f"     -> {target} ({link.place}: {link.anchor!r})"
