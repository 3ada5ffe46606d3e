"""The JSON parser for all untrusted input: tokens, proofs and request bodies.

`json.loads` alone accepts UTF-16, takes the last of two members with one name, accepts NaN, and
raises RecursionError on deep nesting. Two parsers that disagree about a text have been the cause
of attacks, so only one interpretation is accepted (RFC 8725 section 3.7, RFC 7515 section 4).
"""

from __future__ import annotations

import json
from typing import Any, NoReturn


def parse_object(raw: bytes) -> dict[str, Any]:
    """Parse one JSON object in UTF-8.

    Raises:
        ValueError: when `raw` is not valid JSON in UTF-8 without a byte order mark, is not an
            object, or has duplicate names, NaN, Infinity, a number too long to convert, or
            nesting deeper than the interpreter's stack.

    """
    try:
        value = json.loads(
            raw.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant
        )
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if type(value) is not dict:
        raise ValueError("not a JSON object")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("duplicate name")
    return members


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
