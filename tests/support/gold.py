"""Small gold made by hand, and a recipe that trains on it in seconds."""

from __future__ import annotations

import random

from linking.gold.links import Gold
from linking.train.recipe import Recipe

THINGS = ("car", "bike", "wall", "shirt", "window", "oven", "garden", "boat", "cat", "piano", "roof", "floor")
VERBS = {"Wash": "Scrub", "Repair": "Mend", "Paint": "Colour", "Sell": "Find a buyer for", "Draw": "Sketch"}


def small_gold() -> tuple[Gold, list[str]]:
    """Paraphrases made by hand: "Scrub the car" is "Wash a Car"; two steps a goal."""
    pairs = [
        (f"{said} {word} {thing}", f"{verb} a {thing.title()}")
        for verb, said in VERBS.items()
        for thing in THINGS
        for word in ("the", "your")
    ]
    random.Random(0).shuffle(pairs)
    return Gold([s for s, _ in pairs], [g for _, g in pairs]), [*sorted({g for _, g in pairs}), "Bake Bread"]


SMALL = Recipe(epochs=1, hard_epochs=1, batch=32, mined=10, negatives=2, runs=1)
