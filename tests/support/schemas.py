"""What programs read, held against the schemas that docs/command-line.md names."""

from __future__ import annotations

import json
from typing import Any

import jsonschema

from support.command import ROOT


def checked(text: str, schema: str) -> Any:
    """The JSON value of a text, which is as a schema of the docs says."""
    path = ROOT / "docs" / "json" / f"{schema}.schema.json"
    definition = json.loads(path.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(definition)
    value = json.loads(text)
    jsonschema.validate(value, definition, cls=jsonschema.Draft202012Validator)
    return value
