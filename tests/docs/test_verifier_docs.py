"""docs/verifier.md: its commands are understood as they are written, and its numbers are those of the code."""

from __future__ import annotations

import json
import shlex

import click
import pytest
import typer
from support.command import ROOT
from support.judged import judged_line
from support.pages import blocks

from kb.commands.train import trainers
from linking.encode.folder import MODELS, SMALL_ENCODER, ModelFolder
from linking.gold.judged import judged_of
from linking.train.verifier.course import Course
from linking.train.verifier.judgement import READS
from linking.train.verifier.recipe import VerifierRecipe
from linking.verify.judgement import Judgement

DOCS = ROOT / "docs"
PAGE = DOCS / "verifier.md"
COMMANDS = [
    line for block in blocks(PAGE, "sh") for line in block.splitlines() if line.startswith("howtree train")
]


@pytest.mark.parametrize("line", COMMANDS)
def test_the_commands_are_understood(line: str) -> None:
    group = typer.main.get_command(trainers)
    assert isinstance(group, click.Group) or hasattr(group, "commands")
    _, _, verb, *options = shlex.split(line)
    given = group.commands[verb].make_context(verb, options).params
    assert str(given["output"]).startswith("my-") and str(given["gold"]) == "gold.jsonl"


def test_there_are_examples_of_both() -> None:
    assert [shlex.split(line)[2] for line in COMMANDS] == ["verifier", "reranker"]


def test_the_line_of_a_judged_link_is_one() -> None:
    (text,) = blocks(PAGE, "json")
    record = json.loads(text)
    assert set(judged_line("", "", 0)) <= set(record)
    assert judged_of(json.dumps(record), "here").is_right


def test_the_numbers_are_those_of_the_code() -> None:
    page, recipe = PAGE.read_text(encoding="utf-8"), VerifierRecipe()
    course = Course()
    for said in (
        f"{recipe.lists:,} gold lists", f"{recipe.rules:,} wrong pairs", f"probability of {course.drop}",
        f"a side with {course.bare}", "a\nfifth of the lists the gold goal is taken out",
    ):  # fmt: skip
        assert said in page
    assert (course.taken_out, recipe.folds, READS.first) == (0.2, 4, 3)


def test_the_verifier_that_ships_reads_what_the_recipe_and_the_page_say() -> None:
    judgement = Judgement.load(ModelFolder(MODELS / SMALL_ENCODER / "verifier"))
    assert judgement.reads == READS
    page = (DOCS / "linking.md").read_text(encoding="utf-8")
    assert f"a probability of {READS.least} or more are weighed" in page
    assert f"read if these give them {READS.worth} or more" in page
