"""The FAISS index of the goals: a folder that describes itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from howtree.errors import BadInput
from howtree.files import make_folder, read_json
from howtree.seals import SUFFIX, is_whole, sealed
from linking.arrays import Labels, Positions, Vectors
from linking.run.processor import loaded_faiss

FORMAT = 1
MANIFEST, SEAL = "manifest.json", f"goals{SUFFIX}"


class GoalIndex:
    """Exact inner-product search over the goals' unit vectors, each with a label (an article id or a row)."""

    def __init__(
        self, vectors: Vectors, labels: Labels, encoder: str, digest: str, goal_set: str = ""
    ) -> None:
        self.labels = labels
        self.encoder = encoder
        self.digest = digest
        self.goal_set = goal_set
        self._faiss: Any = loaded_faiss().IndexFlatIP(vectors.shape[1])
        self._faiss.add(np.ascontiguousarray(vectors))

    def __len__(self) -> int:
        return len(self.labels)

    def search(self, vectors: Vectors, k: int) -> tuple[Vectors, Positions]:
        """Scores and positions of the best `k` goals of each vector, both [n, k], padded with -inf and -1.

        Raises:
            BadInput: the vectors have another length than the index: they come from another model.
        """
        if vectors.shape[1] != self._faiss.d:
            raise BadInput(
                f"the index holds vectors of length {self._faiss.d} (encoder {self.encoder}), the query has "
                f"length {vectors.shape[1]}: use the encoder that the index was built with"
            )
        scores, positions = self._faiss.search(
            np.ascontiguousarray(vectors, np.float32), min(k, max(1, len(self)))
        )
        scores = np.where(positions < 0, -np.inf, scores)
        missing = k - scores.shape[1]
        if missing > 0:
            scores = np.pad(scores, ((0, 0), (0, missing)), constant_values=-np.inf)
            positions = np.pad(positions, ((0, 0), (0, missing)), constant_values=-1)
        return scores, positions

    def labels_of(self, positions: Positions) -> Labels:
        """The labels at positions of any shape, -1 where the position is."""
        return np.where(positions < 0, -1, np.append(self.labels, -1)[positions])

    def save(self, folder: Path) -> None:
        """Write the index, the labels and a manifest, which are sealed; with its manifest a folder is whole."""
        make_folder(folder)
        (folder / MANIFEST).unlink(missing_ok=True)
        with sealed(folder / SEAL) as write:
            with write(folder / "goals.faiss") as aside:
                loaded_faiss().write_index(self._faiss, str(aside))
            with write(folder / "labels.npy") as aside, aside.open("wb") as file:
                np.save(file, self.labels)
            with write(folder / MANIFEST) as aside:
                aside.write_text(json.dumps(self.manifest(), indent=2) + "\n", encoding="utf-8")

    def manifest(self) -> dict[str, Any]:
        """What the folder says of itself."""
        return {
            "format": FORMAT,
            "encoder": self.encoder,
            "encoder_digest": self.digest,
            "goal_set": self.goal_set,
            "goals": len(self),
            "dimension": self._faiss.d,
            "metric": "inner product of unit vectors (cosine)",
        }

    @classmethod
    def load(cls, folder: Path) -> GoalIndex:
        """The index saved in `folder`.

        Raises:
            BadInput: the folder is missing, not whole or damaged.
        """
        manifest, seal = read_json(folder / MANIFEST), folder / SEAL
        damaged = f"the index of goals in {folder} is damaged: build the knowledge base again to mend it"
        if not (folder / MANIFEST).exists():
            raise BadInput(f"no index of goals in {folder}: build the knowledge base again to get one")
        if seal.exists() and not is_whole(seal):
            raise BadInput(damaged)
        if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
            raise BadInput(f"{folder} holds an index of another version: build the knowledge base again")
        index = cls.__new__(cls)
        try:
            index.encoder, index.digest, index.goal_set = (
                manifest[name] for name in ("encoder", "encoder_digest", "goal_set")
            )
            index.labels = np.load(folder / "labels.npy")
            index._faiss = loaded_faiss().read_index(str(folder / "goals.faiss"))
        except (
            OSError,
            KeyError,
            ValueError,
            RuntimeError,
        ) as error:  # of an earlier version, without a seal
            raise BadInput(damaged) from error
        return index
