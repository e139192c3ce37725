"""Commands that are killed at any moment: what was there stays whole, and the next run ends as if nothing had been.

By turns a run is killed before one of its own changes to the folder (a file opened, synced, renamed or taken away),
spread evenly over all of them, and after a random time.
"""

from __future__ import annotations

import json
import random
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.command import work_folder
from support.contents import content
from support.damage import files_in
from support.gold import small_gold
from support.tiny_world import Said, World
from support.victims import Victims, killed, moments
from support.video_samples import ARTICLES, LINKS, make_kb, sample_videos, write_videos

from crawl.corpus.write import read_corpus
from kb.review.reviews import read, reviews_path

State = Any
"""What a folder holds, in a form that can be compared."""


def times(few: int, many: int) -> pytest.MarkDecorator:
    """How often a run is killed: a few times, and in torture many."""
    return pytest.mark.parametrize("tries", [few, pytest.param(many, marks=pytest.mark.torture)])


@dataclass(frozen=True)
class Attack:
    """A job that is killed in a copy of a folder, again and again."""

    victims: Victims
    start: Path
    """The folder as it is before the job."""
    job: tuple[str, ...]
    """The job and its arguments; HERE stands for the copy."""
    state: Callable[[Path], State]
    """What the folder holds after a whole run."""
    left: Callable[[Path, str], None]
    """Checks what a killed run left, and what it had said."""

    def run(self, folder: Path, tries: int) -> None:
        """Kill the job at many moments; each time what is left is checked, and the next run ends as the first did."""
        first = self.copied(folder / "whole")
        whole = self.victims.run(*self.words(first), folder=first)
        assert whole.code == 0, whole.said
        wanted, hit = self.state(first), 0
        for number, moment in enumerate(moments(random.Random(5), whole, tries)):
            here = self.copied(folder / str(number))
            ended = killed(self.victims, moment, *self.words(here), folder=here)
            assert ended.killed or ended.code == 0, ended.said
            hit += ended.killed
            where = f"killed at {moment} of {whole.changes} changes, {whole.seconds:.2f} s"
            try:
                self.left(here, ended.said)
                again = self.victims.run(*self.words(here), folder=here)
                assert again.code == 0, again.said
                assert self.state(here) == wanted
            except AssertionError as error:
                raise AssertionError(f"{where}: {error}") from error
            shutil.rmtree(here)
        print(f"{self.job[:2]}: {tries} moments, {hit} of a living run, {whole.changes} changes of its own")
        assert hit > tries / 3

    def copied(self, folder: Path) -> Path:
        shutil.copytree(self.start, folder)
        return folder

    def words(self, folder: Path) -> list[str]:
        return [word.replace("HERE", str(folder)) for word in self.job]


@pytest.fixture
def start(tmp_path: Path) -> Path:
    """The folder as it is before a job."""
    (tmp_path / "start").mkdir()
    return tmp_path / "start"


def put(world: World, folder: Path) -> Path:
    """The knowledge base with its work folder, to be changed."""
    shutil.copy(world.kb, folder / "kb.duckdb")
    shutil.copytree(work_folder(world.kb), work_folder(folder / "kb.duckdb"))
    return folder / "kb.duckdb"


def built(folder: Path) -> Said:
    return content(folder / "kb.duckdb")


@times(2, 14)
def test_a_first_build(victims: Victims, world: World, start: Path, tmp_path: Path, tries: int) -> None:
    def left(folder: Path, _: str) -> None:
        assert not (folder / "kb.duckdb").exists() or built(folder) == world.expected[0]

    Attack(victims, start, ("build", "HERE/kb.duckdb", "0"), built, left).run(tmp_path, tries)


@times(2, 22)
def test_a_build_with_more_articles(
    victims: Victims, world: World, start: Path, tmp_path: Path, tries: int
) -> None:
    put(world, start)

    def left(folder: Path, _: str) -> None:
        assert built(folder) in world.expected

    Attack(victims, start, ("build", "HERE/kb.duckdb", "1"), built, left).run(tmp_path, tries)


@times(2, 16)
def test_an_import(victims: Victims, world: World, start: Path, tmp_path: Path, tries: int) -> None:
    def read_in(folder: Path) -> State:
        return [article.to_dict() for article in read_corpus(folder / "corpus")]

    def left(folder: Path, _: str) -> None:
        """Nothing is taken for a whole corpus that is none; that is left to the next run."""

    sources = tuple(map(str, world.sources[1]))
    job = ("command", "import", *sources, "-o", "HERE/corpus", "--shard-size", "3", "--workers", "1")
    Attack(victims, start, job, read_in, left).run(tmp_path, tries)


@times(2, 14)
def test_writing_reviews(victims: Victims, world: World, start: Path, tmp_path: Path, tries: int) -> None:
    put(world, start)

    def judged(folder: Path) -> State:
        return {
            (r.article, r.method, r.step, r.verdict) for r in read(reviews_path(folder / "kb.duckdb")).reviews
        }

    def left(folder: Path, said: str) -> None:
        log = read(reviews_path(folder / "kb.duckdb"))
        assert len(log.broken) <= 1
        assert {review.id for review in log.reviews} >= set(re.findall(r"^saved (\w+)\n", said, re.MULTILINE))

    Attack(victims, start, ("judge", "HERE/kb.duckdb", "ann", "1", "60"), judged, left).run(tmp_path, tries)


EXPORTS = ("edges", "articles", "json", "graphml", "missing-links", "parquet", "paper")


