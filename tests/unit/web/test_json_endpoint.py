from typing import Annotated, Any, Literal, NotRequired, TypedDict

import pytest
from flask import Flask, Response
from msgspec import Meta

from app.errors import InvalidRequest, NotFound
from app.web.guards import public
from app.web.json_endpoint import (
    ACCESS_TOKEN,
    DESCRIPTION,
    Description,
    NoContent,
    Success,
    json_endpoint,
)


class Line(TypedDict):
    article: str
    count: NotRequired[int]


class Order(TypedDict):
    name: Annotated[str, Meta(min_length=1, max_length=5)]
    lines: NotRequired[list[Line]]
    labels: NotRequired[dict[str, str]]
    marks: NotRequired[set[str]]
    express: NotRequired[bool]


class Missing(TypedDict):
    reason: str


def described(view: Any) -> Description:  # noqa: ANN401 - any view
    """Return the description of a view."""
    found: Description = getattr(view, DESCRIPTION)
    return found


def test_a_typed_dict_is_answered_with_200() -> None:
    @json_endpoint(refuses=(NotFound,), proof=True, security=ACCESS_TOKEN)
    def view() -> Order:
        return {"name": "tea"}

    assert view() == {"name": "tea"}
    assert described(view) == Description(
        {}, None, None, (Success(200, Order),), (NotFound,), proof=True, security=ACCESS_TOKEN
    )


def test_a_status_stands_beside_the_body() -> None:
    @json_endpoint()
    def view() -> tuple[Order, Literal[201]] | tuple[Missing, Literal[503]]:
        answer: Order = {"name": "tea"}
        return answer, 201

    assert view() == ({"name": "tea"}, 201)
    assert described(view).successes == (Success(201, Order), Success(503, Missing))


def test_a_response_says_what_is_in_it() -> None:
    @json_endpoint()
    def view() -> NoContent:
        return Response(status=204)

    assert view().status_code == 204
    assert described(view).successes == (Success(204),)


def test_a_return_type_that_says_nothing_is_refused() -> None:
    def unsaid() -> Response:
        return Response()

    with pytest.raises(TypeError, match="unsaid: its return type does not name the success"):
        json_endpoint()(unsaid)


def test_a_guard_below_is_refused() -> None:
    """The body would be read before the caller is known."""

    @public
    def view() -> NoContent:
        return Response()

    with pytest.raises(TypeError, match="put the guard above @json_endpoint"):
        json_endpoint()(view)


@json_endpoint()
def order(number: str, body: Order) -> tuple[Order, Literal[201]]:
    return {**body, "name": f"{number} {body['name']}"}, 201


def send(data: str) -> Any:  # noqa: ANN401 - what the view returns
    """Call the view with a request body, as Flask does."""
    with Flask(__name__).test_request_context(
        method="POST", data=data.encode(), content_type="application/json"
    ):
        return order(number="7")


def test_the_body_is_passed_to_the_view() -> None:
    """Fields that its type does not name are left out."""
    body = '{"name": "tea", "lines": [{"article": "x", "count": 2}], "admin": true}'
    expected = {"name": "7 tea", "lines": [{"article": "x", "count": 2}]}
    assert send(body) == (expected, 201)
    assert described(order).body is Order


