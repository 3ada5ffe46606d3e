"""Request bodies: one strict reader for every JSON endpoint."""

from __future__ import annotations

import re
from typing import Any

from flask import request

from app.errors import InvalidRequest, UnsupportedMediaType
from app.strictjson import parse_object
from app.tokens.proofs import THUMBPRINT


def read_object() -> dict[str, Any]:
    """Return the JSON object of the request.

    Raises:
        UnsupportedMediaType: when it is not declared as JSON.
        InvalidRequest: when it is not one well-formed object.

    """
    if request.mimetype != "application/json":
        raise UnsupportedMediaType
    try:
        return parse_object(request.get_data())
    except ValueError:
        raise InvalidRequest("The body is not one well-formed JSON object.") from None


def text(body: dict[str, Any], name: str, limit: int | None) -> str:
    """Return a required text field of at most `limit` code points.

    `limit` is None for a password alone: the use case refuses one that is too long, after the
    attempt is counted.

    Raises:
        InvalidRequest: when it is missing, too long, of another type, or not valid Unicode text.

    """
    value = body.get(name)
    if type(value) is not str or not value:
        raise InvalidRequest(f"The field “{name}” must be a text that is not empty.")
    if limit is not None and len(value) > limit:
        raise InvalidRequest(f"The field “{name}” has at most {limit} characters.")
    if "\x00" in value or any("\ud800" <= char <= "\udfff" for char in value):
        raise InvalidRequest(f"The field “{name}” is not valid Unicode text.")
    return value


def flag(body: dict[str, Any], name: str) -> bool:
    """Return an optional true or false field; absent is false.

    Raises:
        InvalidRequest: when it is of another type.

    """
    value = body.get(name, False)
    if type(value) is not bool:
        raise InvalidRequest(f"The field “{name}” must be true or false.")
    return value


def thumbprint(body: dict[str, Any], name: str) -> str | None:
    """Return the optional thumbprint of a key (RFC 7638); None when the field is absent.

    Raises:
        InvalidRequest: when it is anything else than 43 characters of canonical base64url.

    """
    value = body.get(name)
    if name not in body:
        return None
    if type(value) is not str or not re.fullmatch(THUMBPRINT, value):
        raise InvalidRequest(f"The field “{name}” must be the SHA-256 thumbprint of a key.")
    return value
