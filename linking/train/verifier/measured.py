"""Judged links with all that was found out about them: what a judgement is fitted on, and what is measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from howtree.progress import warn
from linking.arrays import Flags, Floats, Positions
from linking.encode.encoder import SentenceEncoder
from linking.gold.judged import Judged, grades_of
from linking.measure.judged import Sample
from linking.model import Model
from linking.train.verifier.figures import (
    AS_BUILT,
    BETA,
    Part,
    VerifierFigures,
    as_built,
    part_of,
    threshold_at,
    thresholds_of,
)
from linking.train.verifier.judgement import READS, Links, Scores, fit_judgement, fit_platt, out_of_fold
from linking.train.verifier.seen import Seen
from linking.verify.judgement import Judgement, sigmoid


@dataclass(frozen=True, slots=True)
class Measured:
    """Judged links [n] with all that was found out about them without learning from them."""

    judged: Sequence[Judged]
    seen: Seen
    fold: Positions
    logits: Floats
    bare: Floats
    model: Model

    def judgement(self, source: str, precision: float | None = None) -> Judgement:
        """The judgement that ships, fitted on all links, with the thresholds that are best out of fold.

        With a `precision` its own threshold is the lowest at which so many of the links are right, out of fold.
        """
        rows = self.seen.listed
        links = self._links(rows)
        scores = out_of_fold(links)
        fitted = fit_judgement(links, scores)
        built = self._spread(rows, self._built(rows, links, scores, self.fold[rows]))
        drawn = np.array([link.weight > 0 for link in self.judged], bool)
        sample = Sample.of([self.judged[i] for i in np.flatnonzero(drawn).tolist()])
        thresholds = thresholds_of(sample, built[drawn])
        threshold = thresholds[f"{BETA:g}"]
        if precision is not None:
            reached = threshold_at(sample, built[drawn], precision)
            if reached is None:
                warn(
                    f"No threshold makes {precision:.0%} of the links right out of fold: that of F{BETA:g} is taken."
                )
            threshold = threshold if reached is None else reached
        reranker, encoder = self.model.reranker, self.model.encoder
        assert reranker is not None and isinstance(encoder, SentenceEncoder)
        return replace(
            fitted,
            threshold=threshold,
            thresholds=thresholds,
            reranker=reranker.digest,
            encoder=encoder.weights_digest,
            fitted_on=source,
        )

    def figures(self, judgement: Judgement, final_fifth: bool) -> VerifierFigures:
        """Figures of the links that are not kept apart, out of fold; and of the others, where they are asked for."""
        rows = self.seen.listed & (self.fold >= 0)
        links = self._links(rows)
        scores = out_of_fold(links)
        built = self._spread(rows, self._built(rows, links, scores, self.fold[rows]))
        part = self._part(self.fold >= 0, rows, scores, built, judgement.threshold)
        apart = self._apart(links, scores, judgement.threshold) if final_fifth else None
        counts = len(self.judged), int(self.seen.listed.sum())
        return VerifierFigures(*counts, judgement.threshold, judgement.thresholds, part, apart)

    def _apart(self, links: Links, scores: Scores, threshold: float) -> Part:
        """The figures of what is kept apart, by a judgement of the other links."""
        fitted = fit_judgement(links, scores)
        rows = self.seen.listed & (self.fold < 0)
        rest = self._links(rows)
        worth = fitted.worth(rest.features, rest.products)
        regression, forest = fitted.parts_of_read(rest.logits, worth, rest.features)
        both = Scores(worth, regression, forest)
        read = sigmoid(fitted.platt[0] * both.both + fitted.platt[1])
        built = self._as_built(rows, fitted.of_unread(worth), read)
        return self._part(self.fold < 0, rows, both, self._spread(rows, built), threshold)

    def _built(self, rows: Flags, links: Links, scores: Scores, fold: Positions) -> Floats:
        """The probabilities as a build gives them, each calibrated by the other folds."""
        read, unread = np.zeros(len(fold)), np.zeros(len(fold))
        for number in np.unique(fold):
            here, others = fold == number, (fold != number) & (links.weight > 0)
            for score, into in ((scores.both, read), (scores.worth, unread)):
                slope, offset = fit_platt(score[others], links.right[others], links.weight[others])
                into[here] = sigmoid(slope * score[here] + offset)
        return self._as_built(rows, unread, read)

    def _as_built(self, rows: Flags, unread: Floats, read: Floats) -> Floats:
        everywhere = self._spread(rows, unread), self._spread(rows, read)
        return as_built(self.seen, READS, *everywhere)[rows]

    def _part(self, of: Flags, rows: Flags, scores: Scores, built: Floats, threshold: float) -> Part:
        decision = self.seen.probability
        orders = self._orders(rows, scores, built)
        return part_of(self.judged, of, orders, built, (decision, self.model.last.threshold), threshold)

    def _orders(self, rows: Flags, scores: Scores, built: Floats) -> dict[str, Floats]:
        """Scores of all links by the name of what gives them; a goal that is no candidate comes last in each."""
        found = {
            "decision alone": self.seen.probability,
            "numbers and vectors": self._spread(rows, scores.worth),
            "cross-encoder": self.logits[:, 1],
            "regression": self._spread(rows, scores.regression),
            "forest": self._spread(rows, scores.forest),
            "regression and forest": self._spread(rows, scores.both),
        }
        listed = self.seen.listed
        last = {name: np.where(listed, score, score.min() - 1) for name, score in found.items()}
        return {**last, AS_BUILT: built}

    def _links(self, rows: Flags) -> Links:
        weight = np.array([link.weight for link in self.judged])
        found = Links(
            self.fold,
            grades_of(self.judged),
            weight,
            self.seen.features,
            self.seen.products,
            self.logits,
            self.bare,
        )
        return found.part(rows)

    def _spread(self, rows: Flags, values: Floats) -> Floats:
        """Values of some links as values of all, 0 elsewhere."""
        found = np.zeros(len(rows))
        found[rows] = values
        return found
