"""The sentences that name a wrong field, for the errors that msgspec really raises."""

from typing import Annotated, Any, Literal, NotRequired, TypedDict

import pytest
from flask import Flask
from msgspec import Meta

from app.errors import InvalidRequest
from app.web.bodies import read_body


class Item(TypedDict):
    """A part of a body."""

    text: Annotated[str, Meta(min_length=1, max_length=5)]


class Body(TypedDict):
    """A body with a field of each kind."""

    name: str
    items: NotRequired[Annotated[list[Item], Meta(max_length=2)]]
    map: NotRequired[Annotated[dict[str, int], Meta(min_length=3)]]
    keys: NotRequired[dict[int, int]]
    code: NotRequired[Annotated[str, Meta(pattern="^[a-z]+$")]]
    word: NotRequired[Literal["a", "b"]]
    level: NotRequired[Annotated[int, Meta(ge=1, le=100)]]
    price: NotRequired[Annotated[float, Meta(gt=0, lt=9.5)]]
    pairs: NotRequired[Annotated[int, Meta(multiple_of=2)]]
    sure: NotRequired[bool]
    age: NotRequired[int | None]


@pytest.mark.parametrize(
    ("sent", "detail"),
    [
        ({"name": None}, "The field “name” must be a text."),
        ({"sure": 1}, "The field “sure” must be true or false."),
        ({"age": "7"}, "The field “age” must be a whole number or null."),
        ({"price": "1"}, "The field “price” must be a number."),
        ({"items": {}}, "The field “items” must be a list."),
        ({"items": [5]}, "The field “items[0]” must be an object."),
        ({"items": [{}]}, "The field “items[0].text” is missing."),
        ({"items": [{"text": ""}]}, "The field “items[0].text” must have at least 1 character."),
        (
            {"items": [{"text": "123456"}]},
            "The field “items[0].text” must have at most 5 characters.",
        ),
        ({"items": [{"text": "a"}] * 3}, "The field “items” must have at most 2 elements."),
        ({"map": {}}, "The field “map” must have at least 3 members."),
        ({"map": {"secret": "", "b": 2, "c": 3}}, "The field “map[...]” must be a whole number."),
        ({"level": 0}, "The field “level” must be at least 1."),
        ({"level": 101}, "The field “level” must be at most 100."),
        ({"price": 0}, "The field “price” must be more than 0.0."),
        ({"price": 9.5}, "The field “price” must be less than 9.5."),
        ({"pairs": 3}, "The field “pairs” must be a multiple of 2."),
        ({"code": "A"}, "The field “code” is not as documented."),
        ({"word": "c"}, "The field “word” has none of the documented values."),
        ({"word": "x - at `$.name`"}, "The field “word” has none of the documented values."),
        ({"keys": {"x": 1}}, "The field “keys” is not as documented."),
    ],
)
def test_a_sentence_names_the_field_and_what_it_must_be(sent: dict[str, Any], detail: str) -> None:
    with (
        Flask(__name__).test_request_context(method="POST", json={"name": "x"} | sent),
        pytest.raises(InvalidRequest) as refused,
    ):
        read_body(Body)
    assert refused.value.detail == detail
