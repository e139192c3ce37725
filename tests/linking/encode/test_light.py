"""The small encoder without torch gives the vectors that torch gives."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from support.command import ROOT

from howtree.errors import BadInput
from linking.encode.encoder import load_encoder
from linking.encode.light import load_light

TEXTS = ["Clean an Oven", "how do I get rid of grease?", "日本 Käse ☃", "", "word " * 400]


@pytest.mark.parametrize(("place", "name"), enumerate(["all-MiniLM-L6-v2", "howtree-retriever"]))
def test_vectors_are_those_of_torch(place: int, name: str) -> None:
    wanted, found = load_encoder(name, "float32").encode(TEXTS), load_light()[place].encode(TEXTS)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(found, wanted, atol=2e-5)


def test_it_loads_no_torch() -> None:
    code = (
        "import sys; from linking.encode.light import load_light as l; l(); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_other_weights_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("linking.encode.delta.digest_of_file", lambda path: "0")
    with pytest.raises(BadInput, match="have changed"):
        load_light()
