"""`howtree evaluate linking` against naive computations and ir-measures, on made-up data and on the sample links."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path

import ir_measures as ir
import numpy as np
import pytest
from support.command import ROOT, Run
from support.schemas import checked
from support.weights import needs_large

from howtree.errors import BadInput
from linking.encode.encoder import load_encoder
from linking.encode.folder import LARGE_ENCODER, SMALL_ENCODER, ModelFolder
from linking.encode.packaged import BASE_ENCODER
from linking.gold.links import Gold, dev_part, read_gold, read_pool
from linking.gold.lists import GoldRetriever
from linking.measure.bm25 import Bm25
from linking.measure.evaluate import (
    Measured,
    curve,
    no_link_row,
    recalls,
    row_of,
    strict_threshold,
    taken_out,
    without_gold,
)
from linking.measure.ranking import EncoderScorer, Lists, Task, ranked_lists, reranked_lists
from linking.model import Model, base_decision, decision_in
from linking.rerank.decide import Decision
from linking.rerank.linear import LinearReranker
from linking.retrieve.vectors import hash_texts
from linking.text import step_text

TITLES = [f"Goal {i:03}" for i in range(200)]


class Dice:
    """A scorer whose scores are drawn for each text from few values, so that many titles tie."""

    def scores(self, texts: list[str]) -> np.ndarray:
        rows = [np.random.default_rng(len(t) * 1000 + sum(map(ord, t))).integers(0, 40, 200) for t in texts]
        return np.array(rows, np.float32) / 40


def made_up(count: int = 150, seed: int = 0) -> Gold:
    dice = random.Random(seed)
    steps = [f"step {i}" + "x" * dice.randrange(9) for i in range(count)]
    scores = Dice().scores(steps)
    # half of the gold goals are drawn from the best ones, so that every rank occurs
    goals = [
        dice.choice(TITLES) if i % 2 else TITLES[int(np.argsort(-scores[i])[dice.randrange(40)])]
        for i in range(count)
    ]
    return Gold(steps, goals)


def order_by_hand(step: str) -> list[str]:
    """All titles by falling score, then by title."""
    scores = Dice().scores([step])[0].tolist()
    return [title for _, title in sorted(zip((-s for s in scores), TITLES, strict=True))]


def test_ranks_and_lists_are_those_of_a_plain_sort() -> None:
    gold = made_up()
    lists = ranked_lists(Task.of(gold, random.Random(1).sample(TITLES, 200)), Dice(), "dice")
    for i, (step, goal) in enumerate(zip(gold.steps, gold.goals, strict=True)):
        order = order_by_hand(step)
        assert lists.ranks[i] == order.index(goal) + 1
        assert [TITLES[place] for place in lists.goals[i]] == order[: lists.goals.shape[1]]


def test_recall_is_that_of_ir_measures() -> None:
    gold = made_up()
    ranks = ranked_lists(Task.of(gold, TITLES), Dice(), "dice").ranks
    qrels = {str(i): {goal: 1} for i, goal in enumerate(gold.goals)}
    run = {
        str(i): {title: -float(place) for place, title in enumerate(order_by_hand(step))}
        for i, step in enumerate(gold.steps)
    }
    theirs = ir.calc_aggregate([ir.R @ 1, ir.R @ 10, ir.R @ 30], qrels, run)
    ours = recalls(ranks, None)
    assert 0 < ours["recall@1"] < ours["recall@10"] < ours["recall@30"] < 100
    for measure, value in theirs.items():
        assert ours[f"recall@{measure['cutoff']}"] == pytest.approx(100 * value)


def test_seen_and_unseen_are_weighted_parts_of_the_whole() -> None:
    gold = made_up()
    train = Gold([*gold.steps, "another step"], [*gold.goals, gold.goals[0]])
    task = Task.of(gold, TITLES, train)
    assert task.seen is not None
    # the measured pairs in the training file give nothing away: one goal alone is linked by another step
    assert task.seen.tolist() == [goal == gold.goals[0] for goal in gold.goals]
    seen = np.arange(150) % 3 == 0
    figures = recalls(ranked_lists(task, Dice(), "dice").ranks, seen)
    assert figures["recall@10"] == pytest.approx(
        (figures["seen_recall@10"] * 50 + figures["unseen_recall@10"] * 100) / 150
    )
    assert recalls(np.array([1]), np.array([True]))["unseen_recall@1"] is None


def test_a_step_with_two_goals_counts_twice_and_is_taken_out_whole() -> None:
    gold = Gold(["step", "step"], [TITLES[3], TITLES[7]])
    task = Task.of(gold, TITLES)
    assert task.right == [{3, 7}, {3, 7}]
    assert ranked_lists(task, Dice(), "dice").goals.shape == (2, 32)


def test_no_link_by_hand() -> None:
    """Five steps whose best goal has the probability of its score alone: rows counted by hand."""
    decision = Decision(1.0, 0.0, 0.6)
    logits = np.array([3.0, 1.0, -1.0, 2.0, -2.0])
    ranks = np.array([1, 2, 1, 31, 40])
    lists = Lists(np.zeros((5, 1), np.int64), logits[:, None], ranks)
    task = Task(Gold(list("abcde"), TITLES[:5]), TITLES, np.array([True, True, False, False, False]))
    measured = Measured("m", lists, decision, [row_of("m", task, ranks, {})])
    p = 1 / (1 + np.exp(-logits))
    row = no_link_row(measured, task, decision, p)
    assert row.recalls["recall@1"] == 20
    assert row.recalls["seen_recall@1"] == 50 and row.recalls["unseen_recall@1"] == 0
    assert row.recalls["recall@10"] == measured.rows[0].recalls["recall@10"] == 60
    assert row.unlinkable_recall == 50 and row.no_link is not None
    assert row.no_link.precision == pytest.approx(100 / 3)
    ends = curve(p, ranks)
    assert ends[0].first_right == 40 and ends[0].unlinkable_recall == 0
    assert ends[-1].first_right == 0 and ends[-1].unlinkable_recall == 100 and ends[-1].precision is None


def test_with_the_gold_goal_taken_out_as_a_naive_count() -> None:
    gold = made_up(300)
    task = Task.of(gold, TITLES)
    lists = ranked_lists(task, Dice(), "dice")
    decision = Decision(0.02, 0.99, 0.14)
    counts = {(truth, said): 0 for truth in (True, False) for said in (True, False)}
    for step, goal in zip(gold.steps, gold.goals, strict=True):
        scores = dict(zip(TITLES, Dice().scores([step])[0].tolist(), strict=True))
        if taken_out(step):
            del scores[goal]
        weights = np.exp((np.array(sorted(scores.values())[::-1][:30]) - 0.99) / 0.02)
        counts[taken_out(step), bool(weights[0] / (1 + weights.sum()) < 0.14)] += 1
    found = without_gold(lists, task, decision)
    hits = counts[True, True]
    precision, recall = hits / (hits + counts[False, True]), hits / (hits + counts[True, False])
    assert hits > 0 and 0 < precision < 1
    assert found.precision == pytest.approx(100 * precision)
    assert found.recall == pytest.approx(100 * recall)
    assert found.f1 == pytest.approx(200 * precision * recall / (precision + recall))
    assert 0.4 < np.mean([taken_out(f"step {i}") for i in range(2000)]) < 0.6


def test_bm25_is_the_formula() -> None:
    titles = ["Wash a Car", "Wash Dishes", "Paint a Wall", "Clean the Car Seat in a Car"]
    words = [title.lower().split() for title in titles]
    mean = np.mean([len(title) for title in words])

    def score(query: str, title: list[str]) -> float:
        total = 0.0
        for word in query.lower().split():
            df, tf = sum(word in other for other in words), title.count(word)
            idf = np.log(1 + (4 - df + 0.5) / (df + 0.5))
            total += idf * tf / (tf + 1.2 * (1 - 0.75 + 0.75 * len(title) / mean)) if df else 0
        return total

    ours = Bm25(titles).scores(["wash the car", "fly", "a a wall"])
    theirs = [[score(query, title) for title in words] for query in ("wash the car", "fly", "a a wall")]
    assert np.allclose(ours, theirs, atol=1e-5)


@pytest.fixture(scope="module")
def sample_files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The sample links as gold and the sample titles as pool."""
    folder = tmp_path_factory.mktemp("links")
    lines = (ROOT / "data" / "eval" / "sample_links.jsonl").read_text(encoding="utf-8").splitlines()
    links = [json.loads(line) for line in lines]
    pool = {path.stem.replace("-", " ") for path in (ROOT / "data" / "sample").glob("*.html")}
    pool |= {link["goal"].replace("-", " ") for link in links}
    gold, goals = folder / "gold.jsonl", folder / "goals.txt"
    gold.write_text(
        "".join(
            json.dumps({"step": link["headline"], "goal": link["goal"].replace("-", " ")}) + "\n"
            for link in links
        ),
        encoding="utf-8",
    )
    goals.write_text("\n".join(sorted(pool)[::-1]), encoding="utf-8")
    return gold, goals


