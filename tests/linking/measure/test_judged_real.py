"""The links of real articles on people's grades against the floors in data/eval/judged.json.

Skips without HOWTREE_REAL_DATA; measures the knowledge base that the tests of the build make of real articles.
`python tests/linking/measure/test_judged_real.py KB`, with the path of such a knowledge base (of video/articles.jsonl
and the quarter of wikiHow's articles that tests/support/real.py writes), writes the floors anew. They are floors and no
figures to report: the verifier that ships was fitted to these grades.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from support.command import ROOT

from howtree.files import digest_of_file, read_json, write_json
from kb.exchange.judged_links import read_said
from kb.store import KnowledgeBase
from linking.gold.judged import read_judged
from linking.measure.judged_parts import Outcomes, auc_of, by_step, calibration_of, levels_of, parts_of

DATA = Path(os.environ.get("HOWTREE_REAL_DATA", "nowhere"))
FLOORS = ROOT / "data" / "eval" / "judged.json"
INPUTS = ("judged/links.jsonl", "articles/wikihow.jsonl.gz")
SLACK = 4
"""Points: other processors round otherwise, which moves a step or two over a bar (2.6 points at most between one with
fast bfloat16 and one without, of the calibration error from 0.2 on)."""

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not DATA.is_dir(), reason="HOWTREE_REAL_DATA does not name the real data"),
]

Figures = dict[str, float]


def measure(base: Path) -> Figures:
    """The figures that are pinned, in percent; those that are better when lower are taken off 100."""
    with KnowledgeBase(base) as kb:
        said = read_said(kb, by_step(read_judged(DATA / INPUTS[0])[0]))
        threshold = kb.threshold
    outcomes = Outcomes(said.steps, said.candidates)
    weights = outcomes.weights()[:1]  # floors need no intervals
    every, chosen, *_ = parts_of(outcomes, weights, threshold)
    found = {
        "precision": every.precision.value,
        "exact": every.exact.value,
        "found": every.found.value,
        "F0.5": every.f_half.value,
        "precision of chosen": chosen.precision.value,
        **{f"precision at {part.name}": part.precision.value for part in levels_of(outcomes, weights)},
    }
    shares = {name: value for name, value in found.items() if value is not None}
    shares |= {f"AUC of {name}": 100 * (each.value or 0) for name, each in auc_of(outcomes, weights).items()}
    for name, each in calibration_of(outcomes, weights, threshold).items():
        shares[f"100 - calibration error of {name}"] = 100 - 100 * (each.value or 0)
    return {name: round(value, 2) for name, value in shares.items()}


def digests() -> dict[str, str]:
    return {name: digest_of_file(DATA / name) for name in INPUTS}


def test_no_figure_falls_below_its_floor(real_kb_path: Path) -> None:
    pinned = read_json(FLOORS)
    assert pinned["inputs"] == digests(), "other data than the floors were measured on"
    found = measure(real_kb_path)
    assert found.keys() == pinned["figures"].keys()
    below = {
        name: (found[name], floor) for name, floor in pinned["figures"].items() if found[name] < floor - SLACK
    }
    assert not below


if __name__ == "__main__":
    write_json(FLOORS, {"inputs": digests(), "figures": measure(Path(sys.argv[1]))})
