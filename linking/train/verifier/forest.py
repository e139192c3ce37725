"""Growing the judgement's forest; `linking.verify.forest` says what it is."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from howtree.extras import required
from linking.arrays import Flags, Floats
from linking.verify.forest import DECIMALS, NODES, Forest

TREES, LEAF, SHARE = 200, 5, 0.4
"""How many trees, pairs in a leaf at least, and the share of the inputs that is drawn for each split."""


def grow_forest(x: Floats, target: Flags) -> Forest:
    """Grow extremely randomised trees on inputs [n, m]; the same inputs give the same forest."""
    ensemble = required("sklearn.ensemble", "build", "fitting a verifier")
    model = ensemble.ExtraTreesClassifier(
        TREES, min_samples_leaf=LEAF, max_features=SHARE, random_state=0, n_jobs=1
    )
    model.fit(np.round(x, DECIMALS).astype(np.float32), target)
    parts: dict[str, list[NDArray[Any]]] = {name: [] for name in NODES}
    roots, start, depth = [], 0, 0
    for each in model.estimators_:
        for name, values in nodes_of(each.tree_).items():
            parts[name].append(values)
        roots.append(start)
        start, depth = start + each.tree_.node_count, max(depth, each.tree_.max_depth)
    rows = {name: np.concatenate(arrays) for name, arrays in parts.items()}
    return Forest(**rows, roots=np.array(roots, np.int32), depth=depth)


def nodes_of(tree: Any) -> dict[str, NDArray[Any]]:
    """The nodes of a tree."""
    own, is_leaf = np.arange(tree.node_count), tree.children_left < 0
    # The tree compares numbers of 32 bits with thresholds of 64: the next smaller one of 32 bits decides the same.
    below = tree.threshold.astype(np.float32)
    below = np.where(below > tree.threshold, np.nextafter(below, np.float32(-np.inf)), below)
    return {
        "feature": np.where(is_leaf, 0, tree.feature).astype(np.int16),
        "threshold": np.where(is_leaf, 0, below).astype(np.float32),
        "to_left": np.where(is_leaf, 0, tree.children_left - own).astype(np.int32),
        "to_right": np.where(is_leaf, 0, tree.children_right - own).astype(np.int32),
        "value": np.where(is_leaf, tree.value[:, 0, 1] / tree.value[:, 0].sum(axis=1), 0).astype(np.float32),
    }
