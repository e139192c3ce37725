"""The evaluation on judged links as people and programs read it: tables, files, curve and reliability diagram."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from howtree.extras import required
from howtree.files import digest_of_file, write_json, written_aside
from howtree.tables import Table, as_json
from howtree.version import __version__
from linking.measure.judged_figures import Estimate, JudgedFigures, Part
from linking.measure.judged_parts import (
    SELECTED,
    Candidates,
    JudgedStep,
    Outcomes,
    auc_of,
    calibration_of,
    curve_of,
    levels_of,
    parts_of,
    reliability_of,
)
from linking.measure.reliability import draw_reliability

NOTES = (
    "Shares in percent of the steps that the judged ones stand for, with intervals of 95% (bootstrap over articles). "
    "Right: exact or helpful. Found: of the steps for which a judged candidate is right. Not judged: of the steps that "
    "are linked, those whose link nobody has judged; by their best-scored judged candidate these count like the others."
)


def measure_judged(
    steps: Sequence[JudgedStep], said: Sequence[Candidates], threshold: float, inputs: dict[str, Path | None]
) -> JudgedFigures:
    """All figures of what a linker says (`said[i]` of `steps[i]`) at a threshold and over all of them."""
    outcomes = Outcomes(steps, said)
    weights = outcomes.weights()
    return JudgedFigures(
        parts_of(outcomes, weights, threshold),
        levels_of(outcomes, weights),
        curve_of(outcomes, weights),
        calibration_of(outcomes, weights, threshold),
        auc_of(outcomes, weights),
        reliability_of(outcomes),
        {
            "judged steps": len(steps),
            "judged links": sum(len(step.grades) for step in steps),
            "articles": len({step.place.article for step in steps}),
            "steps drawn at random": sum(step.stratum != SELECTED for step in steps),
            "judged links that are candidates": sum(len(each.probability) for each in said),
        },
        {name: digest_of_file(path) for name, path in inputs.items() if path is not None},
        __version__,
    )


def printed(found: JudgedFigures, form: str) -> str:
    """The figures as "text", "markdown" or "json"."""
    if form == "json":
        return as_json(found.to_dict())
    at_threshold = f"at the threshold of {found.parts[0].threshold:g}"
    by_level = "by right links of 1,000 steps"
    tables = [
        links_table(f"Links {at_threshold}", found.parts),
        found_table(f"What is found {at_threshold}", found.parts),
        links_table(f"Links of all steps, {by_level}", found.levels),
        found_table(f"What is found of all steps, {by_level}", found.levels),
        probability_table(found),
    ]
    drawn = [
        f"{table.title}\n\n{table.as_markdown() if form == 'markdown' else table.as_text()}"
        for table in tables
        if table.rows
    ]
    return "\n".join([*drawn, NOTES]) + "\n"


def links_table(title: str, parts: Sequence[Part]) -> Table:
    """How many steps of each part are linked, and how right that is."""
    header = [
        "steps",
        "judged",
        "stand for",
        "threshold",
        "linked",
        "precision",
        "exact",
        "helpful",
        "not judged",
    ]
    rows = [
        [part.name, f"{part.steps:,}", f"{part.stands_for:,.0f}", f"{part.threshold:.3f}"]
        + [
            with_interval(each)
            for each in (part.linked, part.precision, part.exact, part.helpful, part.not_judged)
        ]
        for part in parts
    ]
    return Table(title, header, rows)


def found_table(title: str, parts: Sequence[Part]) -> Table:
    """How many of the findable links of each part are found."""
    rows = [
        [part.name, *map(with_interval, (part.findable, part.found, part.f_half, part.right_of_1000))]
        for part in parts
    ]
    return Table(title, ["steps", "findable", "found", "F0.5", "right of 1,000"], rows)


def with_interval(each: Estimate, digits: int = 1) -> str:
    """A figure with its interval, e.g. "51.2 (47.0 to 55.1)"; nothing where there is none."""
    if each.value is None:
        return ""
    return f"{each.value:.{digits}f} ({each.low:.{digits}f} to {each.high:.{digits}f})"


def probability_table(found: JudgedFigures) -> Table:
    """Calibration and AUC."""
    rows = [
        [f"expected calibration error of {name}", with_interval(each, 3)]
        for name, each in found.calibration.items()
    ]
    rows += [[f"AUC within {name}", with_interval(each, 3)] for name, each in found.auc.items()]
    return Table("The probability", ["", "figure"], rows)


def write_judged(found: JudgedFigures, name: str, folder: Path) -> None:
    """Write figures.json, tables.md, curves.png and reliability.png; `name` is that of the linker."""
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "figures.json", found.to_dict())
    with written_aside(folder / "tables.md") as aside:
        aside.write_text(printed(found, "markdown"), encoding="utf-8")
    draw_curve(found, name, folder / "curves.png")
    draw_reliability({name: found.reliability}, folder / "reliability.png")


def draw_curve(found: JudgedFigures, name: str, path: Path) -> None:
    """Draw precision against right links of 1,000 steps, and precision, found and F0.5 against the threshold."""
    required("matplotlib", "eval", "a picture")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.5), layout="constrained")
    left, right = figure.subplots(1, 2)
    points = [point for point in found.curve if point.precision.value is not None]
    along = [point.right_of_1000.value for point in points]
    left.fill_between(
        along, *([getattr(point.precision, end) for point in points] for end in ("low", "high")), alpha=0.2
    )
    left.plot(along, [point.precision.value for point in points], label="exact or helpful")
    left.plot(along, [point.exact.value for point in points], label="exact")
    left.set(xlabel="right links of 1,000 steps", ylabel="share of links (%)", ylim=(0, 100), title=name)
    for label, key in (("precision", "precision"), ("found", "found"), ("F0.5", "f_half")):
        drawn = [(each.threshold, getattr(each, key).value) for each in points]
        right.plot(*zip(*drawn, strict=True) if drawn else ((), ()), label=label)
    right.axvline(found.parts[0].threshold, color="0.6", linestyle="--", label="threshold in use")
    right.set(xlabel="threshold", ylabel="%", xlim=(0, 1), ylim=(0, 100))
    for axes in (left, right):
        axes.grid(alpha=0.3)
        axes.legend()
    with written_aside(path) as aside:
        figure.savefig(aside, format="png", dpi=120)
