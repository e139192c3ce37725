"""Gold links: what is refused, and which are held out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.texts import texts

from howtree.errors import BadInput
from linking.gold.links import in_dev, read_gold


@pytest.mark.parametrize("content", ["", "\n", "{}\n", "[1]\n", '{"step": "a"}\n', "no json\n"])
def test_bad_gold_is_refused_with_its_place(tmp_path: Path, content: str) -> None:
    path = tmp_path / "gold.jsonl"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(BadInput, match=r"gold\.jsonl"):
        read_gold(path)


def test_the_held_out_part_is_a_tenth_and_depends_on_the_text_alone() -> None:
    some = texts(5000)
    held = in_dev(some)
    assert 0.08 < held.mean() < 0.12
    assert np.array_equal(in_dev(some[::-1])[::-1], held)
