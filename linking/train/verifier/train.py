"""How a verifier comes about, top down: gold and rules, judged links fold by fold, judgement, figures, folder.

Judged links of one article are never in two folds. A fifth of the articles is kept apart: it is measured only where
somebody asks for it, and what ships learns from it in the end.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from howtree.errors import BadInput
from howtree.files import put_folder_in_place, write_json
from howtree.progress import say
from linking.arrays import Positions
from linking.encode.encoder import SentenceEncoder
from linking.encode.folder import ModelFolder
from linking.gold.judged import Judged, folds_of, keep_learnt
from linking.gold.links import Gold
from linking.model import Model
from linking.train.verifier.articles import Articles
from linking.train.verifier.figures import VerifierFigures, lines_of
from linking.train.verifier.folds import Courses, start_of
from linking.train.verifier.lists import gold_lists
from linking.train.verifier.measured import Measured
from linking.train.verifier.recipe import VerifierRecipe
from linking.train.verifier.rules import Titles, pairs_by_rule
from linking.train.verifier.seen import seen
from linking.verify.judgement import Judgement
from linking.verify.kinds import save_graded, save_parts


@dataclass(frozen=True, slots=True)
class Material:
    """What a verifier learns from."""

    judged: Sequence[Judged]
    gold: Gold | None
    """None for a first course without gold lists."""
    pool: Sequence[str]
    """Real titles: of the gold lists, and of pairs by rule."""
    articles: Articles
    source: str
    """What it is, for the record."""


def train_verifier(
    material: Material,
    model: Model,
    start: str,
    output: Path,
    work: Path,
    recipe: VerifierRecipe,
    final_fifth: bool = False,
) -> VerifierFigures:
    """Train a verifier for a model and write it to the folder `output`, which appears whole or not at all.

    `start` names the encoder whose weights the cross-encoder starts from. What is done is kept in `work`.

    Raises:
        BadInput: `output` exists, `start` cannot be kept as a difference, the model has no reranker, or there are too
            few judged links.
    """
    refuse_taken(output)
    encoder = model.encoder
    assert isinstance(encoder, SentenceEncoder), "a model of howtree train retriever has such an encoder"
    fold = folds_of(material.judged, recipe.folds)
    refuse_few(fold, recipe.folds)
    model = replace(model, verifier=None)
    beginning = start_of(start, recipe.parts, encoder.device)
    found = seen(material.judged, material.articles, model, work)
    courses = Courses(beginning, recipe, work, encoder.precision)
    courses.first(*first_examples(material, encoder, work, recipe))
    whole, bare = courses.logits(material.judged, found.pairs, fold)
    measured = Measured(material.judged, found, fold, whole, bare, model)
    judgement = measured.judgement(material.source, recipe.precision)
    figures = measured.figures(judgement, final_fifth)
    module = courses.all(material.judged, found.pairs)
    publish(module, judgement, figures, output, recipe, material, start)
    return figures


def refuse_taken(output: Path) -> None:
    """Look that nothing is where the folder is to be.

    Raises:
        BadInput: something is there.
    """
    if output.exists() and not (output.is_dir() and not any(output.iterdir())):
        raise BadInput(f"{output} exists: give another -o, or delete it")


def refuse_few(fold: Positions, folds: int) -> None:
    """Look that every fold has links.

    Raises:
        BadInput: one has none.
    """
    missing = [number for number in range(-1, folds) if not (fold == number).any()]
    if missing:
        raise BadInput(
            f"{len(fold)} judged links are too few: by a hash of their articles' titles {len(missing)} of {folds + 1} "
            "parts get none. Judge links of more articles, or take fewer --folds"
        )


def first_examples(
    material: Material, encoder: SentenceEncoder, work: Path, recipe: VerifierRecipe
) -> tuple[list[Any], list[Any]]:
    """Pairs by rule, and gold lists. No judged article is in the former, no judged step in the latter."""
    own = {link.place.article for link in material.judged}
    rules, lists = [], []
    if recipe.rules:
        titles, candidate = Titles(material.pool), material.articles.candidate
        seed = recipe.first.seed
        rules = pairs_by_rule(material.articles.places, titles, candidate, recipe.rules, seed, own)
    if recipe.lists and material.gold is not None:
        steps = {link.place.step for link in material.judged}
        lists = gold_lists(
            material.gold,
            material.pool,
            encoder,
            material.articles,
            work,
            recipe.lists,
            recipe.first.seed,
            steps,
        )
    say(f"First course: {len(lists):,} gold lists, {len(rules):,} pairs by rule.")
    return rules, lists


def publish(
    module: Any,
    judgement: Judgement,
    figures: VerifierFigures,
    output: Path,
    recipe: VerifierRecipe,
    material: Material,
    start: str,
) -> None:
    """Write what was trained, with its figures and a model card."""
    aside = output.with_name(f".{output.name}.part")
    shutil.rmtree(aside, ignore_errors=True)
    folder = ModelFolder(aside)
    aside.mkdir(parents=True)
    save_graded(module, folder)
    save_parts(recipe.parts, folder)
    judgement.save(folder)
    keep_learnt(material.judged, folder)
    write_json(folder.figures, figures.to_dict())
    folder.card.write_text(card(figures, recipe, material.source, start), encoding="utf-8")
    put_folder_in_place(aside, output)


def card(figures: VerifierFigures, recipe: VerifierRecipe, source: str, start: str) -> str:
    """The model card: data, recipe, figures."""
    courses = {"First course": recipe.first, "Second course": recipe.second}
    lines = [
        f"- {name}: {value}" for name, value in asdict(recipe).items() if name not in ("first", "second")
    ]
    for title, course in courses.items():
        parts = ", ".join(f"{name} {value}" for name, value in asdict(course).items())
        lines.append(f"- {title.lower()}: {parts}")
    return "\n".join(
        [
            "# Verifier: a cross-encoder and its judgement",
            "",
            f"Trained from {start} by `howtree train verifier` on {source}. `howtree build --reranker FOLDER` uses it.",
            "",
            "## Recipe",
            "",
            *lines,
            "",
            "## Figures",
            "",
            *lines_of(figures),
            "",
            f"Threshold: {figures.threshold}; the best by F-beta, out of fold: {figures.thresholds}.",
            "",
        ]
    )
