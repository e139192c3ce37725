"""The formula of the reranker: the score of a step and a goal as a weighted sum of six numbers.

score = a * cosine + b * coverage of the goal + c * coverage of the step + d * s^2 * log(1 + precedents of the goal)
        + e * how much nearer than the title the nearest precedent is + f * whether the two are opposed

where s is the cosine of the goal's nearest precedent, 0 where it is not among the step's nearest. Both coverages are 0
for an encoder without a token head. The fourth number is what editors like to link to, as far as the step resembles
what they linked; it is 0 for goals that training does not know, and so is the fifth. The first five weights are fitted
on gold, the last is `AGAINST_OPPOSED`.
"""

from __future__ import annotations

import numpy as np

from linking.arrays import Flags, Floats, Numbers, Vectors

FEATURES = ("cosine", "goal_coverage", "step_coverage", "links", "precedent", "opposed")
FITTED = FEATURES[:-1]
AGAINST_OPPOSED = -3.0
"""Divides the odds of an opposed goal by twenty, so that only an all but certain pair is linked. On gold one of nine
such links was right (`tests/benchmarks/step_kinds.py`); negated steps are too few to fit a weight beside the others."""


def features_of(
    cosines: Vectors, of_goal: Numbers, of_step: Numbers, links: Floats, similar: Vectors, opposed: Flags
) -> Floats:
    """The features of pairs, [..., 6], from numbers of any one shape.

    `cosines` are -inf at padding; `links` are log(1 + precedents); `similar` is the cosine of the goal's nearest
    precedent, 0 where none is near; `opposed` says where the step forbids what the goal does.
    """
    cosines = np.where(np.isfinite(cosines), cosines, 0).astype(np.float64)
    precedent = np.where(similar > 0, np.maximum(similar - cosines, 0), 0)
    habit = links * similar.astype(np.float64) ** 2
    return np.stack([cosines, of_goal, of_step, habit, precedent, opposed], axis=-1)
