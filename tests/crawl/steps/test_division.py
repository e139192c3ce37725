"""Steps out of what a page or a dump gives: headlines that say something, and steps that do not run on."""

from __future__ import annotations

import pytest

from crawl.article import StepLink
from crawl.steps.division import Given, headline_and_body, steps_of

THREE = ["Peel the apple.", "Cut it in four.", "Eat it."]


def headlines(*given: Given | str) -> list[str]:
    steps = steps_of([Given(one, is_text=True) if isinstance(one, str) else one for one in given])
    assert [step.number for step in steps] == list(range(1, len(steps) + 1))
    return [f"{step.headline} {step.body}".strip() for step in steps]


RUNNING_ON = {
    "lines": "\n".join(THREE),
    "lines of Windows": "\r\n".join(THREE),
    "blank lines": "\n\n".join(THREE),
    "br": "<br>".join(THREE),
    "br and line breaks": "<br />\n".join(THREE),
    "br escaped": "&lt;br/&gt;".join(THREE),
    "paragraphs": "".join(f"<p>{one}</p>" for one in THREE),
    "paragraphs of broken lines": "".join(f"<p>{one}</p>\n" for one in THREE).replace(" ", "\n"),
    "a list": "<ol>" + "".join(f"<li>{one}</li>" for one in THREE) + "</ol>",
    "a list without ends": "<ul>" + "".join(f"<li>{one}" for one in THREE),
    "blocks in blocks": "".join(f"<div><div><b>{one}</b></div></div>" for one in THREE),
    "numbers": "1. Peel the apple. 2. Cut it in four. 3. Eat it.",
    "numbers without blanks": "1.Peel the apple.2.Cut it in four.3.Eat it.",
    "numbers in brackets": "(1) Peel the apple. (2) Cut it in four. (3) Eat it.",
    "half brackets": "1) Peel the apple. 2) Cut it in four. 3) Eat it.",
    "labels": "Step 1: Peel the apple. Step 2: Cut it in four. Step 3: Eat it.",
    "labels of another language": "Schritt 1 Peel the apple. Schritt 2 Cut it in four. Schritt 3 Eat it.",
    "circles": "①Peel the apple. ②Cut it in four. ③Eat it.",
    "labels in lines of their own": "Step 1\nPeel the apple.\nStep 2\nCut it in four.\nStep 3\nEat it.",
    "numbers in lines of their own": "1.\nPeel the apple.\n2.\nCut it in four.\n3.\nEat it.",
    "a heading": "Directions:\nPeel the apple.\nCut it in four.\nEat it.",
    "a heading before numbers": "Method: 1. Peel the apple. 2. Cut it in four. 3. Eat it.",
    "glued": "Peel the apple.Cut it in four.Eat it.",
    "glued after brackets": "Peel the apple.Cut it in four.Eat it.",
}


@pytest.mark.parametrize("form", RUNNING_ON)
def test_text_that_runs_on_is_divided(form: str) -> None:
    assert headlines(RUNNING_ON[form]) == THREE
    assert headlines(Given(RUNNING_ON[form])) == THREE
    assert headlines(Given(RUNNING_ON[form], name="Step 1")) == THREE


@pytest.mark.parametrize(
    "text",
    [
        "Peel the apple with a knife. Cut it in four.",
        "Use Node.Js here.",
        "Ask Dr.Smith and St.John about it.",
        "Mix 2. Then 3. Then eat.",
        "Add 1.5 spoons. Add 2.5 more.",
        "Send it to a.B@c.Example now.",
        "See www.Apple.Com for more.",
        "In the U.S.A peel it.",
        "Write e.g.This.",
        "Heat it to 180 °C. Stir.",
        "Peel 2 apples. 3 are too many.",
    ],
)
def test_text_that_only_looks_so_is_one_step(text: str) -> None:
    assert headlines(text) == [text]


def test_paragraphs_of_a_step_among_many_are_its_body() -> None:
    steps = steps_of([Given("<p>Peel it.</p><p>Keep the peel.</p>"), Given("Cut it."), Given("Eat it.")])
    assert [(step.headline, step.body) for step in steps] == [
        ("Peel it.", "Keep the peel."),
        ("Cut it.", ""),
        ("Eat it.", ""),
    ]


def test_a_line_that_goes_on_is_no_step() -> None:
    assert headlines("Peel the apple with\na knife.\nCut it.") == ["Peel the apple with a knife.", "Cut it."]


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("Peel the big...", "Peel the big apple well. Cut it.", ("Peel the big apple well.", "Cut it.")),
        ("Peel the big…", "Peel the big apple well. Cut it.", ("Peel the big apple well.", "Cut it.")),
        ("Peel the b ...", "Peel the big apple well. Cut it.", ("Peel the big apple well.", "Cut it.")),
        ("Peel, the big […]", "Peel the big apple well. Cut it.", ("Peel the big apple well.", "Cut it.")),
        ("PEEL THE BIG....", "Peel the big apple well.", ("Peel the big apple well.", "")),
        ("Peel the big", "Peel the big apple well. Cut it.", ("Peel the big apple well.", "Cut it.")),
        ("Peel it.", "Peel it. Cut it.", ("Peel it.", "Cut it.")),
        ("Peel it", "Peel it", ("Peel it", "")),
        ("Peel it. Cut it.", "Peel it. Cut it.", ("Peel it.", "Cut it.")),
        ("Peel it. Cut it.", "", ("Peel it.", "Cut it.")),
        ("Peel it well.", "Peel it...", ("Peel it well.", "")),
        ("Peeling", "Peel it.", ("Peeling", "Peel it.")),
        ("Wait...", "Then eat it.", ("Wait...", "Then eat it.")),
        ("Wait...", "", ("Wait...", "")),
        ("First", "Peel it. Cut it.", ("Peel it.", "Cut it.")),
        ("Directions", "Peel it. Cut it.", ("Peel it.", "Cut it.")),
        ("\u200b", "Peel it. Cut it.", ("Peel it.", "Cut it.")),
        ("", "", ("", "")),
    ],
)
def test_a_headline_says_what_to_do(name: str, text: str, expected: tuple[str, str]) -> None:
    assert headline_and_body(name, text) == expected


def test_one_name_for_all_steps_is_no_headline() -> None:
    assert headlines(*(Given(text, name="Eat an Apple") for text in THREE)) == THREE


def test_what_is_whole_stays_as_it_is() -> None:
    (step, label) = steps_of(
        [Given("Peel it. Cut it.", is_whole=True), Given("Peel it. Cut it.", name="Step 2", is_whole=True)]
    )
    assert (step.headline, step.body) == ("", "Peel it. Cut it.")
    assert (label.headline, label.body) == ("Peel it.", "Cut it.")


def test_links_and_bullets_go_with_their_words() -> None:
    link = StepLink("Cut-an-Apple", "", "Cut it", "body")
    first, second = steps_of([Given("1. Peel it. 2. Cut it.", bullets=("Keep the peel.",), links=(link,))])
    assert (first.links, second.links, second.bullets) == ((), (link,), ("Keep the peel.",))


def test_markup_is_words_where_there_is_none() -> None:
    (step,) = steps_of([Given("Write <p> &amp; save.")], markup=False)
    assert step.headline == "Write <p> &amp; save."