@pytest.mark.parametrize(
    ("data", "detail"),
    [
        ("{}", "The field “name” is missing."),
        ('{"name": 5}', "The field “name” must be a text."),
        ('{"name": "tea", "express": "true"}', "The field “express” must be true or false."),
        ('{"name": "tea", "express": 1}', "The field “express” must be true or false."),
        ('{"name": "a\\u0000b"}', "The field “name” is not valid Unicode text."),
        ('{"name": "\\ud800"}', "The field “name” is not valid Unicode text."),
        ('{"name": "tea", "\\ud800": 1}', "The body is not valid Unicode text."),
        (
            '{"name": "tea", "lines": [{"article": "x", "count": 9223372036854775808}]}',
            "The field “count” has a number that is too large.",
        ),
        ('{"name": "\\udfff"}', "The field “name” is not valid Unicode text."),
        (
            '{"name": "tea", "lines": [{"article": "\\u0000"}]}',
            "The field “article” is not valid Unicode text.",
        ),
        ('{"name": "x", "marks": ["\\u0000"]}', "The field “marks” is not valid Unicode text."),
        (
            '{"name": "tea", "labels": {"a\\u0000": "b"}}',
            "The field “labels” is not valid Unicode text.",
        ),
    ],
)
def test_a_body_of_another_form_is_refused(data: str, detail: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        send(data)
    assert refused.value.detail == detail


def test_an_escaped_backslash_is_no_escape() -> None:
    """A text may contain the characters that spell a NUL in JSON."""
    assert send('{"name": "\\\\u000"}')[0] == {"name": "7 \\u000"}


class Page(TypedDict):
    limit: NotRequired[Annotated[int, Meta(ge=1, le=100)]]
    tag: NotRequired[Annotated[str, Meta(max_length=5)]]
    order: NotRequired[Literal["new", "old"]]
    whole: NotRequired[bool]


@json_endpoint()
def find(place: str, query: Page) -> tuple[Order, Literal[200]]:
    return {"name": f"{place} {sorted(query.items())}"}, 200


def ask(query: str) -> str:
    """Call the view with a query, as Flask does, and return what it was given."""
    with Flask(__name__).test_request_context(f"/orders?{query}"):
        return find(place="here")[0]["name"]


@pytest.mark.parametrize(
    ("query", "given"),
    [
        ("", "[]"),
        (
            "limit=7&tag=%C3%A9&order=new&whole=true",
            "[('limit', 7), ('order', 'new'), ('tag', 'é'), ('whole', True)]",
        ),
        ("other=1&other=2", "[]"),
        ("tag=7", "[('tag', '7')]"),
    ],
)
def test_the_query_is_passed_to_the_view(query: str, given: str) -> None:
    """Numbers and booleans are converted; what its type does not name is left out."""
    assert ask(query) == f"here {given}"
    assert described(find).query is Page


@pytest.mark.parametrize(
    ("query", "part"),
    [
        ("limit=x", "“limit” must be a whole number."),
        ("limit=", "“limit” must be a whole number."),
        ("limit=0", "“limit” must be at least 1."),
        ("limit=" + "9" * 5000, "“limit” is not as documented."),
        ("limit=1&limit=2", "“limit” is there more than once."),
        ("tag=123456", "“tag” must have at most 5 characters."),
        ("tag=%00", "“tag” is not valid Unicode text."),
        ("order=any", "“order” has none of the documented values."),
        ("whole=maybe", "“whole” must be true or false."),
    ],
)
def test_a_query_of_another_form_is_refused(query: str, part: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        ask(query)
    assert refused.value.detail == f"The parameter {part}"


class Point(TypedDict):
    x: float


@json_endpoint()
def put_point(body: Point) -> NoContent:
    return Response(str(body["x"]))


@pytest.mark.parametrize("x", ["1e400", "-1e400", "1e19", "-9223372036854775809"])
def test_a_number_that_no_column_stores_is_refused(x: str) -> None:
    with (
        Flask(__name__).test_request_context(
            method="PUT", data=b'{"x": %s}' % x.encode(), content_type="application/json"
        ),
        pytest.raises(InvalidRequest, match="invalid_request") as refused,
    ):
        put_point()
    assert refused.value.detail == "The field “x” has a number that is too large."


@json_endpoint()
def get_line(article: Annotated[str, Meta(pattern="^[a-z]+$")], number: int, rest: str) -> Line:
    return {"article": f"{article}{rest}", "count": number}


def test_an_argument_of_the_path_has_its_type() -> None:
    """An argument of another type gets 404, before the database is asked."""
    assert get_line(article="x", number=1, rest="y") == {"article": "xy", "count": 1}
    for wrong in (
        {"article": "X"},
        {"article": "x\n"},
        {"article": "x\0"},
        {"rest": "\0"},
        {"rest": "\ud800"},
    ):
        with pytest.raises(NotFound):
            get_line(**({"article": "x", "number": 1, "rest": "y"} | wrong))
