"""Reliability, two runs compared step by step, and a knowledge base's own hyperlinks as gold."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from support.command import Run, work_folder
from support.schemas import checked
from support.small_kb import article, small_kb

from crawl.article import Article, Method, Step, StepLink
from howtree.errors import BadInput
from kb.exchange.editor_links import dev_articles, part, read_editor_links
from kb.store import KnowledgeBase
from linking.measure.reliability import before_and_after, calibration_error, error_of, reliability
from linking.measure.significance import compare, mcnemar, read_steps


def test_reliability_counts_by_hand() -> None:
    probability = np.array([0.05, 0.15, 0.55, 0.95, 1.0])
    right = np.array([False, True, True, True, False])
    bins = reliability(probability, right, 2)
    assert [each.steps for each in bins] == [2, 3]
    assert bins[0].probability == pytest.approx(0.1) and bins[0].right == 0.5
    assert bins[1].probability == pytest.approx(2.5 / 3) and bins[1].right == pytest.approx(2 / 3)
    expected = (2 * 0.4 + 3 * (2.5 - 2) / 3) / 5
    assert calibration_error(probability, right, 2) == pytest.approx(expected) == error_of(bins)


def test_a_calibrated_probability_lies_on_the_diagonal() -> None:
    dice = np.random.default_rng(0)
    p = dice.random(200_000)
    parts = before_and_after(np.sqrt(p), p, dice.random(200_000) < p)
    assert len(parts.after) == 15
    assert all(abs(each.right - each.probability) < 0.02 for each in parts.after)
    assert error_of(parts.after) < 0.01 < error_of(parts.before)


def test_mcnemar_is_the_test_of_a_fair_coin() -> None:
    a, b = np.array([1, 1, 1, 1, 1, 1, 9]), np.array([2, 2, 2, 2, 2, 1, 9])
    found = mcnemar(("a", "b"), a, b)
    at_one = found.at[1]
    assert at_one.difference == pytest.approx(500 / 7) == at_one.first - at_one.second
    assert (at_one.only_first, at_one.only_second) == (5, 0)
    assert at_one.p == 2 / 2**5
    assert found.at[10].p == 1 and found.at[10].difference == 0


def run_folder(folder: Path, models: dict[str, list[int]], seen: list[bool | None]) -> Path:
    """A results folder with the ranks of each model."""
    folder.mkdir()
    lines = [
        {
            "step": f"step {i}",
            "goal": "Goal",
            "seen": seen[i],
            "models": {name: {"rank": ranks[i]} for name, ranks in models.items()},
        }
        for i in range(len(seen))
    ]
    (folder / "steps.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return folder


def test_two_runs_are_compared_over_seen_and_unseen_goals(run: Run, tmp_path: Path) -> None:
    seen: list[bool | None] = [True, True, False, False]
    a = run_folder(tmp_path / "a", {"m": [1, 2, 1, 40], "only a": [9] * 4}, seen)
    b = run_folder(tmp_path / "b", {"m": [1, 1, 3, 12]}, seen)
    done = run("evaluate", "compare", a, b, "--format", "json")
    assert done.returncode == 0, done.stderr
    found = checked(done.stdout, "evaluate-compare")
    assert found == [each.to_dict() for each in compare(read_steps(a), read_steps(b))]
    assert [(each["part"], each["pairs"]) for each in found] == [("all", 4), ("seen", 2), ("unseen", 2)]
    assert found[0]["recall@1"]["difference"] == 0 and found[0]["recall@1"]["only_first"] == 1
    assert found[1]["recall@1"]["difference"] == -50 and found[2]["recall@30"]["difference"] == -50
    table = run("evaluate", "compare", a, b).stdout
    assert "50.0 - 100.0 = -50.0 (p 1)" in table
    other = run("evaluate", "compare", a, b, "--models", "only a,m", "--format", "json")
    assert json.loads(other.stdout)[0]["models"] == ["only a", "m"]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["a", "none"], 1, "cannot read none"),
        (["a", "shorter"], 1, "do not hold the same pairs"),
        (["a", "others"], 1, "no model is in both"),
        (["a", "others", "--models", "m,x"], 1, "has no model 'x'"),
        (["a", "others", "--models", "m"], 2, "name two"),
        (["a", "broken"], 1, "steps.jsonl:2"),
        (["a", "empty"], 1, "holds no steps"),
    ],
)
def test_what_cannot_be_compared_is_named(
    run: Run, tmp_path: Path, arguments: list[str], code: int, message: str
) -> None:
    run_folder(tmp_path / "a", {"m": [1, 2], "n": [1, 1]}, [None, None])
    run_folder(tmp_path / "shorter", {"m": [1]}, [None])
    run_folder(tmp_path / "others", {"o": [1, 2]}, [None, None])
    run_folder(tmp_path / "empty", {}, [])
    with (run_folder(tmp_path / "broken", {"m": [1]}, [None]) / "steps.jsonl").open("a") as file:
        file.write('{"step": "step 1"}\n')
    done = run("evaluate", "compare", *arguments, cwd=tmp_path)
    assert done.returncode == code and message in done.stderr and "Traceback" not in done.stderr


def test_the_hyperlinks_of_a_knowledge_base_are_gold(run: Run, sample_kb_path: Path, tmp_path: Path) -> None:
    work, out = tmp_path / "work", tmp_path / "out"
    arguments = ("evaluate", "linking", "--kb", sample_kb_path, "--work", work, "--format", "json")
    done = run(*arguments, "--models", "bm25")
    assert done.returncode == 0, done.stderr
    found = checked(done.stdout, "evaluate-linking")
    editors = (
        "FROM edges e JOIN articles ON article_id = parent_id WHERE e.source = 'editor' AND language = 'en'"
    )
    every = (
        "FROM (SELECT DISTINCT step_id, target_id FROM hyperlinks) JOIN steps USING (step_id) "
        "JOIN articles USING (article_id) WHERE target_id <> article_id AND language = 'en'"
    )
    said, all_of_them = (
        len(run("sql", sql, "--kb", sample_kb_path, "--format", "json").stdout.splitlines())
        for sql in (editors, every)
    )
    assert found["tally"]["pairs"] == said == 6
    mentioned = run(*arguments, "--models", "bm25,default", "--mentions", "-o", out)
    found = json.loads(mentioned.stdout)
    assert found["tally"]["pairs"] == all_of_them == 34
    lines = [json.loads(line) for line in (out / "steps.jsonl").read_text(encoding="utf-8").splitlines()]
    polish = next(line for line in lines if line["step"].startswith("Polish the silverware"))
    assert polish["goal"] == "Polish Silverware" and polish["models"]["default build"]["rank"] == 1
    rows = {row["model"]: row for row in found["rows"]}
    assert rows["default build"]["recall@30"] > rows["bm25"]["recall@30"] > 50
    headlines = run(*arguments, "--models", "bm25", "--mentions", "--place", "headline")
    assert json.loads(headlines.stdout)["tally"]["pairs"] == 9
    held = run(*arguments, "--models", "bm25", "--mentions", "--dev")
    row = json.loads(held.stdout)["rows"][0]
    assert 0 < json.loads(held.stdout)["tally"]["pairs"] < 34 and "unseen_recall@1" in row


def linked(title: str, *steps: tuple[str, str, str]) -> Article:
    """An article whose steps link: headline, slug of the target, place."""
    listed = tuple(
        Step(i, headline, links=(StepLink(slug, slug.replace("-", " "), "here", place),) if slug else ())
        for i, (headline, slug, place) in enumerate(steps, 1)
    )
    return Article("en", title, (Method("single", 1, "", listed),))


def test_links_to_the_own_article_or_to_none_here_are_no_gold(tmp_path: Path) -> None:
    articles = [
        linked(
            "How to Wash a Car",
            ("Fill a bucket.", "Fill-a-Bucket", "headline"),
            ("Wash it again.", "Wash-a-Car", "headline"),
            ("Fly away.", "Fly-a-Kite", "body"),
        ),
        article("How to Fill a Bucket", "Open the tap."),
    ]
    with KnowledgeBase(small_kb(tmp_path, articles)) as kb:
        links = read_editor_links(kb)
        assert (links.gold.steps, links.gold.goals) == (["Fill a bucket"], ["Fill a Bucket"])
        assert links.own == ["Wash a Car"] and links.pool == ["Fill a Bucket", "Wash a Car"]
        with pytest.raises(BadInput, match="no de hyperlink"):
            read_editor_links(kb, "de")
        with pytest.raises(BadInput, match="no bullet hyperlink"):
            read_editor_links(kb, place="bullet")


def test_no_article_is_in_two_parts(tmp_path: Path) -> None:
    articles = [
        linked(f"How to Do {i}", *[(f"Take part {j}.", f"Do-{j}", "body") for j in range(4) if j != i])
        for i in range(60)
    ]
    with KnowledgeBase(small_kb(tmp_path, articles)) as kb:
        links = read_editor_links(kb, mentions=True)
    held, others = dev_articles(links)
    assert held.keys and others.keys and not set(held.keys) & set(others.keys)
    assert len(held.keys) + len(others.keys) == len(links.keys)
    assert held.pool == others.pool == links.pool
    of_one = [key == others.keys[0] for key in links.keys]
    with pytest.raises(BadInput, match="held-out tenth"):
        dev_articles(part(links, of_one))


def test_the_own_article_is_offered_no_step(tmp_path: Path) -> None:
    from linking.gold.links import Gold
    from linking.measure.ranking import Task, ranked_lists

    class Same:
        def scores(self, texts: list[str]) -> np.ndarray:
            return np.array([[0.9, 0.8, 0.7]] * len(texts), np.float32)

    gold = Gold(["step", "step"], ["B", "A"])
    task = Task.of(gold, ["A", "B", "C"], own=["A", "A"])
    assert ranked_lists(task, Same(), "same").ranks.tolist() == [1, 1]
    assert ranked_lists(Task.of(gold, ["A", "B", "C"]), Same(), "same").ranks.tolist() == [2, 1]


def test_a_knowledge_base_without_hyperlinks_is_told(run: Run, tmp_path: Path) -> None:
    kb = small_kb(tmp_path, [article("How to Wash a Car", "Fill a bucket.")])
    done = run("evaluate", "linking", "--kb", kb)
    assert done.returncode == 1 and "no hyperlink from a step" in done.stderr and "--gold" in done.stderr
    both = run("evaluate", "linking", "--kb", kb, "--gold", "gold.jsonl")
    assert both.returncode == 2 and "--kb" in both.stderr


def test_the_threshold_follows_a_measure(run: Run, own_sample_kb: Path, tmp_path: Path) -> None:
    info = json.loads(run("info", "--json", "--kb", own_sample_kb).stdout)
    by_beta = {beta: str(value) for beta, value in info["thresholds_by_beta"].items()}
    assert 0 < float(by_beta["1"]) < float(by_beta["0.5"]) < float(by_beta["0.25"]) <= info["threshold"]
    tree = ("tree", "Host a Dinner Party", "--kb", own_sample_kb)
    wide = run(*tree, "--beta", 2)
    assert wide.returncode == 0, wide.stderr
    assert wide.stdout == run(*tree, "--threshold", by_beta["2"]).stdout
    assert run(*tree, "--beta", 2, "--threshold", 0.5).returncode == 2
    missing = run(*tree, "--beta", 7)
    assert missing.returncode == 1 and "beta 7" in missing.stderr
    shutil.copytree(work_folder(own_sample_kb), work_folder(tmp_path / "wide.duckdb"))
    built = run("build", "data/sample", "-o", tmp_path / "wide.duckdb", "--beta", 2, cwd=None)
    assert built.returncode == 0, built.stderr
    info = json.loads(run("info", "--json", "--kb", tmp_path / "wide.duckdb").stdout)
    assert info["threshold"] == float(by_beta["2"])
