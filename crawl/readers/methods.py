"""The lists of steps of a record, whatever they are called -> methods."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import Any, cast, get_args

from crawl.article import LinkPlace, Method, MethodKind, Step, StepLink, decode_slug, squeeze
from crawl.steps.division import Given, steps_of
from crawl.steps.plain import lines_of
from crawl.steps.values import first, listed, text_in, texts_in
from crawl.steps.wiki_links import without_wiki_links

METHOD_KINDS: tuple[MethodKind, ...] = get_args(MethodKind)
_LISTS_OF_STEPS: tuple[tuple[str, MethodKind], ...] = (
    ("methods", "method"),
    ("parts", "part"),
    ("sections", "method"),
    ("questions", "question"),
    ("steps", "single"),
    ("caption", "single"),
    ("instructions_list", "single"),
    ("instructions", "single"),
    ("directions", "single"),
)
NAMES_OF_STEPS = frozenset(name for name, _ in _LISTS_OF_STEPS)


class Said(Enum):
    """How a record says its steps."""

    exactly = "as they are read"
    """A row of a corpus of ours."""
    plainly = "in plain text"
    """In our full form, and in a dump of wikiHow, where "<br>" is a word of an article on HTML."""
    with_markup = "with whatever markup"
    """In another site's."""


def methods_in(record: Mapping[str, Any], said: Said, host: str) -> tuple[Method, ...]:
    """The methods of a record under the first name that gives steps.

    Args:
        record: a record of a dump.
        said: how its steps are said.
        host: of its address, to which links without one lead.
    """
    for name, kind in _LISTS_OF_STEPS:
        value = record.get(name)
        if not value:
            continue
        if isinstance(value, dict):  # {"name of the method": [steps], ...}
            value = [{"name": key, "steps": steps} for key, steps in value.items()]
        methods = _methods_of(_with_bodies(_list_in(value, said), record), kind, said, host)
        if any(method.steps for method in methods):
            return methods
    return ()


def _methods_of(values: list[Any], kind: MethodKind, said: Said, host: str) -> tuple[Method, ...]:
    """Methods out of a list of methods, of lists of steps, or of steps; loose steps beside methods come first."""
    groups = [value for value in values if _is_method(value)]
    apart = [value for value in values if not _is_method(value)] if len(groups) < len(values) else []
    loose = _steps(apart, said, host)
    if not groups:
        return (Method("single", 1, "", loose),) if loose else ()
    kind = "method" if kind == "single" else kind
    methods = [Method(kind, 1, "", loose)] if loose else []
    for value in groups:
        own = value if isinstance(value, dict) else {"steps": value}
        name = text_in(first(own, "name", "title", "headline", "heading"))
        own_kind = own.get("kind")
        if own_kind not in METHOD_KINDS:
            own_kind = "single" if len(values) == 1 and not name else kind
        steps = _steps(_with_bodies(_list_in(first(own, "steps", "children"), said), own), said, host)
        methods.append(Method(cast(MethodKind, own_kind), len(methods) + 1, name, steps))
    return tuple(methods)


def _list_in(value: Any, said: Said) -> list[Any]:
    """A list of steps as it is, and the lines of a text."""
    return lines_of(value, said is Said.with_markup) if isinstance(value, str) else listed(value)


def _is_method(value: Any) -> bool:
    return isinstance(value, list | tuple) or (
        isinstance(value, dict) and ("steps" in value or "children" in value)
    )


def _with_bodies(steps: list[Any], record: Mapping[str, Any]) -> list[Any]:
    """The steps with the texts that are beside them under "bodies", each of which says its step again or goes on."""
    bodies = record.get("bodies")
    if (
        not isinstance(bodies, list)
        or len(bodies) != len(steps)
        or not all(isinstance(one, str) for one in steps)
    ):
        return steps
    return [{"title": step, "description": body} for step, body in zip(steps, bodies, strict=True)]


def _steps(values: Sequence[Any], said: Said, host: str) -> tuple[Step, ...]:
    if not values:
        return ()
    given = [_given(value) for value in values]
    if said is Said.exactly:
        return tuple(
            Step(number, squeeze(one.name), squeeze(one.text), one.bullets, one.links)
            for number, one in enumerate(given, 1)
        )
    linked = [_without_wiki_links(one, host) for one in given]
    steps = steps_of(linked, markup=said is Said.with_markup)
    return steps if linked == given else tuple(map(_placed, steps))


def _without_wiki_links(given: Given, host: str) -> Given:
    if "[" not in given.name and "[" not in given.text and not any("[" in one for one in given.bullets):
        return given
    (name, in_name), (text, in_text) = (without_wiki_links(one, host) for one in (given.name, given.text))
    below = [without_wiki_links(one, host) for one in given.bullets]
    in_bullets = [dataclasses.replace(link, place="bullet") for _, links in below for link in links]
    links = dict.fromkeys((*given.links, *in_name, *in_text, *in_bullets))
    bullets = tuple(text for text, _ in below)
    return given._replace(name=name, text=text, bullets=bullets, links=tuple(links))


def _placed(step: Step) -> Step:
    """The step with the links that are in its headline placed there."""
    links = (
        dataclasses.replace(link, place="headline") if link.anchor in step.headline else link
        for link in step.links
    )
    return dataclasses.replace(step, links=tuple(links))


def _given(value: Any) -> Given:
    """A step as a dump has it: a text, or a headline with its body under one of their names."""
    if not isinstance(value, dict):
        return Given(_lines(value))
    headline = _lines(first(value, "headline", "title", "heading", "summary", "name"))
    bullets, links = value.get("bullets"), value.get("links")
    return Given(
        name=headline,
        text=_lines(first(value, "body", "description", "text", "details", "content")),
        is_whole="headline" in value and ("body" in value or not headline),
        bullets=texts_in(bullets),
        links=tuple(_links(links)) if isinstance(links, list | tuple) else (),
    )


def own_unsaid(methods: tuple[Method, ...], language: str) -> tuple[Method, ...]:
    """The methods with no link that names the language of its own article."""
    links = (link for method in methods for step in method.steps for link in step.links)
    if all(link.language != language for link in links):
        return methods

    def unsaid(link: StepLink) -> StepLink:
        return dataclasses.replace(link, language="") if link.language == language else link

    def in_step(step: Step) -> Step:
        return dataclasses.replace(step, links=tuple(map(unsaid, step.links)))

    return tuple(dataclasses.replace(method, steps=tuple(map(in_step, method.steps))) for method in methods)


def _lines(value: Any) -> str:
    """A text with its line breaks, or the texts of a list in lines of their own."""
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple):
        return "\n".join(filter(None, map(_lines, value)))
    return text_in(value)


def _links(values: Iterable[Any]) -> Iterable[StepLink]:
    for value in values:
        if not isinstance(value, dict):
            continue
        said = text_in(value.get("slug"))
        slug = said if "/" in said.strip("/") else decode_slug(said)  # a page of another site, by its address
        place = value.get("place")
        if slug:
            yield StepLink(
                slug=slug,
                title=text_in(value.get("title")),
                anchor=text_in(value.get("anchor")),
                place=cast(LinkPlace, place if place in get_args(LinkPlace) else "body"),
                language=text_in(value.get("language")),
            )
