"""Read what requests contain: JSON objects and queries by type, and forms with a limit on fields.

`json_endpoint` reads the bodies and queries of the API; Flask reads forms through `FormParser`.
"""

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
from app.web.field_errors import NOUNS, explain
from app.web.patterns import unmatched

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")

# What a BigInteger column stores. An infinite float, which JSON writes as 1e999, is larger too.
MAX_NUMBER: Final = 2**63


class FormParser(FormDataParser):
    """Reads forms of at most `max_form_parts` fields, in both encodings.

    Werkzeug applies that limit to multipart forms only. From 64 kB of `a&a&…` in the other
    encoding it would make 30,000 fields, which takes 20 ms.
    """

    def parse(
        self,
        stream: IO[bytes],
        mimetype: str,
        content_length: int | None,
        options: dict[str, str] | None = None,
    ) -> tuple[IO[bytes], Any, Any]:
        """Return the stream, the fields and the files of the form.

        Raises:
            RequestEntityTooLarge: when the form has more than `max_form_parts` fields.

        """
        if mimetype == "application/x-www-form-urlencoded":
            body = stream.read()
            if self.max_form_parts and body.count(b"&") >= self.max_form_parts:
                raise RequestEntityTooLarge
            stream = io.BytesIO(body)
        return super().parse(stream, mimetype, content_length, options)


def large_body(view: Callable[P, R]) -> Callable[P, R]:
    """Allow this route a body of MAX_BODY_BYTES; every other route allows 64 kB.

    The fields of a form, without its files, are limited to 64 kB in any case. Put this decorator
    below the guard, so that a large body is parsed only for a verified caller.
    """

    @wraps(view)
    def sized(*args: P.args, **kwargs: P.kwargs) -> R:
        request.max_content_length = services().settings.max_body_bytes
        return view(*args, **kwargs)

    return sized


def read_object() -> dict[str, Any]:
    """Return the JSON object in the body of the request.

    Raises:
        UnsupportedMediaType: when its Content-Type is not `application/json`. A form cannot send
            that type to another site without a preflight, so this also stops cross-site posts.
        InvalidRequest: when the body is not one well-formed JSON object (`parse_object`).

    """
    if request.mimetype != "application/json":
        raise UnsupportedMediaType
    try:
        return parse_object(request.get_data())
    except ValueError:
        raise InvalidRequest("The body is not one well-formed JSON object.") from None


def read_body(body_type: type[T]) -> T:
    """Return the JSON object in the body of the request as the typed dict `body_type`.

    Each field has the type and satisfies the bounds that `body_type` declares; other fields are
    ignored. No value is converted: `"true"` is not a boolean, and `5` is not a text.

    Raises:
        UnsupportedMediaType: when its Content-Type is not `application/json`.
        InvalidRequest: when the body is not one well-formed object, or a field is missing, has
            another type, is out of bounds, has a NUL, half a surrogate pair, a line break after
            its pattern's end, or a number beyond 64 bits.

    """
    return _checked(read_object(), body_type, "body")


def read_query(query_type: type[T]) -> T:
    """Return the query of the request's URL as the typed dict `query_type`.

    A field is a text, or a number, a boolean or one of several words, converted from text.
    Parameters that `query_type` does not name are ignored.

    Raises:
        InvalidRequest: when a parameter is missing, repeated, not of its type or out of bounds,
            or is not valid Unicode text.

    """
    named = query_type.__annotations__
    given = {name: values for name, values in request.args.lists() if name in named}
    for name, values in given.items():
        if len(values) > 1:
            raise InvalidRequest(f"The parameter “{name}” is there more than once.")
    fields = {name: value for name, (value,) in given.items()}
    return _checked(fields, query_type, "query", strict=False)


def _checked(values: dict[str, Any], kind: type[T], part: str, *, strict: bool = True) -> T:
    try:
        checked = msgspec.convert(values, kind, strict=strict)
    except msgspec.ValidationError as error:
        raise InvalidRequest(explain(part, str(error))) from None
    except UnicodeEncodeError:  # half a surrogate pair in the name of a field
        raise InvalidRequest(f"The {part} is not valid Unicode text.") from None
    _check_leaves(checked, kind, NOUNS[part])
    return checked


def _check_leaves(checked: Any, kind: type[Any], noun: str) -> None:  # noqa: ANN401 - of that type
    has_line_break = False
    for name, value in _leaves(checked):
        if isinstance(value, str):
            if not is_storable(value):
                raise InvalidRequest(f"The {noun} “{name}” is not valid Unicode text.")
            has_line_break = has_line_break or value.endswith("\n")
        elif isinstance(value, int | float) and not abs(value) < MAX_NUMBER:
            raise InvalidRequest(f"The {noun} “{name}” has a number that is too large.")
    for name in unmatched(kind, checked) if has_line_break else ():
        raise InvalidRequest(f"The {noun} “{name}” has a line break at its end.")


def is_storable(text: str) -> bool:
    """Tell whether databases store `text`: PostgreSQL no NUL, neither half a surrogate pair."""
    try:
        return b"\x00" not in text.encode()
    except UnicodeEncodeError:
        return False


def _leaves(value: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - any JSON
    """Iterate over the names, texts and numbers in a JSON value, each with its field's name."""
    waiting = [("", value)]
    while waiting:
        name, part = waiting.pop()
        if isinstance(part, dict):
            for key, inner in part.items():
                yield name, key
                waiting.append((key, inner))
        elif isinstance(part, list | tuple | set | frozenset):
            waiting.extend((name, inner) for inner in part)
        else:
            yield name, part
