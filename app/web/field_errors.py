"""Say in plain words which field of a request is wrong, and how.

msgspec's errors are written for programmers: "Expected `str`, got `int` - at `$.email`".
"""

from __future__ import annotations

import re
from typing import Final

NOUNS: Final = {"body": "field", "query": "parameter"}

_KINDS: Final = {
    "str": "a text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}
_UNITS: Final = {"str": "character", "array": "element", "object": "member"}
_BOUNDS: Final = {
    ">=": "at least",
    "<=": "at most",
    ">": "more than",
    "<": "less than",
    "that's a multiple of": "a multiple of",
}
_MISSING: Final = re.compile("Object missing required field `(.+)`")
_TYPE: Final = re.compile("Expected `([^`]+)`, got `.+`")
_LENGTH: Final = re.compile("Expected `(str|array|object)` of length ([<>]=) ([0-9]+)")
_NUMBER: Final = re.compile(f"Expected `(?:int|float)` ({'|'.join(_BOUNDS)}) (.+)")


def explain(part: str, error: str) -> str:
    """Return msgspec's `error` as a sentence that begins with the name of the field.

    `part` is `body` or `query`. The sentence never contains a value that was sent.
    """
    problem, found, path = error.rpartition("`$")
    problem = problem.removesuffix(" - at ") if found else error
    name = path.strip(".`") if found else ""
    if missing := _MISSING.fullmatch(problem):
        name = f"{name}.{missing[1]}".removeprefix(".")
    subject = f"The {NOUNS[part]} “{name}”" if name else f"The {part}"
    return f"{subject} {_predicate(problem)}."


def _predicate(problem: str) -> str:
    if _MISSING.fullmatch(problem):
        return "is missing"
    if match := _TYPE.fullmatch(problem):
        return "must be " + " or ".join(_KINDS.get(kind, kind) for kind in match[1].split(" | "))
    if match := _LENGTH.fullmatch(problem):
        return f"must have {_count(*match.groups())}"
    if match := _NUMBER.fullmatch(problem):
        return f"must be {_BOUNDS[match[1]]} {match[2]}"
    if problem.startswith("Invalid enum value "):
        return "has none of the documented values"
    return "is not as documented"


def _count(kind: str, bound: str, number: str) -> str:
    return f"{_BOUNDS[bound]} {number} {_UNITS[kind]}{'' if number == '1' else 's'}"
