"""Request bodies: one strict reader for every JSON endpoint, and a bound for forms."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from functools import wraps
from typing import IO, Any, ParamSpec, TypeVar

from flask import request
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import FormDataParser

from app.errors import InvalidRequest, UnsupportedMediaType
from app.infra.strict_json import parse_object
from app.services import services
from app.tokens.jwk import THUMBPRINT

P = ParamSpec("P")
R = TypeVar("R")


class FormParser(FormDataParser):
    """Reads forms of at most `max_form_parts` fields, in either encoding.

    Werkzeug counts the parts of a multipart form alone: 64 kB of `a&a&…` have it make 30,000
    fields, which takes 20 ms.
    """

    def parse(
        self,
        stream: IO[bytes],
        mimetype: str,
        content_length: int | None,
        options: dict[str, str] | None = None,
    ) -> tuple[IO[bytes], Any, Any]:
        """Return the stream, the fields and the files.

        Raises:
            RequestEntityTooLarge: when there are more fields.

        """
        if mimetype == "application/x-www-form-urlencoded":
            body = stream.read()
            if self.max_form_parts and body.count(b"&") >= self.max_form_parts:
                raise RequestEntityTooLarge
            stream = io.BytesIO(body)
        return super().parse(stream, mimetype, content_length, options)


def large_body(view: Callable[P, R]) -> Callable[P, R]:
    """Let a route read as many bytes as MAX_BODY_BYTES says; every other route reads 64 kB.

    The parts of a form that are no files are limited to 64 kB together all the same. Put it below
    the mark of the route, so that nobody without a token has a large body parsed.
    """

    @wraps(view)
    def sized(*args: P.args, **kwargs: P.kwargs) -> R:
        request.max_content_length = services().settings.max_body_bytes
        return view(*args, **kwargs)

    return sized


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
