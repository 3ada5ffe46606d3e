"""The one JSON parser for whatever comes from outside: tokens and request bodies.

`json.loads` forgives too much: it sniffs UTF-16, takes the last of two equal names, reads NaN
and raises RecursionError on deep nesting. Each of these has been an attack (RFC 8725 section
3.7, RFC 7515 section 4).
"""

from __future__ import annotations

import json
from typing import Any, NoReturn


def parse_object(raw: bytes) -> dict[str, Any]:
    """Parse one UTF-8 JSON object.

    Raises:
        ValueError: on anything else: another encoding, a BOM, duplicate names, NaN or
            Infinity, a number too long to convert, nesting deeper than the interpreter's
            stack, a value that is not an object.

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
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("duplicate name")
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
