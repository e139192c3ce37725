"""One walk over a page's tree that notes where everything is: title, introduction, lists of steps,
sections."""

from __future__ import annotations

from dataclasses import dataclass, field

from bs4.element import Tag

from crawl.article import squeeze
from crawl.pages import selectors
from crawl.pages.prose import classes_of, items_of, text_of, walk


@dataclass(frozen=True, slots=True)
class StepList:
    """An outermost `ol` of steps, with the section and the heading that it is below."""

    section: Tag | None
    heading: Tag | None
    ol: Tag


@dataclass
class Outline:
    """Where the parts of a page are."""

    titles: list[Tag] = field(default_factory=list)
    """Every h1."""
    meta: dict[str, str] = field(default_factory=dict)
    """Content of the `meta` tags by property or name, the first of each."""
    canonical: str = ""
    breadcrumb: list[Tag] = field(default_factory=list)
    paragraphs: dict[str, list[Tag]] = field(default_factory=dict)
    """Paragraphs of the introduction, by the id or class that they are in."""
    lists: list[StepList] = field(default_factory=list)
    sections: dict[str, list[Tag]] = field(default_factory=dict)
    """The sections beside the steps, by what they hold ("tips", "warnings")."""
    in_review: bool = False
    redirect: Tag | None = None
    """The link of a redirect's note."""
    # state of the walk
    _steps_sections: list[Tag | None] = field(default_factory=lambda: [None])
    _headings: list[Tag | None] = field(default_factory=lambda: [None])
    _inside: dict[str, Tag] = field(default_factory=dict)

    @classmethod
    def of(cls, tree: Tag) -> Outline:
        """Walk the tree once."""
        outline = cls()
        for node, opens in walk(tree):
            if isinstance(node, Tag):
                if opens:
                    outline._enter(node)
                else:
                    outline._leave(node)
        return outline

    def title(self) -> Tag | None:
        """The h1 that is the article's title, by the marks of the newest layout first; a page may hold two."""

        def rank(tag: Tag) -> int:
            if tag.get("id") in selectors.TITLE_IDS:
                return 0
            return 1 if any(name.startswith(selectors.TITLE_CLASS_STARTS) for name in classes_of(tag)) else 2

        return min(self.titles, key=rank, default=None)

    def introduction(self) -> str:
        """The words of the introduction."""
        for place in selectors.INTRODUCTIONS:
            words = " ".join(filter(None, map(text_of, self.paragraphs.get(place, []))))
            if words:
                return words
        return ""

    def entries(self, role: str) -> tuple[str, ...]:
        """The entries of all sections of a role, such as "tips"."""
        texts = (section.find(class_="section_text") or section for section in self.sections.get(role, []))
        return tuple(entry for text in texts if isinstance(text, Tag) for entry in items_of(text))

    def _enter(self, tag: Tag) -> None:
        name = tag.name
        classes = classes_of(tag)
        names = {*classes, str(tag.get("id") or "")}
        if name == "h1":
            self.titles.append(tag)
        elif name == "meta":
            key = str(tag.get("property") or tag.get("name") or tag.get("itemprop") or "")
            self.meta.setdefault(key, squeeze(str(tag.get("content") or "")))
        elif name == "link":
            if "canonical" in (tag.get("rel") or ()) and not self.canonical:
                self.canonical = str(tag.get("href") or "").strip()
        elif name == "p" and tag.parent is not None and "list" not in self._inside:
            self._note_paragraph(tag, tag.parent)
        elif name == "a":
            self._note_link(tag)
        elif name == "ol" and selectors.STEP_LIST in classes:
            if not {"list", "hidden"} & self._inside.keys():
                self.lists.append(StepList(self._steps_sections[-1], self._headings[-1], tag))
            self._inside.setdefault("list", tag)
        elif (name == "h3" or selectors.HEADING_BOX in classes) and not {
            "list",
            "heading",
        } & self._inside.keys():
            self._headings[-1] = tag
            self._inside["heading"] = tag
        self._enter_container(tag, classes, names)

    def _enter_container(self, tag: Tag, classes: list[str], names: set[str]) -> None:
        if selectors.HIDDEN_STEPS in classes:
            self._inside.setdefault("hidden", tag)
        if not selectors.BREADCRUMBS.isdisjoint(names):
            self._inside.setdefault("breadcrumb", tag)
        if not selectors.REDIRECT_NOTES.isdisjoint(names):
            self._inside.setdefault("redirect", tag)
        self.in_review = self.in_review or selectors.IN_REVIEW in classes
        if ("section" in classes and selectors.STEPS_SECTION in classes) or tag.get(
            "id"
        ) == selectors.STEPS_SECTION:
            self._steps_sections.append(tag)
            self._headings.append(None)
        elif "section" in classes or tag.get("id"):
            self._note_section(tag, names)

    def _leave(self, tag: Tag) -> None:
        for name in [name for name, opened in self._inside.items() if opened is tag]:
            del self._inside[name]
        if self._steps_sections[-1] is tag:
            self._steps_sections.pop()
            self._headings.pop()

    def _note_paragraph(self, tag: Tag, parent: Tag) -> None:
        for place in (*classes_of(parent), str(parent.get("id") or "")):
            if place in selectors.INTRODUCTIONS:
                self.paragraphs.setdefault(place, []).append(tag)
                return

    def _note_link(self, tag: Tag) -> None:
        if "breadcrumb" in self._inside:
            self.breadcrumb.append(tag)
        elif "redirect" in self._inside and self.redirect is None:
            self.redirect = tag

    def _note_section(self, tag: Tag, names: set[str]) -> None:
        """A section beside the steps: known by its class or id, by that of its text, or by its heading."""
        if {"role", "list"} & self._inside.keys():
            return
        role = selectors.role_of(sorted(names))
        if role is None and "section" in names:
            text, heading = tag.find(class_="section_text"), tag.find(["h2", "h3"])
            role = selectors.role_of(
                [
                    str(text.get("id") or "") if text else "",
                    text_of(heading) if isinstance(heading, Tag) else "",
                ]
            )
        if role is not None:
            self._inside["role"] = tag
            self.sections.setdefault(role, []).append(tag)