def test_the_command_on_the_sample_links(run: Run, sample_files: tuple[Path, Path], tmp_path: Path) -> None:
    gold, goals = sample_files
    out = tmp_path / "out"
    done = run(
        "evaluate",
        "linking",
        "--gold",
        gold,
        "--goals",
        goals,
        "--train",
        gold,
        "--format",
        "json",
        "-o",
        out,
    )
    assert done.returncode == 0, done.stderr
    found = checked(done.stdout, "evaluate-linking")
    rows = {row["model"]: row for row in found["rows"]}
    zero = "all-MiniLM-L6-v2"
    built = [f"default build{part}" for part in ("", " + reranker", " + no link")]
    assert list(rows) == ["bm25", zero, f"{zero} + no link", *built]
    assert rows["bm25"]["unlinkable_recall"] is None and "unseen_recall@1" in rows["bm25"]

    pairs = [json.loads(line) for line in gold.read_text(encoding="utf-8").splitlines()]
    pool, encoder = sorted(read_pool(goals)), load_encoder(zero)
    cosines = encoder.encode([step_text(pair["step"]) for pair in pairs]) @ encoder.encode(pool).T
    for cut in (1, 10, 30):
        hits = [
            pair["goal"] in [pool[j] for j in np.argsort(-row, kind="stable")[:cut]]
            for pair, row in zip(pairs, cosines, strict=True)
        ]
        assert rows[zero][f"recall@{cut}"] == pytest.approx(100 * np.mean(hits))
    assert rows[zero]["recall@1"] > rows["bm25"]["recall@1"] > 20

    steps = [json.loads(line) for line in (out / "steps.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [step["step"] for step in steps] == [pair["step"] for pair in pairs]
    assert 100 * np.mean([step["models"][zero]["rank"] == 1 for step in steps]) == rows[zero]["recall@1"]
    assert json.loads((out / "figures.json").read_text(encoding="utf-8")) == found
    assert all(
        (out / f"{name}.png").read_bytes().startswith(b"\x89PNG") for name in ("curves", "reliability")
    )
    assert sum(each["steps"] for each in found["reliability"][zero]["after"]) == len(pairs)
    assert "paper:" not in (out / "tables.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [SMALL_ENCODER, pytest.param(LARGE_ENCODER, marks=needs_large)])
def test_reranked_lists_are_those_of_a_build(
    sample_files: tuple[Path, Path], tmp_path: Path, name: str
) -> None:
    """The titles of two real precedents are in the pool, so lists are widened by some."""
    gold, pool = read_gold(sample_files[0]), [*read_pool(sample_files[1]), "Make Rice", "Boil Water"]
    model = Model.load(name)
    encoder, reranker = model.encoder, model.reranker
    assert isinstance(reranker, LinearReranker)
    assert len(reranker.precedents.of_goals(hash_texts(sorted(set(pool))))) > 2
    built = GoldRetriever(gold, pool, encoder, tmp_path, 20)
    lists = built.reranked(reranker, 10).lists
    task, scorer = Task.of(gold, pool), EncoderScorer(encoder, sorted(set(pool)), tmp_path)
    retrieved = ranked_lists(task, scorer, "retriever", 20)
    narrow = Lists(retrieved.goals[:, :20], retrieved.scores[:, :20], retrieved.ranks)
    found = reranked_lists(task, scorer, reranker, narrow)
    title_of = dict(zip(hash_texts(task.titles).tolist(), task.titles, strict=True))
    for theirs, ours in zip(lists.goals, found.goals[:, :10], strict=True):
        assert [title_of[int(h)] for h in built.goals.hashes[theirs]] == [task.titles[i] for i in ours]
    rounded = 1.25e-6 * reranker.weights[0]  # cosines have six decimals
    assert found.scores[:, :10] == pytest.approx(lists.deciding, abs=rounded)


def test_the_strict_threshold_is_the_least_that_refuses_two_thirds() -> None:
    probability, ranks = np.array([0.1, 0.2, 0.305, 0.9]), np.array([31, 31, 31, 1])
    assert strict_threshold(curve(probability, ranks)) == pytest.approx(0.21)
    assert strict_threshold(curve(probability, np.ones(4, int))) is None


def test_one_pair_is_enough_and_the_paper_is_shown_where_it_is_asked_for(run: Run, tmp_path: Path) -> None:
    (tmp_path / "gold.jsonl").write_text(
        '{"step": "Wash the car.", "goal": "Wash a Car"}\n', encoding="utf-8"
    )
    (tmp_path / "goals.txt").write_text("Wash a Car\nBake Bread\n", encoding="utf-8")
    arguments = ("evaluate", "linking", "--gold", "gold.jsonl", "--goals", "goals.txt", "--models", "bm25")
    done = run(*arguments, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "bm25" in done.stdout and "paper" not in done.stdout and "pairs: 1" in done.stderr
    assert "55.4" in run(*arguments, "--paper", cwd=tmp_path).stdout
    assert "| model |" in run(*arguments, "--format", "markdown", cwd=tmp_path).stdout


@pytest.mark.parametrize(
    ("gold", "goals", "message"),
    [
        ('{"step": "Fly", "goal": "Fly a Kite"}\n', "Bake Bread\n", "Fly a Kite"),
        ("", "Bake Bread\n", "holds no gold links"),
        ('{"step": "Bake", "goal": "Bake Bread"}\n', "\n", "holds no titles"),
        ('{"step": "Bake"}\n', "Bake Bread\n", "gold.jsonl:1"),
    ],
)
def test_bad_input_is_named(run: Run, tmp_path: Path, gold: str, goals: str, message: str) -> None:
    (tmp_path / "gold.jsonl").write_text(gold, encoding="utf-8")
    (tmp_path / "goals.txt").write_text(goals, encoding="utf-8")
    done = run("evaluate", "linking", "--gold", "gold.jsonl", "--goals", "goals.txt", cwd=tmp_path)
    assert done.returncode == 1 and message in done.stderr and "Traceback" not in done.stderr


def test_few_goals_outside_the_pool_are_told_and_count_as_missed(capsys: pytest.CaptureFixture[str]) -> None:
    gold = made_up(200)
    gold.goals[5] = "Fly a Kite"
    task = Task.of(gold, TITLES)
    assert "1 of 200" in capsys.readouterr().err
    ranks = ranked_lists(task, Dice(), "dice").ranks
    assert ranks[5] == 201 and len(ranks) == 200
    gold.goals[6:10] = ["Fly a Kite"] * 4
    with pytest.raises(BadInput, match="5 of 200"):
        Task.of(gold, TITLES)


def test_a_decision_belongs_to_its_encoder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    encoder = load_encoder(BASE_ENCODER)
    shipped, folder = ModelFolder.of(BASE_ENCODER), ModelFolder(tmp_path)
    assert decision_in(shipped, encoder) == Model.load(BASE_ENCODER).decision == base_decision()
    assert decision_in(folder, encoder) is None
    assert Model(encoder).decision_or_base() == base_decision()
    assert "No decision was fitted" in capsys.readouterr().err
    own = Decision(0.1, 0.5, 0.4, "made up", encoder.weights_digest)
    own.save(folder.decision)
    assert decision_in(folder, encoder) == own
    replace(own, weights_digest="others").save(folder.decision)
    with pytest.raises(BadInput, match="fitted for other weights"):
        decision_in(folder, encoder)


def test_the_held_out_tenth_of_very_little_gold_may_be_empty() -> None:
    with pytest.raises(BadInput, match="held-out tenth"):
        dev_part(Gold(["Fly a kite"], ["Fly a Kite"]))
