"""Training any CrossEncoder of sentence-transformers on gold and judged links, with "no link" among the candidates.

That is how the paper (Zhou et al. 2022, arXiv 2203.07264) reranks: a model that reads step and goal at once chooses
among the retriever's first goals and "no link", with what is around the step read too, or not.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from howtree.errors import BadInput
from howtree.files import digest_of, put_folder_in_place, write_json
from howtree.progress import say
from linking.encode.encoder import SentenceEncoder, digest_of_weights, silence_libraries
from linking.encode.folder import SHIPPED, ModelFolder
from linking.encode.packaged import BASES, packaged_model
from linking.gold.judged import Judged
from linking.gold.links import Gold, in_dev
from linking.gold.lists import GoldRetriever
from linking.model import Model
from linking.pair import Pair
from linking.pipeline import CANDIDATES
from linking.train.verifier.articles import Articles
from linking.train.verifier.course import Course, GradedPair, targets_of
from linking.train.verifier.lists import gold_lists
from linking.train.verifier.seen import pairs_of
from linking.train.verifier.training import Training
from linking.verify.cross import CrossEncoder
from linking.verify.kinds import save_parts
from linking.verify.modules import OneLabel
from linking.verify.reader import GOAL_SIDE, MARKERS, REGISTERED, Reader
from linking.verify.verifier import EVEN

AROUND: dict[str, tuple[str, ...]] = {
    "none": (),
    "goal": ("article", "method"),
    "neighbours": ("before", "after"),
}
"""By the context that is read, its parts; "both" are all of them."""
NOWHERE = 1_000_000
"""The rank of a goal that is not in the list."""
USUAL = Course(epochs=3, rate=2e-5, others=7)
"""Larger models want a smaller rate; more goals in a list are what the paper had."""


@dataclass(frozen=True, slots=True)
class CrossFigures:
    """What a cross-encoder does to the lists of the gold's held-out tenth; shares in percent of its pairs."""

    pairs: int
    recall_before: float
    """R@1 in the order that it is given."""
    recall: float
    """R@1 in its own order."""
    recall_at_10: float
    with_no_link: float
    """R@1 where only a goal that is likelier than no link counts."""
    refused: float
    """Share of the steps without a right goal in their list that get no link."""

    def line(self) -> str:
        """The figures in a sentence."""
        return (
            f"On the {self.pairs:,} pairs held out: R@1 {self.recall_before:.1f} before, {self.recall:.1f} after, R@10 "
            f"{self.recall_at_10:.1f}; with no link R@1 {self.with_no_link:.1f}, and {self.refused:.1f}% of the "
            "unlinkable steps get none."
        )


def parts_read(context: str, with_articles: bool) -> tuple[str, ...]:
    """The parts of a pair that are read with a context: goal, neighbours, both or none."""
    around = (*AROUND["goal"], *AROUND["neighbours"]) if context == "both" else AROUND[context]
    return ("step", *around, "goal", *(GOAL_SIDE if with_articles else ()))


def train_cross_encoder(
    base: str,
    gold: Gold,
    judged: Sequence[Judged],
    pool: Sequence[str],
    articles: Articles,
    model: Model,
    output: Path,
    work: Path,
    parts: tuple[str, ...],
    course: Course = USUAL,
    source: str = "",
) -> CrossFigures | None:
    """Train a cross-encoder from `base` and write it to the folder `output`, which appears whole or not at all.

    `model` gives the lists that it learns to order. The tenth of the gold that `in_dev` names is never trained on.

    Returns:
        what it does to the lists of that tenth; None where that is empty.

    Raises:
        BadInput: `base` cannot be loaded, or too few pairs are left to train on.
    """
    encoder = model.encoder
    assert isinstance(encoder, SentenceEncoder), "a model by name or folder has such an encoder"
    torch.manual_seed(course.seed)  # the new head
    classifier, digest = classifier_from(base)
    module = OneLabel(classifier.model).to(encoder.device)
    reader = Reader(classifier.tokenizer, parts)
    lists = gold_lists(gold, pool, encoder, articles, work, len(gold.steps), course.seed, no_link=True)
    pairs = pairs_of(judged, articles)
    graded = [GradedPair(pair, targets_of(link.grade)) for pair, link in zip(pairs, judged, strict=True)]
    say(f"Training on {len(lists):,} gold lists and {len(graded):,} judged links.")
    made_from = [digest, repr(asdict(course)), *parts, *map(repr, lists), *map(repr, graded)]
    folder = work / f"cross-{digest_of(*made_from)[:16]}"
    Training(module, reader, course, folder, "Cross-encoder").run(graded, lists)
    cross = CrossEncoder(base, digest, encoder.precision, encoder.device, (module, reader))
    figures = measured(cross, gold, pool, articles, model, work)
    publish(classifier, output, parts, figures, f"{base}, {source}", course)
    shutil.rmtree(folder, ignore_errors=True)
    return figures


