"""Fitting the judgement (`linking.verify.judgement`) to judged links, by logits and features out of fold.

A model has seen the links that it was trained on, so what stands on its logits is fitted on those that models without
a link's article gave. Each link counts twice: with the candidate's steps, and less, with its title alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from howtree.errors import BadInput
from howtree.extras import required
from linking.arrays import Flags, Floats, Positions
from linking.gold.judged import EXACT, HELPFUL
from linking.train.verifier.forest import grow_forest
from linking.verify.features import NAMES
from linking.verify.forest import Forest
from linking.verify.judgement import DECIMALS, Judgement, Linear, Reads, all_inputs, inputs

OF_WORDS, OF_RIGHT, OF_PLATT = 0.0005, 0.03, 1e4
"""The inverse of the ridge's weight for the regressions, and for the calibration."""
WHOLE, BARE = 0.7, 0.3
"""What a link counts with the candidate's steps, and with its title alone."""
READS = Reads(first=3, least=0.02, worth=0.15)
"""In a build this reads one pair for seven steps, and 99% of the links that reading all would choose are among them."""
BESIDE = (
    *("lone", "log_p", "cosine", "gap", "log_rank", "goal_coverage", "step_coverage", "opposed"),
    *("goal_article", "step_article", "goal_after", "goal_before", "better_elsewhere"),
    *("goal_in_step", "step_in_goal", "first_same", "object_in_step", "uses_product", "same_article"),
    *("goal_in_article", "step_words", "goal_words"),
)
"""The features beside the logits and v in the regressions."""
OF_FIRST_STEPS = ("best_goal_step", "mean_goal_step", "has_steps")
"""The features that a candidate without its steps lacks."""


@dataclass(frozen=True, slots=True)
class Links:
    """Judged links as arrays [n], those among their steps' candidates alone."""

    fold: Positions
    grade: Positions
    weight: Floats
    """How many steps of a build each represents; 0 where it was not drawn at random."""
    features: Floats
    """[n, 38]"""
    products: Floats
    """[n, 2 d]"""
    logits: Floats
    """Out of fold, [n, 3]."""
    bare: Floats
    """The same by the candidate's title alone."""

    @property
    def right(self) -> Flags:
        """Whether each is exact or helpful."""
        return self.grade >= HELPFUL

    def part(self, rows: Flags) -> Links:
        """Some of them."""
        return Links(*(getattr(self, name)[rows] for name in self.__slots__))

    @property
    def without_steps(self) -> Floats:
        """The features of candidates whose steps are not known, [n, 38]."""
        features = self.features.copy()
        features[:, [NAMES.index(name) for name in OF_FIRST_STEPS]] = 0
        return features


@dataclass(frozen=True, slots=True)
class Scores:
    """What the parts of the judgement say of links [n], each fitted without the link's fold."""

    worth: Floats
    """v"""
    regression: Floats
    forest: Floats

    @property
    def both(self) -> Floats:
        """z"""
        return (self.regression + self.forest) / 2


def out_of_fold(links: Links) -> Scores:
    """The scores of links, each by parts that were fitted on the other folds.

    Raises:
        BadInput: there are too few links to leave out a fold.
    """
    worth, bare_worth, regression, forest = (np.zeros(len(links.fold)) for _ in range(4))
    for fold in np.unique(links.fold):
        here = links.fold == fold
        refuse_one_sided(links.right[~here])
        words = fit_words(links.part(~here))
        worth[here], bare_worth[here] = worths(words, links.part(here))
    for fold in np.unique(links.fold):
        here = links.fold == fold
        fitted, rest = links.part(~here), links.part(here)
        right = fit_beside(fitted, worth[~here], bare_worth[~here], fitted.right)
        regression[here] = right.logits(inputs(rest.logits, worth[here], rest.features, BESIDE))
        trees = fit_trees(fitted, worth[~here])
        forest[here] = np.round(trees.logits(all_inputs(rest.logits, worth[here], rest.features)), DECIMALS)
    return Scores(worth, regression, forest)


