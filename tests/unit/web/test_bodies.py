from __future__ import annotations

import pytest
from flask import Flask

from app.errors import InvalidRequest, UnsupportedMediaType
from app.web import bodies

JSON = "application/json"


def read(data: bytes, content_type: str | None) -> dict[str, object]:
    """Read a request's body as an endpoint does."""
    with Flask(__name__).test_request_context(method="POST", data=data, content_type=content_type):
        return bodies.read_object()


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/json; charset=utf-8",
        "Application/JSON",
        " application/json ",
    ],
)
def test_a_json_object_is_read(content_type: str) -> None:
    """Declared as JSON, however it is spelt, an object is read."""
    assert read(b'{"email":"ada@example.com"}', content_type) == {"email": "ada@example.com"}


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/json",
        "application/jsonp",
        "application/merge-patch+json",
        "text/plain; application/json",
    ],
)
def test_another_type_is_refused(content_type: str | None) -> None:
    """What a form can send without asking first is not read, whatever it holds."""
    with pytest.raises(UnsupportedMediaType):
        read(b'{"email":"ada@example.com"}', content_type)


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"null", b'"x"', b"{", b'{"a":1,"a":2}', b'{"a":NaN}', b"\xff", b"[" * 20_000],
)
def test_what_is_no_strict_object_is_refused(data: bytes) -> None:
    """Every malformed body is the same refusal and never a crash."""
    with pytest.raises(InvalidRequest) as refused:
        read(data, JSON)
    assert refused.value.detail == "The body is not one well-formed JSON object."


def test_a_text_field_is_returned_as_it_is() -> None:
    """Nothing is trimmed, folded or normalised on the way."""
    assert (
        bodies.text({"password": "  A\u0308 \U0001f511 "}, "password", None)
        == "  A\u0308 \U0001f511 "
    )


@pytest.mark.parametrize("value", [None, "", 0, True, 1.5, [], ["x"], {}, {"x": 1}])
def test_a_field_that_is_no_text_is_refused(value: object) -> None:
    """A wrong type is named and refused; so is a missing field."""
    for body in ({"email": value}, {}):
        with pytest.raises(InvalidRequest) as refused:
            bodies.text(body, "email", 320)
        assert "“email” must be a text" in refused.value.detail


@pytest.mark.parametrize("value", ["a\0b", "\0", "\ud800", "x\udfff"])
def test_text_that_no_database_stores_is_refused(value: str) -> None:
    """NUL and lone surrogates end here and not in a driver."""
    with pytest.raises(InvalidRequest) as refused:
        bodies.text({"email": value}, "email", 320)
    assert refused.value.detail == "The field “email” is not valid Unicode text."


def test_text_beyond_its_limit_is_refused() -> None:
    """In code points: the refusal names the limit, and one less is taken."""
    assert bodies.text({"email": "\U0001f511" * 5}, "email", 5)
    with pytest.raises(InvalidRequest) as refused:
        bodies.text({"email": "\U0001f511" * 6}, "email", 5)
    assert refused.value.detail == "The field “email” has at most 5 characters."


@pytest.mark.parametrize("value", [True, False])
def test_a_flag_is_true_or_false(value: bool) -> None:  # noqa: FBT001 - it is what is tested
    """A JSON boolean is taken; without the field it is false."""
    assert bodies.flag({"remember": value}, "remember") is value
    assert bodies.flag({}, "remember") is False


@pytest.mark.parametrize("value", [None, 0, "true", "false", "", [], {}])
def test_what_only_looks_like_a_flag_is_refused(value: object) -> None:
    """Whether somebody stays logged in is not guessed."""
    with pytest.raises(InvalidRequest) as refused:
        bodies.flag({"remember": value}, "remember")
    assert refused.value.detail == "The field “remember” must be true or false."
