import pytest
from flask import Flask

from app.errors import InvalidRequest, UnsupportedMediaType
from app.web import bodies

JSON = "application/json"


def read(data: bytes, content_type: str | None) -> dict[str, object]:
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
    assert read(b'{"email":"ada@example.com"}', content_type) == {"email": "ada@example.com"}


@pytest.mark.parametrize(
    "content_type",
    [
        *(None, "", "text/plain", "text/plain; application/json", "text/json"),
        *("application/x-www-form-urlencoded", "multipart/form-data; boundary=x"),
        *("application/jsonp", "application/merge-patch+json"),
    ],
)
def test_another_type_is_refused(content_type: str | None) -> None:
    """A form of another site can send these types without a preflight request."""
    with pytest.raises(UnsupportedMediaType):
        read(b'{"email":"ada@example.com"}', content_type)


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"null", b'"x"', b"{", b'{"a":1,"a":2}', b'{"a":NaN}', b"\xff", b"[" * 20_000],
)
def test_what_is_no_strict_object_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read(data, JSON)
    assert refused.value.detail == "The body is not one well-formed JSON object."