def classifier_from(base: str) -> tuple[Any, str]:
    """A CrossEncoder with one label from any model, with tokens for the markers; and the digest of what it is from.

    Raises:
        BadInput: it cannot be loaded.
    """
    if base in SHIPPED and base not in BASES:
        raise BadInput(
            f"{base} is kept as the difference from another model: start from all-MiniLM-L6-v2, or from any whole one"
        )
    silence_libraries()
    from sentence_transformers import CrossEncoder as Classifier

    name = str(packaged_model(base)) if base in BASES else base
    try:
        found = Classifier(name, num_labels=1, device="cpu", local_files_only=Path(name).exists())
    except (OSError, ValueError, RuntimeError, KeyError, AttributeError) as error:
        raise BadInput(
            f"cannot start from {base!r}: {str(error).splitlines()[0]}. Give the folder of a model that reads text, or "
            "a name that this machine has stored or can download."
        ) from error
    known = found.tokenizer.get_vocab()
    if not all(marker in known for marker in MARKERS):
        found.tokenizer.add_tokens(list(REGISTERED), special_tokens=True)
        found.model.resize_token_embeddings(len(found.tokenizer))
    return found, digest_of_weights(Path(name), found.model)


def measured(
    cross: CrossEncoder, gold: Gold, pool: Sequence[str], articles: Articles, model: Model, work: Path
) -> CrossFigures | None:
    """What the cross-encoder does to the first candidates of the gold's held-out tenth."""
    lines = [i for i in np.flatnonzero(in_dev(gold.steps)).tolist() if gold.goals[i]]
    dev = Gold([gold.steps[i] for i in lines], [gold.goals[i] for i in lines])
    if not dev.steps:
        return None
    reranker = model.reranker
    depth = CANDIDATES if reranker is None else max(CANDIDATES, reranker.reads)
    stages = GoldRetriever(dev, pool, model.encoder, work, depth)
    found = stages.retrieved() if reranker is None else stages.reranked(reranker, CANDIDATES)
    goals = found.lists.goals[:, :CANDIDATES]
    line, column = np.nonzero(goals >= 0)
    candidates = articles.candidates(stages.goals.texts_at(goals[line, column]))
    places = [articles.place(step) for step in dev.steps]
    pairs = [Pair(places[i], goal) for i, goal in zip(line.tolist(), candidates, strict=True)]
    logits = np.full(goals.shape, -np.inf)
    logits[line, column] = cross.logits(pairs)[:, 0]
    return figures_of(logits, np.where(found.positions < goals.shape[1], found.positions, -1))


def figures_of(logits: Any, positions: Any) -> CrossFigures:
    """The figures of lists by their logits [n, k], -inf at padding; `positions` [n] of the right goals, -1 for none."""
    n = len(positions)
    there = positions >= 0
    own = logits[np.arange(n), np.maximum(positions, 0)]
    rank = np.where(there, (logits > own[:, None]).sum(axis=1), NOWHERE)
    linked = 1 / (1 + np.exp(-logits.max(axis=1))) >= EVEN
    return CrossFigures(
        n,
        recall_before=percent(positions == 0),
        recall=percent(rank == 0),
        recall_at_10=percent(rank < 10),
        with_no_link=percent((rank == 0) & linked),
        refused=percent(~linked[~there]),
    )


def percent(those: Any) -> float:
    """The share of those that are true; 0 of none."""
    return float(100 * those.mean()) if len(those) else 0.0


def publish(
    classifier: Any,
    output: Path,
    parts: tuple[str, ...],
    figures: CrossFigures | None,
    source: str,
    course: Course,
) -> None:
    """Write what was trained as sentence-transformers reads it, with its figures and a model card."""
    aside = output.with_name(f".{output.name}.part")
    shutil.rmtree(aside, ignore_errors=True)
    folder = ModelFolder(aside)
    classifier.model.eval().to("cpu")
    classifier.save_pretrained(str(aside))
    save_parts(parts, folder)
    recipe = "\n".join(f"- {name}: {value}" for name, value in asdict(course).items())
    said = "No gold pair was held out." if figures is None else figures.line()
    folder.card.write_text(
        f"# Cross-encoder for steps and goals\n\nTrained from {source} by `howtree train reranker --cross-encoder`. It "
        f"reads: {', '.join(parts)}.\n`howtree build --reranker FOLDER` uses it.\n\n## Recipe\n\n{recipe}\n\n{said}\n",
        encoding="utf-8",
    )
    if figures is not None:
        write_json(folder.figures, asdict(figures))
    put_folder_in_place(aside, output)
