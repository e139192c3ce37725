"""`howtree train verifier`: a whole small course over the sample, going on after a stop, and what it refuses."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from support.command import SAMPLE, Run, within
from support.contents import rows
from support.judged import judged_line, write_lines

from howtree.files import digest_of_file, read_json
from linking.encode.folder import SMALL_ENCODER
from linking.gold.judged import mark_of
from linking.verify.verifier import Verifier

QUICK = ("--lists", 4, "--rules", 8, "--first-epochs", 1, "--epochs", 1, "--folds", 2)
PAIRS = 60


def judged_of(kb: Path) -> list[dict[str, Any]]:
    """Made-up grades for the first two candidates of some steps of the sample: the surer the model, the better."""
    found = rows(
        kb,
        """
        SELECT s.headline, o.goal, coalesce(m.name, ''), s.method_number, s.step_number, a.goal, c.rank, c.probability,
            coalesce(lag(s.headline) OVER w, ''), coalesce(lead(s.headline) OVER w, '')
        FROM candidates c JOIN steps s USING (step_id) JOIN articles o ON o.article_id = s.article_id
        JOIN articles a ON a.article_id = c.article_id
        JOIN methods m ON m.article_id = s.article_id AND m.method_number = s.method_number
        WHERE rank <= 2 AND o.language = 'en'
        WINDOW w AS (PARTITION BY s.article_id, s.method_number, rank ORDER BY s.step_number)
        ORDER BY c.step_id, rank
        """,
    )
    lines = []
    for step, article, method, in_method, in_step, goal, rank, p, before, after in found:
        grade = 3 if p > 0.8 else 2 if p > 0.4 else 1 if p > 0.03 else 0
        context = {"article": article, "method": method, "before": before, "after": after}
        at = {"method_number": in_method, "step_number": in_step, "rank": rank}
        drawn = {
            "draw": "random",
            "stratum": "chosen" if grade > 1 else "low",
            "weight": 1.0 + 5 * (grade < 2),
        }
        lines.append(judged_line(step, goal, grade, **context, **at, **drawn))
    right = [line for line in lines if line["grade"] > 1]
    wrong = [line for line in lines if line["grade"] < 2 and line["rank"] == 2]
    return [*right[: PAIRS // 2], *wrong[:: len(wrong) // (PAIRS // 2)]]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, sample_kb_path: Path) -> Path:
    """A folder with judged links, gold, and the verifier `v` that was trained on them, with all that was said."""
    folder = tmp_path_factory.mktemp("verifier")
    lines = judged_of(sample_kb_path)
    write_lines(folder / "judged.jsonl", lines)
    right = [{"step": line["step"], "goal": line["goal"]} for line in lines if line["grade"] == 3]
    paraphrased = [{"step": f"Please {line['step']}", "goal": line["goal"]} for line in right]
    write_lines(folder / "gold.jsonl", [*right, *paraphrased])
    done = train(within, folder)
    assert done.returncode == 0, done.stderr
    (folder / "out.txt").write_text(done.stdout, encoding="utf-8")
    return folder


def train(run: Run, folder: Path, *more: object) -> Any:
    """Run the command on the files of a folder."""
    files = ("--judged", "judged.jsonl", "--gold", "gold.jsonl", "--articles", SAMPLE)
    return run("train", "verifier", *files, *QUICK, "-o", "v", *more, cwd=folder, OMP_NUM_THREADS="1")


def test_figures_are_printed_and_written(trained: Path) -> None:
    out = (trained / "out.txt").read_text(encoding="utf-8")
    figures = read_json(trained / "v" / "figures.json")
    assert "| as a build reads |" in out and "On the fifth" not in out
    assert out.strip() in (trained / "v" / "README.md").read_text(encoding="utf-8")
    judged = [json.loads(line) for line in (trained / "judged.jsonl").read_text().splitlines()]
    apart = [mark_of(line["article"]) < 0.2 for line in judged]
    assert figures["pairs"] == len(judged) and 0 < sum(apart) < len(judged)
    assert figures["out_of_fold"]["links"] == len(judged) - sum(apart) and figures["final_fifth"] is None
    assert set(figures["thresholds"]) == {"0.25", "0.5", "1", "2"}
    assert figures["threshold"] == figures["thresholds"]["0.25"]
    area = figures["out_of_fold"]["ordering"]["regression and forest"]["AUC"]
    assert area > 0.8  # the made-up grades follow a feature


def test_a_build_uses_it(trained: Path, run: Run, tmp_path: Path) -> None:
    for words in ("Gravy", "Stock", "Onion", "Knife", "Lunch"):
        for page in SAMPLE.glob(f"*{words}*.html"):
            shutil.copy(page, tmp_path)
    done = run("build", tmp_path, "-o", tmp_path / "kb.duckdb", "--reranker", trained / "v")
    assert done.returncode == 0, done.stderr
    threshold = Verifier.of(str(trained / "v"), "float32", "cpu").threshold
    assert rows(tmp_path / "kb.duckdb", "SELECT value FROM meta WHERE key = 'threshold'") == [
        (str(threshold),)
    ]
    found = rows(tmp_path / "kb.duckdb", "SELECT DISTINCT relation FROM candidates ORDER BY ALL")
    assert {relation for (relation,) in found} & {"exact", "helpful"}
    lines = [json.loads(line) for line in (trained / "judged.jsonl").read_text(encoding="utf-8").splitlines()]
    firsts = [line for line in lines if line["rank"] == 1]
    write_lines(tmp_path / "some.jsonl", [*firsts, firsts[0] | {"goal": "Fly a Kite", "rank": None}])
    measured = run("evaluate", "linking", "--judged", "some.jsonl", "--kb", "kb.duckdb", cwd=tmp_path)
    assert measured.returncode == 0, measured.stderr
    said = f"Of the {len(firsts) + 1} judged links the verifier of kb.duckdb was trained on {len(firsts)}: figures on"
    assert said in measured.stderr
    done = run(
        "build",
        tmp_path,
        "-o",
        tmp_path / "kb.duckdb",
        "--reranker",
        trained / "v",
        "--encoder",
        "all-MiniLM-L6-v2",
    )
    assert done.returncode == 1 and "was fitted for another encoder or reranker" in done.stderr


def test_a_stopped_run_goes_on_with_what_is_not_done(trained: Path, run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "again"
    shutil.copytree(trained, folder)
    shutil.rmtree(folder / "v")
    (fold,) = (folder / "v.work").glob("fold-1-*")
    shutil.rmtree(fold)
    done = train(run, folder, "--final-fifth", "--precision", 0.9)
    assert done.returncode == 0, done.stderr
    said = [line for line in done.stderr.splitlines() if "loss" in line]
    assert len(said) == 1 and said[0].startswith("Second course, fold 1, epoch 1 of 1: loss")
    for name in ("delta.safetensors", "judgement.npz", "learnt.npy"):
        assert digest_of_file(folder / "v" / name) == digest_of_file(trained / "v" / name), name
    one, other = (read_json(place / "v" / "judgement.json") for place in (folder, trained))
    assert one | {"threshold": 0} == other | {"threshold": 0}
    assert "On the fifth that was kept apart:" in done.stdout
    assert read_json(folder / "v" / "figures.json")["final_fifth"]["links"] > 0


REFUSED = {
    "grade": ({"grade": 5}, "the grade 5 is unknown"),
    "context": ({"before": None}, "None is no text"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_judged_links_that_make_no_sense_are_refused(run: Run, tmp_path: Path, case: str) -> None:
    change, message = REFUSED[case]
    write_lines(tmp_path / "judged.jsonl", [judged_line("Serve", "Bake a Cake", 1) | change])
    done = run("train", "verifier", "--judged", "judged.jsonl", "--articles", SAMPLE, "-o", "v", cwd=tmp_path)
    assert done.returncode == 1 and message in done.stderr and "Traceback" not in done.stderr


def test_what_is_there_or_ships_is_left_alone(run: Run, tmp_path: Path) -> None:
    lines = [judged_line("Serve", "Bake a Cake", grade, article="Cook") for grade in (1, 3)]
    write_lines(tmp_path / "judged.jsonl", lines)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("mine", encoding="utf-8")
    for output, code, message in (
        (SMALL_ENCODER, 2, "is the name of a model that comes with the package"),
        ("mine", 1, "mine exists: give another -o"),
        ("v", 1, "jsonl:1 and judged.jsonl:2 grade the same step and goal 1 and 3"),
    ):
        done = run(
            "train", "verifier", "--judged", "judged.jsonl", "--articles", SAMPLE, "-o", output, cwd=tmp_path
        )
        assert done.returncode == code and message in done.stderr, done.stderr
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["letter.txt"]


def test_too_few_articles_other_articles_and_other_starts_are_refused(run: Run, tmp_path: Path) -> None:
    few = [judged_line("Serve", "Bake a Cake", 1)]
    many = [judged_line("Serve it", f"Bake Cake {i}", i % 4, article=f"Article {i}") for i in range(20)]
    for lines, more, message in (
        (few, (), "1 judged links are too few"),
        (many, (), "only 0 of 20 judged goals are among their steps' candidates"),
        (many, ("--encoder", "all-MiniLM-L6-v2"), "all-MiniLM-L6-v2 has none"),
        (many, ("--language", "xx"), "there is no article in the language 'xx'"),
    ):
        write_lines(tmp_path / "judged.jsonl", lines)
        arguments = (
            "--judged",
            "judged.jsonl",
            "--articles",
            SAMPLE / "Bake-Sourdough-Bread.html",
            "-o",
            "v",
        )
        done = run("train", "verifier", *arguments, "--folds", 2, *more, cwd=tmp_path)
        assert done.returncode == 1 and message in done.stderr, done.stderr
        assert not (tmp_path / "v").exists()
