"""A build of some articles with a model drawn by lot, and what comes out where more are added."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

from kb.build.build import BuildTally, Options, build
from linking.text import goal_text
from support.contents import content
from support.reading import lines, simple
from support.tiny_model import tiny_model

WORDS = ("Boats", "Chairs", "Lamps", "Roofs", "Walls", "Shoes")

Said = dict[str, list[tuple]]
"""All that a knowledge base says, by table."""
Sources = tuple[list[Path], list[Path]]
"""Those of a knowledge base, and these with one more."""


@dataclass(frozen=True)
class World:
    """A knowledge base with its work folder, and how to build on."""

    kb: Path
    sources: Sources
    expected: tuple[Said, Said]
    """What a build of either says."""
    options: Options

    def build(self, output: Path, more: int = 1) -> BuildTally:
        """Build `output` from the first sources, or with one more."""
        return build(self.sources[more], output, self.options)


def tiny_sources(folder: Path) -> tuple[Sources, Options]:
    """The articles, written to a folder unless they are there, and how to build from them; nothing is built yet."""
    dice = random.Random(4)
    titles = [f"Mend Part {number} of {dice.choice(WORDS)}" for number in range(25)]
    records = [
        simple(title, *(f"{dice.choice(WORDS)} {dice.choice(titles)}" for _ in range(4))) for title in titles
    ]
    first, added = folder / "first.jsonl", folder / "added.jsonl"
    if not added.exists():
        lines(first, *records[:-4])
        lines(added, *records[-4:])
    options = Options(model=tiny_model([goal_text(title) for title in titles[:9]]), part_size=16)
    return ([first], [first, added]), options


def tiny_world(folder: Path) -> World:
    """The world, in an empty folder."""
    sources, options = tiny_sources(folder)
    kb, full = folder / "kb.duckdb", folder / "full.duckdb"
    for source, output in zip(sources, (kb, full), strict=True):
        build(source, output, options)
    return World(kb, sources, (content(kb), content(full)), options)
