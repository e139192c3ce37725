"""A treemap: what belongs together as tiles within a larger one, each as large as its number, and each a link.

The layout is the squarified one of Bruls, Huizing and van Wijk (2000). It is made for a wide screen and for a narrow
one, and page.css takes that which fits.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from kb.explorer.text import markup

GOLDEN = 137.5
"""Degrees between the colours of one tile and the next, so that neighbours differ."""
TITLE = 30
"""Pixels that the name of a tile with others within takes of its height; page.css has the same."""
SCREENS = {"wide": (1200.0, 560.0), "narrow": (360.0, 760.0)}
"""How large a whole treemap is, in pixels, when its shapes are chosen; it stretches from there."""


@dataclass(frozen=True, slots=True)
class Tile:
    """A name with its number, the address it leads to ("" for none), and the tiles within it."""

    name: str
    number: int
    href: str = ""
    within: tuple[Tile, ...] = ()


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle."""

    x: float
    y: float
    width: float
    height: float


def treemap(tiles: Sequence[Tile], name: str) -> str:
    """The treemap as HTML; the tiles come with the largest first."""
    whole = {screen: Box(0, 0, *size) for screen, size in SCREENS.items()}
    return f'<nav class="treemap" aria-label="{markup(name)}">{"".join(drawn(tiles, whole, hues()))}</nav>'


def hues() -> Iterator[float]:
    """Colours, each far from the one before it."""
    hue = 160.0
    while True:
        yield hue
        hue = (hue + GOLDEN) % 360


def drawn(tiles: Sequence[Tile], frame: dict[str, Box], colours: Iterator[float] | None) -> Iterator[str]:
    """The tiles that fill a frame, which has its size on each screen."""
    numbers = [tile.number for tile in tiles]
    boxes = {screen: squarified(numbers, box.width, box.height) for screen, box in frame.items()}
    for at, tile in enumerate(tiles):
        own = {screen: boxes[screen][at] for screen in frame}
        style = ";".join(
            f"--{screen}-{side}:{share:.3%}"
            for screen, box in own.items()
            for side, share in shares(box, frame[screen]).items()
        )
        hue = f"--hue:{next(colours):.0f};" if colours and tile.href else ""
        words = (
            f'<span class="name">{markup(tile.name, 60)}</span> <span class="number">{tile.number:,}</span>'
        )
        title = f"{markup(tile.name)}: {tile.number:,}"
        label = (
            f'<a class="goal" href="{tile.href}" title="{title}">{words}</a>'
            if tile.href
            else f'<span title="{title}">{words}</span>'
        )
        inside = ""
        if tile.within:
            below = {screen: Box(0, 0, box.width, max(box.height - TITLE, 1)) for screen, box in own.items()}
            inside = f'<div class="within">{"".join(drawn(tile.within, below, None))}</div>'
        looks = f"tile{' group' if inside else ''}{'' if tile.href else ' rest'}"
        yield f'<div class="{looks}" style="{hue}{style}">{label}{inside}</div>'


def shares(box: Box, frame: Box) -> dict[str, float]:
    """Where a box is in its frame, in shares of the frame."""
    return {
        "x": box.x / frame.width,
        "y": box.y / frame.height,
        "w": box.width / frame.width,
        "h": box.height / frame.height,
    }


def squarified(numbers: Sequence[float], width: float, height: float) -> list[Box]:
    """Rectangles that fill one of this size, as large as the numbers say (the largest first) and nearly square."""
    scale = width * height / sum(numbers) if numbers else 0
    left = [number * scale for number in numbers]
    free, boxes = Box(0, 0, width, height), list[Box]()
    while left:
        side, row = min(free.width, free.height), left[:1]
        while len(row) < len(left) and worst(left[: len(row) + 1], side) <= worst(row, side):
            row = left[: len(row) + 1]
        left = left[len(row) :]
        thick, at = sum(row) / side, 0.0
        for area in row:
            along = area / thick
            boxes.append(
                Box(free.x, free.y + at, thick, along)
                if free.width >= free.height
                else Box(free.x + at, free.y, along, thick)
            )
            at += along
        free = (
            Box(free.x + thick, free.y, free.width - thick, free.height)
            if free.width >= free.height
            else Box(free.x, free.y + thick, free.width, free.height - thick)
        )
    return boxes


def worst(row: Sequence[float], side: float) -> float:
    """How far from square, at the worst, tiles of these areas are in a row as long as `side`."""
    thick = sum(row) / side
    return max(max(area / thick / thick, thick * thick / area) for area in row)
