"""What the tests of queries share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kb.query.children import Children


@pytest.fixture
def children(sample_kb_path: Path) -> Iterator[Children]:
    """Processes for queries over the sample."""
    with Children(sample_kb_path) as children:
        yield children
