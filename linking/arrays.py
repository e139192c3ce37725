"""The kinds of arrays that the linker's functions take and give, by name.

Article ids, rows, positions and ranks are all whole numbers: their names say which of them a function takes. Only what
knows both turns one into another: a store texts into rows, a `GoalIndex` positions into labels, `ArticlesOfGoal` rows
into article ids, `ranked_lists` positions into ranks.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
"""Unit vectors, [n, dimension]."""
ArticleIds = NDArray[np.int64]
"""Ids of articles in the knowledge base."""
StepIds = NDArray[np.int64]
"""Ids of steps in the knowledge base."""
Rows = NDArray[np.int64]
"""Row numbers of texts in a store; -1 where there is none."""
Positions = NDArray[np.int64]
"""Positions in some list or array at hand, from 0; -1 where a thing is not in it."""
Labels = NDArray[np.int64]
"""What the goals of an index are known by elsewhere: article ids, rows, or positions; -1 where there is none."""
Ranks = NDArray[np.int64]
"""Places in an order of goals, from 1, the best; behind all goals where the goal is not among them."""
Counts = NDArray[np.int64]
Hashes = NDArray[np.uint64]
"""The first half of each text's digest."""
Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]
Numbers = NDArray[np.floating[Any]]