@pytest.mark.parametrize(
    "form", [EXPORTS[0], *(pytest.param(form, marks=pytest.mark.torture) for form in EXPORTS[1:])]
)
def test_an_export(victims: Victims, world: World, start: Path, tmp_path: Path, form: str) -> None:
    """Where an earlier one was, each file is that or the new one, and no other is there."""
    kb = put(world, start)
    done = victims.run("build", kb, "1", folder=start)
    assert done.code == 0, done.said
    earlier = victims.run(
        "command", "export", "--format", form, "-o", start / "out", "--kb", world.kb, folder=start
    )
    assert earlier.code == 0, earlier.said

    def exported(folder: Path) -> State:
        out = folder / "out"
        shown = [path for path in ([out] if out.is_file() else files_in(out)) if path.suffix != ".part"]
        return {path.relative_to(folder): path.read_bytes() for path in shown}

    old = exported(start)
    job = ("command", "export", "--format", form, "-o", "HERE/out", "--kb", "HERE/kb.duckdb")
    whole = start.with_name("new")
    shutil.copytree(start, whole)
    assert victims.run(*(word.replace("HERE", str(whole)) for word in job), folder=whole).code == 0
    new = exported(whole)

    def left(folder: Path, _: str) -> None:
        for name, data in exported(folder).items():
            assert data in (old.get(name), new.get(name)), name

    Attack(victims, start, job, exported, left).run(tmp_path / "tries", 2)


@times(2, 14)
def test_an_evaluation_of_videos(victims: Victims, start: Path, tmp_path: Path, tries: int) -> None:
    make_kb(start / "kb.duckdb", ARTICLES, LINKS)
    write_videos(start / "videos.jsonl", sample_videos())

    def figures(folder: Path) -> State:
        """All but what tells one run from the next: when it was, and how much of it an earlier one had done."""
        out = folder / "out"
        texts = {
            path.relative_to(out): path.read_text()
            for path in files_in(out)
            if path.suffix not in (".part", ".json") and path.name != "filter.jsonl" and path.name[0] != "."
        }
        results = json.loads((out / "results.json").read_text())
        del results["tally"]["climbs taken from an earlier run"]
        return texts, results, climbs(out / "filter.jsonl")

    def climbs(path: Path) -> State:
        """By identity: a killed run may have left half a line, and others in another order."""
        lines = [line for line in path.read_text().split("\n") if line.endswith("}")]
        return {record["identity"]: record for record in map(json.loads, lines)}

    def left(folder: Path, _: str) -> None:
        for path in (folder / "out").glob("*.json"):
            json.loads(path.read_text())

    job = ("command", "evaluate", "video", "--kb", "HERE/kb.duckdb", "--videos", "HERE/videos.jsonl", "-o", "HERE/out",
           "--workers", "1", "--weights", "0.5")  # fmt: skip
    Attack(victims, start, job, figures, left).run(tmp_path / "tries", tries)


def gold_in(folder: Path) -> tuple[str, ...]:
    """Gold and a pool, written to a folder, and the options that name them."""
    gold, pool = small_gold()
    pairs = ({"step": step, "goal": goal} for step, goal in zip(gold.steps, gold.goals, strict=True))
    (folder / "gold.jsonl").write_text("".join(json.dumps(pair) + "\n" for pair in pairs))
    (folder / "goals.txt").write_text("\n".join(pool))
    return "--gold", "HERE/gold.jsonl", "--goals", "HERE/goals.txt"


@pytest.mark.torture
def test_training_a_decision(victims: Victims, start: Path, tmp_path: Path) -> None:
    options = gold_in(start)

    def decision(folder: Path) -> State:
        return json.loads((folder / "decision.json").read_text())

    def left(folder: Path, _: str) -> None:
        assert not (folder / "decision.json").exists() or decision(folder)["weights"]

    job = ("command", "train", "decision", *options, "-o", "HERE/decision.json")
    Attack(victims, start, job, decision, left).run(tmp_path / "tries", 4)


@pytest.mark.torture
@pytest.mark.parametrize("base", ["HERE/model", "howtree-retriever"])
def test_fitting_a_reranker_again(victims: Victims, start: Path, tmp_path: Path, base: str) -> None:
    """In the folder of its encoder, and into another one, where a model was already."""
    options = gold_in(start)
    first = (
        "command",
        "train",
        "reranker",
        *options,
        "--encoder",
        "howtree-retriever",
        "--links",
        "0",
        "-o",
        "HERE/model",
    )
    made = victims.run(*(word.replace("HERE", str(start)) for word in first), folder=start)
    assert made.code == 0, made.said

    def model(folder: Path) -> State:
        return {path.name: path.read_bytes() for path in files_in(folder / "model") if path.suffix != ".part"}

    old = model(start)

    def left(folder: Path, _: str) -> None:
        found = model(folder)
        assert found.keys() == old.keys(), "the model is not whole"
        changed = {name for name in old if found[name] != old[name]}
        assert changed in (set(), fitted), f"of the model only {changed} is new"

    job = ("command", "train", "reranker", *options, "--encoder", base, "--links", "1", "-o", "HERE/model")
    whole = start.with_name("new")
    shutil.copytree(start, whole)
    done = victims.run(*(word.replace("HERE", str(whole)) for word in job), folder=whole)
    assert done.code == 0, done.said
    fitted = {name for name, data in model(whole).items() if data != old[name]}
    assert fitted
    Attack(victims, start, job, model, left).run(tmp_path / "tries", 4)
