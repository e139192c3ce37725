"""What the evaluation by video retrieval finds, as objects; `to_dict` gives what its JSON holds."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class AtCut:
    """The first videos of each list, up to a cut: fractions, averaged over the goals."""

    recall: float
    precision: float
    f1: float
    """The harmonic mean of the two averages."""


@dataclass(frozen=True, slots=True)
class Measures:
    """The figures of one query form on one split."""

    goals: int
    pairs: int
    """Goals with one of their videos."""
    at: dict[int, AtCut]
    """By cut."""
    mean_rank: float
    """Over the pairs."""
    mean_rank_per_goal: float
    median_rank: float

    def to_dict(self) -> dict[str, float]:
        """What JSON holds."""
        return {
            "goals": self.goals,
            "pairs": self.pairs,
            **{
                f"{name}@{cut}": value
                for cut, each in self.at.items()
                for name, value in asdict(each).items()
            },
            "mean_rank": self.mean_rank,
            "mean_rank_per_goal": self.mean_rank_per_goal,
            "median_rank": self.median_rank,
        }


@dataclass(frozen=True, slots=True)
class Row:
    """A split and query form with its figures."""

    split: str
    query: str
    weight: float
    measures: Measures

    def to_dict(self) -> dict[str, Any]:
        """What JSON holds."""
        return {
            "split": self.split,
            "query": self.query,
            "weight": self.weight,
            **self.measures.to_dict(),
        }


@dataclass(frozen=True, slots=True)
class Tried:
    """A query form with a weight that was tried on dev."""

    query: str
    weight: float
    dev_mean_rank: float
    best: bool


@dataclass(frozen=True, slots=True)
class PairedTest:
    """Whether one query form ranks better than another."""

    difference: float
    """Of the mean ranks over pairs: below 0 where the first is better."""
    low: float
    """The interval of 95% of that, by the bootstrap over goals."""
    high: float
    goals_better: int
    goals_equal: int
    goals_worse: int
    p_randomisation: float
    p_wilcoxon: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two query forms on one split."""

    split: str
    query: str
    against: str
    test: PairedTest

    def to_dict(self) -> dict[str, Any]:
        """What JSON holds."""
        return {"split": self.split, "query": self.query, "against": self.against, **asdict(self.test)}


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A query that shares no word with any video: it finds nothing and counts as such."""

    split: str
    query: str
    goal: str


@dataclass(frozen=True, slots=True)
class ChosenStep:
    """A step that the filter chose."""

    step_id: int
    depth: int
    text: str


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the filter chose for a goal."""

    mean_ranks: tuple[float, ...]
    """Of the train videos: of the goal alone, then after each step taken."""
    steps: list[ChosenStep]


@dataclass(frozen=True, slots=True)
class GoalFigures:
    """A goal: its ranks and the steps that were chosen for it."""

    goal: str
    article_id: int | None
    steps: int
    ranks: dict[str, dict[str, list[int]]] = field(default_factory=dict)
    """By split and query form."""
    chosen: dict[str, Chosen] = field(default_factory=dict)
    """By query form."""


@dataclass(slots=True)
class VideoFigures:
    """All that an evaluation found."""

    rows: list[Row] = field(default_factory=list)
    tuning: list[Tried] = field(default_factory=list)
    significance: list[Comparison] = field(default_factory=list)
    goals: list[GoalFigures] = field(default_factory=list)
    queries: dict[str, float] = field(default_factory=dict)
    """What the knowledge base gives to the queries."""
    unanswered: list[Unanswered] = field(default_factory=list)
    tally: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """What `results.json` holds; the goals are in a file of their own."""
        return {
            "rows": [row.to_dict() for row in self.rows],
            "tuning": [asdict(each) for each in self.tuning],
            "significance": [pair.to_dict() for pair in self.significance],
            "queries": self.queries,
            "unanswered": [asdict(each) for each in self.unanswered],
            "tally": self.tally,
        }
