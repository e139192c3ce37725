"""`howtree evaluate video` through the front door: figures, files, edge cases, messages."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import ir_measures
import numpy as np
import pytest
from support.schemas import checked
from support.video_samples import (
    ARTICLES,
    LINKS,
    SPOKEN,
    NaiveBm25,
    make_kb,
    naive_filter,
    naive_ranks,
    sample_videos,
    write_videos,
)
from typer.testing import CliRunner

from howtree.errors import HowtreeError
from kb.commands.cli import app

Evaluate = Callable[..., dict[str, Any]]
FAST = ("--workers", "1", "--no-tune")


@pytest.fixture
def evaluate(tmp_path: Path) -> Evaluate:
    """Run the command on samples (or other articles, links, videos) and give what it prints as JSON."""

    def run(
        *options: str,
        videos: list[dict[str, Any] | str] | None = None,
        articles: dict[str, list[Any]] = ARTICLES,
        links: tuple[tuple[Any, ...], ...] = LINKS,
    ) -> dict[str, Any]:
        base = tmp_path / "kb.duckdb"
        base.unlink(missing_ok=True)
        make_kb(base, articles, links)
        write_videos(tmp_path / "videos.jsonl", sample_videos() if videos is None else videos)
        arguments = [
            "--kb",
            str(base),
            "--videos",
            str(tmp_path / "videos.jsonl"),
            "-o",
            str(tmp_path / "out"),
        ]
        result = CliRunner().invoke(app, ["evaluate", "video", *arguments, "--format", "json", *options])
        if isinstance(result.exception, HowtreeError):
            raise result.exception
        assert result.exit_code == 0, result.output
        return {**checked(result.stdout, "evaluate-video"), "said": result.stderr}

    return run


def row(outcome: dict[str, Any], split: str, query: str) -> dict[str, Any]:
    (found,) = [each for each in outcome["rows"] if (each["split"], each["query"]) == (split, query)]
    return found


def goals_file(tmp_path: Path) -> dict[str, dict[str, Any]]:
    lines = (tmp_path / "out" / "goals.jsonl").read_text(encoding="utf-8").splitlines()
    return {record["goal"]: record for record in map(json.loads, lines)}


STEPS = {
    ("Bake rye bread", 1): ["Mix rye flour and salt", "Feed the sourdough starter", "Bake for an hour"],
    ("Bake rye bread", 2): ["Weigh flour and lukewarm water", "Stir until no dry lumps remain"],
    ("Bake rye bread", 3): ["Turn the wooden spoon slowly"],
    ("mend a bicycle tyre", 1): ["Take the wheel off", "Find the hole under water", "Glue the patch"],
    ("Water a cactus", 1): ["Wait until the soil is dry", "Pour lukewarm water"],
}


def naive_steps(goal: str, depth: int) -> list[str]:
    return [step for level in range(1, depth + 1) for step in STEPS.get((goal, level), [])]


def test_every_query_form_agrees_with_the_definition_carried_out_naively(
    evaluate: Evaluate, tmp_path: Path
) -> None:
    outcome = evaluate(*FAST)
    ranks = goals_file(tmp_path)
    weights = {"L0": 0.0, "L1": 0.1, "L2": 0.1, "FIL-L1": 0.5, "FIL-L2": 0.5, "FIL-L3": 0.5}
    for split in ("train", "dev"):
        videos = sorted((v for v in sample_videos() if v["split"] == split), key=lambda v: v["video_id"])
        bm25, ids = NaiveBm25([video["text"] for video in videos]), [video["video_id"] for video in videos]
        train = sorted((v for v in sample_videos() if v["split"] == "train"), key=lambda v: v["video_id"])
        for form, weight in weights.items():
            expected = {}
            for goal in SPOKEN:
                steps = naive_steps(goal, int(form[-1]))
                if form.startswith("FIL"):
                    chosen = naive_filter(
                        NaiveBm25([video["text"] for video in train]),
                        [video["video_id"] for video in train],
                        goal,
                        steps,
                        weight,
                        [n for n, video in enumerate(train) if video["goal"] == goal],
                    )
                    taken = [step["text"] for step in ranks[goal]["chosen"][form]["steps"]]
                    assert taken == [steps[position] for position in chosen]
                    steps = taken
                relevant = [n for n, video in enumerate(videos) if video["goal"] == goal]
                expected[goal] = naive_ranks(bm25.scores(goal, steps, weight), ids, relevant)
                assert ranks[goal]["ranks"][split][form] == expected[goal], (split, form, goal)
            figures = row(outcome, split, form)
            pairs = [rank for each in expected.values() for rank in each]
            assert figures["mean_rank"] == pytest.approx(np.mean(pairs))
            assert figures["mean_rank_per_goal"] == pytest.approx(
                np.mean([np.mean(e) for e in expected.values()])
            )
            assert figures["median_rank"] == np.median(pairs)
            for cut in (1, 10, 25, 50):
                hits = {goal: sum(rank <= cut for rank in each) for goal, each in expected.items()}
                recall = np.mean([hits[goal] / len(each) for goal, each in expected.items()])
                precision = np.mean([hits[goal] / cut for goal in expected])
                assert figures[f"recall@{cut}"] == pytest.approx(recall)
                assert figures[f"precision@{cut}"] == pytest.approx(precision)
                f1 = 2 * recall * precision / (recall + precision)
                assert figures[f"f1@{cut}"] == pytest.approx(f1)


def test_the_files_of_runs_give_the_same_figures_with_ir_measures(evaluate: Evaluate, tmp_path: Path) -> None:
    outcome = evaluate("--workers", "1")
    measures = [measure @ cut for measure in (ir_measures.R, ir_measures.P) for cut in (1, 10, 25, 50)]
    names = {"R": "recall", "P": "precision"}
    runs = sorted((tmp_path / "out" / "runs").iterdir())
    assert (
        len(runs) == len(outcome["rows"]) == 2 * (8 + 7)
    )  # all forms, and the tuned ones of those with steps
    for path in runs:
        split, query, _ = path.name.split(".")
        qrels = list(ir_measures.read_trec_qrels(str(tmp_path / "out" / "qrels" / f"{split}.qrels")))
        run = list(ir_measures.read_trec_run(str(path)))
        figures = row(outcome, split, query.replace("-tuned", " tuned"))
        for measure, value in ir_measures.calc_aggregate(measures, qrels, run).items():
            letter, cut = str(measure).split("@")
            assert figures[f"{names[letter]}@{cut}"] == pytest.approx(value), (path.name, measure)


def test_ties_keep_their_order_in_run_files(evaluate: Evaluate, tmp_path: Path) -> None:
    videos = [{"video_id": f"v{n}", "goal": f"g{n % 2}", "split": "train", "text": "g0 g1"} for n in range(6)]
    outcome = evaluate(*FAST, videos=videos)
    lines = [line.split() for line in (tmp_path / "out/runs/train.L0.run").read_text().splitlines()]
    assert [line[2] for line in lines if line[0] == "g0"] == [f"v{n}" for n in range(6)]
    scores = [float(line[4]) for line in lines if line[0] == "g0"]
    assert all(np.float32(low) < np.float32(high) for high, low in pairwise(scores))
    assert row(outcome, "train", "L0")["precision@1"] == 0.5  # v0 stands first for both goals


def test_filtered_forms_rank_train_no_worse_than_the_goal_alone(evaluate: Evaluate) -> None:
    outcome = evaluate(*FAST)
    alone = row(outcome, "train", "L0")["mean_rank"]
    assert row(outcome, "train", "FIL-L1")["mean_rank"] < alone
    assert row(outcome, "train", "FIL-L2")["mean_rank"] < alone


def test_probabilities_weight_the_steps_behind_links(evaluate: Evaluate, tmp_path: Path) -> None:
    certain = [(*link[:3], 1.0) for link in LINKS if len(link) == 4]
    even = evaluate(*FAST, links=tuple(certain))
    assert {**row(even, "train", "L2-prob"), "query": ""} == {**row(even, "train", "L2"), "query": ""}
    none = evaluate(*FAST, links=tuple((*link[:3], 0.0) for link in certain))
    ranks = goals_file(tmp_path)["Bake rye bread"]["ranks"]["train"]
    assert {**row(none, "train", "L2-prob"), "query": ""} == {**row(none, "train", "L1"), "query": ""}
    assert ranks["L2-prob"] == ranks["L1"]


def test_only_chosen_links_are_followed_unless_a_threshold_is_given(evaluate: Evaluate) -> None:
    assert evaluate(*FAST)["queries"]["steps a goal at depth 2"] == round(2 / 3, 2)
    lower = evaluate(*FAST, "--threshold", "0.1")["queries"]
    assert lower["steps a goal at depth 2"] == round(4 / 3, 2)
    assert evaluate(*FAST, "--threshold", "0.95")["queries"]["goals with a linked step"] == 0


def test_shuffled_links_keep_their_number_and_lead_elsewhere(evaluate: Evaluate) -> None:
    articles = {f"Goal {n}": [f"step {n} one", f"step {n} two"] for n in range(9)}
    links = tuple((f"Goal {n}", 1, f"Goal {(n + 1) % 9}", 0.9) for n in range(9))
    videos = [  # what is said of a goal are the words of the goal that it is linked to
        {"video_id": f"v{n}", "goal": f"Goal {n}", "split": "train", "text": f"{(n + 1) % 9} two"}
        for n in range(9)
    ]

    def run(*options: str) -> dict[str, Any]:
        return evaluate(*FAST, *options, articles=articles, links=links, videos=videos)

    built, dealt, again = run(), run("--shuffle-links", "1"), run("--shuffle-links", "1")
    assert built["queries"]["steps a goal at depth 2"] == 2
    assert 1.5 < dealt["queries"]["steps a goal at depth 2"] <= 2  # a link may fall on its own article
    assert row(dealt, "train", "L2") == row(again, "train", "L2")
    assert row(dealt, "train", "L1") == row(built, "train", "L1")
    assert row(dealt, "train", "L2")["mean_rank"] > row(built, "train", "L2")["mean_rank"]


def test_tuning_tries_each_weight_on_dev_and_adds_the_best(evaluate: Evaluate) -> None:
    outcome = evaluate("--workers", "1", "--weights", "0.3,0.01", "--queries", "L0,L1,FIL-L1")
    assert [(line["query"], line["weight"]) for line in outcome["tuning"]] == [
        ("L1", 0.01),
        ("L1", 0.3),
        ("FIL-L1", 0.01),
        ("FIL-L1", 0.3),
    ]
    for form in ("L1", "FIL-L1"):
        lines = [line for line in outcome["tuning"] if line["query"] == form]
        (best,) = [line for line in lines if line["best"]]
        tuned = row(outcome, "dev", f"{form} tuned")
        assert tuned["weight"] == best["weight"]
        assert tuned["mean_rank"] == best["dev_mean_rank"] == min(line["dev_mean_rank"] for line in lines)


def test_paired_tests_compare_the_forms(evaluate: Evaluate) -> None:
    outcome = evaluate(*FAST)
    (test,) = [
        each
        for each in outcome["significance"]
        if (each["split"], each["query"], each["against"]) == ("train", "FIL-L1", "L0")
    ]
    difference = row(outcome, "train", "FIL-L1")["mean_rank"] - row(outcome, "train", "L0")["mean_rank"]
    assert test["difference"] == pytest.approx(difference)
    assert test["goals_better"] + test["goals_equal"] + test["goals_worse"] == 3
    assert 0 < test["p_randomisation"] <= 1
    assert 0 < test["p_wilcoxon"] <= 1


@pytest.mark.parametrize(
    ("articles", "said"),
    [
        ({"Stir dough": ["Stir"]}, "not in the knowledge base, searched without steps: Water a cactus"),
        ({goal: [] for goal in SPOKEN}, "goals not in the knowledge base: 0; goals without steps: 3"),
        ({goal: ["", "?!"] for goal in SPOKEN}, "goals without steps: 0"),
    ],
)
def test_a_goal_without_an_article_steps_or_words_is_searched_by_its_title(
    evaluate: Evaluate, tmp_path: Path, articles: dict[str, list[Any]], said: str
) -> None:
    assert said in evaluate(*FAST, articles=articles, links=())["said"]
    for record in goals_file(tmp_path).values():
        for ranks in record["ranks"].values():
            assert all(ranks[form] == ranks["L0"] for form in ranks)


@pytest.mark.parametrize(
    ("titles", "taken"),
    [
        ({"WATER a Cactus": ["Pour"], "How to Water a cactus": ["Wait"]}, 2),  # spelt as the videos spell it
        (
            {"How to WATER a Cactus": [], "water a CACTUS": ["Pour"], "water A cactus": ["Wait"]},
            2,
        ),  # with steps
    ],
)
def test_of_several_articles_of_one_goal_the_best_match_is_taken(
    evaluate: Evaluate, tmp_path: Path, titles: dict[str, list[Any]], taken: int
) -> None:
    evaluate(*FAST, articles=titles, links=())
    record = goals_file(tmp_path)["Water a cactus"]
    assert (record["article_id"], record["steps"]) == (taken, 1)


def test_a_query_without_words_finds_nothing_and_is_listed(evaluate: Evaluate) -> None:
    videos = [
        {"video_id": "a", "goal": "?!", "split": "train", "text": "pan"},
        {"video_id": "b", "goal": "unheard", "split": "train", "text": "egg"},
    ]
    outcome = evaluate(*FAST, "--queries", "L0", videos=videos)
    assert [each["goal"] for each in outcome["unanswered"]] == ["?!", "unheard"]
    assert "finds nothing: unheard (L0 on train)" in outcome["said"]
    figures = row(outcome, "train", "L0")
    assert (figures["mean_rank"], figures["recall@50"], figures["precision@1"]) == (201, 0, 0)


def test_a_video_without_text_is_never_found(evaluate: Evaluate, tmp_path: Path) -> None:
    videos = [*sample_videos(), {"video_id": "mute", "goal": "Water a cactus", "split": "dev", "text": " "}]
    outcome = evaluate(*FAST, videos=videos)
    assert "videos without text: 1" in outcome["said"]
    assert goals_file(tmp_path)["Water a cactus"]["ranks"]["dev"]["FIL-L2"][0] == 201


def test_one_video_in_a_split(evaluate: Evaluate) -> None:
    videos = [{"video_id": "a", "goal": "Stir dough", "split": "dev", "text": "stir the dough"}]
    outcome = evaluate("--workers", "1", videos=videos)
    assert row(outcome, "dev", "FIL-L2")["mean_rank"] == 1
    assert "no train videos" in outcome["said"]


def test_goals_file_narrows_the_queries_but_not_the_index(evaluate: Evaluate, tmp_path: Path) -> None:
    goals = tmp_path / "goals.txt"
    goals.write_text("How to water a CACTUS\n\nGrow a Beard\n", encoding="utf-8")
    outcome = evaluate(*FAST, "--goals", str(goals))
    figures = row(outcome, "train", "L0")
    assert (figures["goals"], figures["pairs"]) == (1, 2)
    assert "goal without videos: Grow a Beard" in outcome["said"]
    assert "videos in train: 8" in outcome["said"]


def test_a_second_run_takes_the_filter_from_the_first(evaluate: Evaluate) -> None:
    first, second = evaluate(*FAST), evaluate(*FAST)
    assert "climbs taken from an earlier run: 0; climbs: 12" in first.pop("said")
    assert "climbs taken from an earlier run: 12; climbs: 12" in second.pop("said")
    assert {**first, "tally": 0} == {**second, "tally": 0}


def test_text_and_markdown_show_our_figures_beside_the_papers(tmp_path: Path, evaluate: Evaluate) -> None:
    outcome = evaluate("--workers", "1")
    text = (tmp_path / "out" / "results.txt").read_text(encoding="utf-8")
    markdown = (tmp_path / "out" / "results.md").read_text(encoding="utf-8")
    (line,) = [
        line.split() for line in text.splitlines() if line.startswith("dev  ") and " FIL-L2  " in line
    ][:1]
    figures = row(outcome, "dev", "FIL-L2")
    assert line[3] == f"{100 * figures['recall@1']:.1f}/{100 * figures['precision@1']:.1f}"
    assert line[7] == f"{figures['mean_rank']:.2f}"
    assert line[9:] == ["12.5/84.4", "66.1/47.7", "78.0/22.5", "83.3/12.0", "32.30"]
    assert "| dev | FIL-L2 | 0.5 |" in markdown


def test_a_manifest_tells_what_the_figures_were_made_from(evaluate: Evaluate, tmp_path: Path) -> None:
    evaluate(*FAST, "--seed", "3")
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text(encoding="utf-8"))
    assert len(manifest["inputs"]["kb"]["sha256"]) == len(manifest["inputs"]["videos"]["sha256"]) == 64
    assert manifest["parameters"]["k1"] == 1.2
    assert manifest["parameters"]["seed"] == 3
    assert "bm25s" in manifest["libraries"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--queries", "L9"), "no form L9. There are: L0, L1"),
        (("--weights", "0.1,heavy"), "not a list of numbers"),
        (("--engine", "elasticsearch"), "the address of the engine go together"),
        (("--goals", "nowhere.txt"), "nowhere.txt: no such file"),
    ],
)
def test_wrong_usage_is_explained(evaluate: Evaluate, options: tuple[str, ...], message: str) -> None:
    with pytest.raises(HowtreeError, match=message):
        evaluate(*options)


def test_an_output_that_is_a_file_is_explained(evaluate: Evaluate, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file", encoding="utf-8")
    with pytest.raises(HowtreeError, match=r"cannot write to .*out"):
        evaluate(*FAST)


def test_a_file_that_is_no_knowledge_base_is_explained(tmp_path: Path) -> None:
    (tmp_path / "kb.duckdb").write_text("no database", encoding="utf-8")
    videos = write_videos(tmp_path / "videos.jsonl", sample_videos())
    command = ["--kb", str(tmp_path / "kb.duckdb"), "--videos", str(videos), "-o", str(tmp_path / "out")]
    done = subprocess.run(
        [sys.executable, "-m", "kb", "evaluate", "video", *command],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("howtree: ")
    assert "Traceback" not in done.stderr


def test_a_missing_library_is_named_with_the_command_that_installs_it(
    evaluate: Evaluate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "bm25s", None)
    with pytest.raises(HowtreeError, match=r"bm25s.*pip install 'howtree\[eval\]'"):
        evaluate()


def test_the_commands_of_the_documentation_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_kb(tmp_path / "kb.duckdb", ARTICLES, LINKS)
    write_videos(tmp_path / "videos.jsonl", sample_videos())
    (tmp_path / "goals.txt").write_text("Water a cactus\n", encoding="utf-8")
    (tmp_path / "task_ids.csv").write_text("1\tWater a Cactus\n", encoding="utf-8")
    (tmp_path / "HowTo100M_v1.csv").write_text("video_id,task_id,rank\nv,1,1\n", encoding="utf-8")
    captions = {"v": {"start": [12], "end": [40], "text": ["wait until the soil is dry"]}}
    (tmp_path / "raw_caption.json").write_text(json.dumps(captions), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    text = (Path(__file__).parents[3] / "docs" / "video-retrieval.md").read_text(encoding="utf-8")
    commands = re.findall(r"^    howtree (evaluate (?:.*\\\n)*.*)$", text, flags=re.MULTILINE)
    assert len(commands) == 4
    for command in commands:
        result = CliRunner().invoke(app, command.replace("\\\n", " ").split())
        assert result.exit_code == 0, (command, result.exception)
