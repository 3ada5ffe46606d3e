"""Request bodies: one strict reader for every JSON endpoint, and a bound for forms."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from functools import wraps
from typing import IO, Any, Final, ParamSpec, TypeVar

import msgspec
from flask import request
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import FormDataParser

from app.errors import InvalidRequest, UnsupportedMediaType
from app.infra.strict_json import parse_object
from app.services import services

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")

MAX_EXPLANATION: Final = 200


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


def read_body(kind: type[T]) -> T:
    """Return the JSON object of the request as the typed dict `kind`.

    Each field has the type and the bounds that `kind` gives it; fields that `kind` does not name
    are left out. Nothing is converted: `"true"` is no boolean and `5` is no text.

    Raises:
        UnsupportedMediaType: the request is not declared as JSON.
        InvalidRequest: the body is not one well-formed object, or a field is missing, of another
            type or out of bounds.

    """
    try:
        body = msgspec.convert(read_object(), kind)
    except msgspec.ValidationError as error:
        raise InvalidRequest(_explanation(str(error))) from None
    for name, text in _texts(body):
        if "\x00" in text or any("\ud800" <= char <= "\udfff" for char in text):
            raise InvalidRequest(f"The field “{name}” is not valid Unicode text.")
    return body


def _explanation(error: str) -> str:
    """Return msgspec's sentence with the field in front; it may quote what was sent, so cut it."""
    problem, _, path = error.partition(" - at `$.")
    field = f" in the field “{path[:-1]}”" if path else ""
    return f"The body is not as documented{field}: {problem}."[:MAX_EXPLANATION]


def _texts(value: Any, name: str = "") -> Iterator[tuple[str, str]]:  # noqa: ANN401 - any JSON
    """Iterate over all texts of a JSON value, each with the name of its field."""
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield name, key
            yield from _texts(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner, name)