def fit_judgement(links: Links, scores: Scores) -> Judgement:
    """The judgement of all links; `scores` are those of `out_of_fold`. Its threshold is 0.5 until one is fitted.

    Raises:
        BadInput: no link is right, all are, none was drawn at random, or all right ones are exact or none is.
    """
    words = fit_words(links)
    worth, bare_worth = scores.worth, worths(words, links)[1]
    right, drawn = links.right, links.weight > 0
    sure = links.part(right)
    if len(set((sure.grade >= EXACT).tolist())) < 2:
        raise BadInput("among the judged links are no exact ones or no helpful ones: both are needed")
    if not drawn.any() or len(set(right[drawn].tolist())) < 2:
        raise BadInput(
            "the probability is fitted on links that were drawn at random, and those that are candidates here are "
            "none, all right or all wrong: judge more of them"
        )
    exact = fit_beside(sure, worth[right], bare_worth[right], sure.grade >= EXACT)
    return Judgement(
        words,
        fit_beside(links, worth, bare_worth, right),
        exact,
        fit_trees(links, worth),
        platt=fit_platt(scores.both[drawn], right[drawn], links.weight[drawn]),
        unread=fit_platt(worth[drawn], right[drawn], links.weight[drawn]),
        threshold=0.5,
        beside=BESIDE,
        reads=READS,
    )


def refuse_one_sided(right: Flags) -> None:
    """Look that there are right and wrong links to fit on.

    Raises:
        BadInput: there are not.
    """
    if len(set(right.tolist())) < 2:
        raise BadInput(
            f"{len(right)} judged links are left to fit on without a fold, and they are all right or all wrong: judge "
            "more links, of more articles"
        )


def fit_words(links: Links) -> Linear:
    """The regression v on features and products."""
    x = np.concatenate([links.features, links.products], axis=1)
    bare = np.concatenate([links.without_steps, links.products], axis=1)
    return fit_twice(x, bare, links.right, OF_WORDS)


def worths(words: Linear, links: Links) -> tuple[Floats, Floats]:
    """v of links, with the candidate's steps and without, both [n]."""
    features = links.features, links.without_steps
    whole, bare = (words.logits(np.concatenate([each, links.products], axis=1)) for each in features)
    return whole, bare


def fit_beside(links: Links, worth: Floats, bare_worth: Floats, target: Flags) -> Linear:
    """A regression on the logits, v and the features beside them."""
    x = inputs(links.logits, worth, links.features, BESIDE)
    bare = inputs(links.bare, bare_worth, links.without_steps, BESIDE)
    return fit_twice(x, bare, target, OF_RIGHT)


def fit_trees(links: Links, worth: Floats) -> Forest:
    """The forest on the logits, v and all features."""
    return grow_forest(all_inputs(links.logits, worth, links.features), links.right)


def fit_twice(x: Floats, bare: Floats, target: Flags, strength: float) -> Linear:
    """A regression on each link with the candidate's steps and without."""
    weight = np.concatenate([np.full(len(x), WHOLE), np.full(len(bare), BARE)])
    return fit_linear(np.concatenate([x, bare]), np.concatenate([target, target]), strength, weight)


def fit_linear(x: Floats, target: Flags, strength: float, weight: Floats) -> Linear:
    """A logistic regression by maximum likelihood with a ridge; `strength` is the inverse of its weight."""
    mean, spread = x.mean(axis=0), np.maximum(x.std(axis=0), 1e-6)
    fitted = regression()(C=strength, max_iter=3_000).fit((x - mean) / spread, target, sample_weight=weight)
    return Linear(mean, spread, fitted.coef_[0].astype(np.float64), float(fitted.intercept_[0]))


def fit_platt(logit: Floats, right: Flags, weight: Floats) -> tuple[float, float]:
    """Slope and offset of the logits [n] with the least weighted log loss (Platt 1999)."""
    model = regression()(C=OF_PLATT, max_iter=1_000)
    model.fit(logit[:, None], right, sample_weight=weight / weight.mean())
    return float(model.coef_[0][0]), float(model.intercept_[0])


def regression() -> Any:
    """The class of logistic regressions."""
    return required("sklearn.linear_model", "build", "fitting a verifier").LogisticRegression
