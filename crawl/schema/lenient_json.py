"""JSON as people's templates write it -> its values: strictly where it is JSON, else mended.

Libraries that mend JSON also complete what is cut and guess at the rest, which would give articles that lack steps.
Here a text is mended only where one reading is left: what stands around it (CDATA, comments, `var x =`, tags of an
editor), commas too many or too few, quotes and backslashes without their escape, several values in a row. A bracket or
a string that is never closed stays an error.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from typing import Any

_ESCAPED_QUOTE = r"&(?:quot|\#34|\#0*x22);"
_ESCAPED = re.compile(rf"[{{\[,:]\s*{_ESCAPED_QUOTE}|{_ESCAPED_QUOTE}\s*[:,}}\]]", re.IGNORECASE)

_TOKENS = r"""
    (?P<gap>
        (?:/\*|//)?\s*(?:<!\[CDATA\[|\]\]>)\s*(?:\*/)?
      | <!--[^{}\[\]]{0,1000}?-->(?!\s*<!\[CDATA) | <!-- | -->
      | //[^\n]* | /\*(?:(?!\*/).)*+(?:\*/)?
      | </?(?:br|p|span|div)\b[^<>"]{0,200}/?>
      | [\s\ufeff\u200b\u2060]+ )
  | (?P<string>"(?:[^"\\]++|\\.|INNER)*+(?P<closed>"?))
  | (?P<name>[A-Za-z_$@][\w$@-]*)(?=\s*:)
  | (?P<open>[\[{]) | (?P<close>[\]}]) | (?P<comma>,) | (?P<other>[^\s"\[\]{},<>/]+|.)
"""
_STRICT_STRINGS = re.compile(_TOKENS.replace("|INNER", ""), re.VERBOSE | re.DOTALL)
_INNER_QUOTE = r"""|"(?!\s*(?:[,:}\]]|//|/\*|<!|-->|\Z))"""
_LOOSE_STRINGS = re.compile(_TOKENS.replace("|INNER", _INNER_QUOTE), re.VERBOSE | re.DOTALL)
"""A string also goes on after a quote that nothing of JSON follows: 'use a 9" pan'."""

_ESCAPES = re.compile(
    r'\\(?:(?P<right>["\\/bfnrt]|u[0-9a-fA-F]{4})|x(?P<hex>[0-9a-fA-F]{2})|(?P<wrong>.))', re.DOTALL
)


class BrokenJson(ValueError):
    """What is wrong in a text that gives no value, with its line, counted from 1."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


def values_of(text: str) -> list[Any]:
    """The value of a JSON text, or the values where several are in a row.

    Raises:
        BrokenJson: it can be read in no way.
    """
    try:
        return [json.loads(text, strict=False)]
    except RecursionError:
        raise BrokenJson("it is nested too deeply", 1) from None
    except json.JSONDecodeError as error:
        broken = BrokenJson(f"{error.msg} (column {error.colno})", error.lineno)
    plain = html.unescape(text) if _ESCAPED.search(text) else text
    for tokens in (_STRICT_STRINGS, _LOOSE_STRINGS):
        try:
            values = [json.loads(one, strict=False) for one in _mended(plain, tokens)]
        except (ValueError, RecursionError):
            continue
        if values:
            return values
    raise broken


def _mended(text: str, tokens: re.Pattern[str]) -> Iterator[str]:
    """The JSON of each value in a text; what stands outside of brackets is left out.

    Raises:
        ValueError: a string or a bracket is not closed.
    """
    parts: list[str] = []
    depth, blank = 0, False
    for token in tokens.finditer(text):
        kind, said = token.lastgroup, token[0]
        if token["gap"] is not None:
            blank = True
            continue
        if kind == "string" and not token["closed"]:
            raise ValueError("a string is not closed")
        if kind == "open" and (depth or not parts):
            depth += 1
        elif not depth:
            continue
        last = parts[-1] if parts else ""
        if kind == "close":
            depth -= 1
            if last == ",":
                parts.pop()
        elif kind == "comma":
            said = "" if last in (",", "[", "{") else said
        elif _lacks_comma(last, kind, blank):
            parts.append(",")
        if said:
            parts.append(" " * (blank and kind == "other") + _json_of(kind, said))
        blank = False
        if not depth:
            yield "".join(parts)
            parts = []
    if depth:
        raise ValueError("a bracket is not closed")


def _lacks_comma(last: str, kind: str | None, blank: bool) -> bool:
    """Whether a value or a name begins right after the end of another."""
    if kind not in ("open", "string", "name") or last in ("", "[", "{", ",", ":"):
        return False
    return last in ("]", "}") or blank


def _json_of(kind: str | None, said: str) -> str:
    if kind == "string":
        inner = _ESCAPES.sub(_escape, said[1:-1])
        return '"' + re.sub(r'(\\.)|"', lambda match: match[1] or '\\"', inner, flags=re.DOTALL) + '"'
    if kind == "name":
        return json.dumps(said)
    return "null" if said == "undefined" else said


def _escape(match: re.Match[str]) -> str:
    """An escape that JSON has as it is, those of other languages in JSON's way; else the backslash says nothing."""
    if match["right"] is not None:
        return match[0]
    if match["hex"] is not None:
        return f"\\u00{match['hex']}"
    return {"\n": "", "u": "\\\\u", '"': '\\"'}.get(match["wrong"], match["wrong"])
