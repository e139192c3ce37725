"""What an install brings: every dependency has a reason, the licences of all that they bring are allowed, no .pth.

`make check` runs it in the environment of the checkout: python tests/support/dependencies.py
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PYPROJECT = Path(__file__).resolve().parents[2] / "pyproject.toml"
PEOPLE_GET = ("", "build")
"""The base install and the extra that most people take: what they bring must be free of copyleft."""

ALLOWED = {
    "0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0", "CC0-1.0", "CNRI-Python", "HPND", "ISC", "MIT",
    "MIT-0", "MIT-CMU", "PSF-2.0", "Python-2.0", "Unlicense", "Zlib",
}  # fmt: skip
NAMED = {"MPL-2.0"}
"""Allowed, and named each time: its files stay under it, ours do not come under it."""
WORDS = {
    "MIT License": "MIT",
    "BSD": "BSD-3-Clause",
    "BSD License": "BSD-3-Clause",
    "BSD 3-Clause license": "BSD-3-Clause",
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache 2.0": "Apache-2.0",
    "Apache 2.0 License": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "ISC License": "ISC",
    "ISC License (ISCL)": "ISC",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}
"""What older metadata says instead of an SPDX expression."""
EXCEPTIONS = {
    r"nvidia-.*|cuda-.*": "libraries of a CUDA build of torch, under NVIDIA's own terms; a CPU build has none",
}
"""Names of distributions that may have any licence, and why."""
STARTUP = {("setuptools", "distutils-precedence.pth")}
"""Files that run code at every start of Python, and are known."""


def without_reason(text: str) -> list[str]:
    """The direct dependencies of a pyproject.toml that no comment on their line explains."""
    project = tomllib.loads(text)["project"]
    groups = [project["dependencies"], *project.get("optional-dependencies", {}).values()]
    reasons = dict(re.findall(r'"([^"\n]+)"\]?,?[ \t]*#[ \t]*(\w[^\n]+)', text))
    return [one for group in groups for one in group if one not in reasons]


def closure(text: str, extras: Sequence[str]) -> Iterator[metadata.Distribution]:
    """Every installed distribution that the project with some extras brings ("" for the base), the project left out."""
    project = tomllib.loads(text)["project"]
    optional = project.get("optional-dependencies", {})
    wanted = [one for extra in extras for one in (optional[extra] if extra else project["dependencies"])]
    left, met = [Requirement(one) for one in wanted], set()
    while left:
        requirement = left.pop()
        name = canonicalize_name(requirement.name)
        if (name, frozenset(requirement.extras)) in met:
            continue
        try:
            found = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            sys.exit(f"{name} is not installed: run this where howtree[build] is, as make check does")
        if name not in {known for known, _ in met}:
            yield found
        met.add((name, frozenset(requirement.extras)))
        extras_of = requirement.extras or {""}
        left += [
            inner
            for inner in map(Requirement, found.requires or [])
            if inner.marker is None or any(inner.marker.evaluate({"extra": extra}) for extra in extras_of)
        ]


def licence(found: metadata.Distribution) -> str:
    """The licence of a distribution as an SPDX expression, or the words of its metadata; "" if it says nothing."""
    about = found.metadata
    if expression := about.get("License-Expression"):
        return expression
    classifiers = [
        line.rpartition("::")[2].strip()
        for line in about.get_all("Classifier") or []
        if line.startswith("License")
    ]
    said = [line for line in classifiers if line != "OSI Approved"] or [(about.get("License") or "").strip()]
    return " AND ".join(WORDS.get(line, line) for line in said)


def is_allowed(expression: str) -> bool:
    """Whether an SPDX expression can be kept by the licences that are allowed: OR gives a choice, AND none."""
    expression = expression.strip()
    while expression.startswith("(") and closes_at(expression) == len(expression) - 1:
        expression = expression[1:-1].strip()
    for word, fits in ((" OR ", any), (" AND ", all)):
        parts = split_outside(expression, word)
        if len(parts) > 1:
            return fits(map(is_allowed, parts))
    return expression.partition(" WITH ")[0].strip() in ALLOWED | NAMED


def closes_at(expression: str) -> int:
    """Where the bracket at the start of an expression closes."""
    depth = 0
    for place, sign in enumerate(expression):
        depth += (sign == "(") - (sign == ")")
        if depth == 0:
            return place
    return len(expression)


def split_outside(expression: str, word: str) -> list[str]:
    """The parts of an expression between a word where no bracket is open."""
    parts, depth, start = [], 0, 0
    for place, sign in enumerate(expression):
        depth += (sign == "(") - (sign == ")")
        if depth == 0 and expression.startswith(word, place):
            parts.append(expression[start:place])
            start = place + len(word)
    return [*parts, expression[start:]]


def faults(text: str) -> list[str]:
    """What is wrong with the dependencies of a pyproject.toml, a line each."""
    found = [f"{one}: no reason beside it in pyproject.toml" for one in without_reason(text)]
    for each in closure(text, PEOPLE_GET):
        name = canonicalize_name(each.name)
        label, said = f"{name} {each.version}", licence(each)
        if not is_allowed(said) and not any(re.fullmatch(names, name) for names in EXCEPTIONS):
            found.append(f"{label}: licence {said[:80] or 'unknown'!r} is not on the list of allowed ones")
        found += [
            f"{label}: {file.name} runs code at every start of Python"
            for file in each.files or []
            if file.suffix == ".pth" and (name, file.name) not in STARTUP
        ]
    return found


def main() -> None:
    """Print what is wrong and end with 1, or name what is under the MPL."""
    text = PYPROJECT.read_text(encoding="utf-8")
    if found := faults(text):
        sys.exit("\n".join(found))
    under = [each.name for each in closure(text, PEOPLE_GET) if re.search("|".join(NAMED), licence(each))]
    print(f"dependencies: all licences allowed; under {', '.join(sorted(NAMED))}: {', '.join(sorted(under))}")


if __name__ == "__main__":
    main()
