"""The kinds of arrays that the linker's functions take and give, by name."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
"""Unit vectors, [n, dimension]."""
Rows = NDArray[np.int64]
"""Row numbers of texts in a store; -1 where there is none."""
Hashes = NDArray[np.uint64]
"""The first half of each text's digest."""
Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]
Numbers = NDArray[np.floating[Any]]
