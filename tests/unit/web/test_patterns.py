"""The end of a pattern is the end of the text: no line break follows it."""

from typing import Annotated, Any, NotRequired, TypedDict

import pytest
from flask import Flask
from msgspec import Meta

from app.errors import InvalidRequest
from app.web.bodies import read_body, read_query
from app.web.patterns import unmatched

Word = Annotated[str, Meta(pattern="^[a-z$]+$")]


class Body(TypedDict):
    """A body with a pattern at each place that may have one."""

    word: NotRequired[Annotated[Word, Meta(examples=["tea"])]]
    maybe: NotRequired[Word | None]
    words: NotRequired[list[Word]]
    several: NotRequired[set[Word]]
    pair: NotRequired[tuple[int, Word]]
    map: NotRequired[dict[Word, Word]]
    inner: NotRequired["Body"]
    free: NotRequired[str]


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ({"word": "tea\n"}, "word"),
        ({"maybe": "tea\n"}, "maybe"),
        ({"words": ["tea", "tea\n"]}, "words"),
        ({"several": ["tea\n"]}, "several"),
        ({"pair": [1, "tea\n"]}, "pair"),
        ({"map": {"tea\n": "x"}}, "map"),
        ({"map": {"tea": "x\n"}}, "map"),
        ({"inner": {"inner": {"word": "tea\n"}}}, "word"),
    ],
)
def test_a_line_break_after_the_pattern_is_refused(body: dict[str, Any], name: str) -> None:
    with (
        Flask(__name__).test_request_context(method="POST", json=body),
        pytest.raises(InvalidRequest) as refused,
    ):
        read_body(Body)
    assert refused.value.detail == f"The field “{name}” has a line break at its end."


def test_a_line_break_in_a_query_is_refused() -> None:
    with (
        Flask(__name__).test_request_context("/?word=tea%0A"),
        pytest.raises(InvalidRequest) as refused,
    ):
        read_query(Body)
    assert refused.value.detail == "The parameter “word” has a line break at its end."


@pytest.mark.parametrize(
    "body",
    [
        {"word": "te$a", "maybe": None, "words": ["tea"], "pair": [1, "tea"], "map": {"a": "b"}},
        {"maybe": "tea", "inner": {"inner": {}}},
        {"free": "tea\n"},
    ],
)
def test_every_other_text_passes(body: dict[str, Any]) -> None:
    with Flask(__name__).test_request_context(method="POST", json=body):
        assert {**read_body(Body)}.keys() == body.keys()


@pytest.mark.parametrize(
    ("pattern", "text", "passes"),
    [
        ("^a$", "a\n", False),
        ("^(a$|b$)", "b\n", False),
        (r"^a\n$", "a\n", True),
        (r"^a\s*$", "a\n", True),
        (r"^a", "a\n", True),
        (r"^a\$", "a$\n", True),
        (r"^a[$\]]\n", "a$\n", True),
        (r"^[]$]\n", "$\n", True),
        (r"^[^]$]\n", "a\n", True),
        (r"^a\\$", "a\\\n", False),
    ],
)
def test_only_a_dollar_that_is_the_end_is_held_to_it(
    pattern: str, text: str, *, passes: bool
) -> None:
    hint = Annotated[str, Meta(pattern=pattern)]
    assert list(unmatched(hint, text)) == ([] if passes else [""])


def test_a_deeply_nested_body_is_read_without_recursion() -> None:
    body: dict[str, Any] = {"word": "tea\n"}
    for _ in range(5000):
        body = {"inner": body}
    assert list(unmatched(Body, body)) == ["word"]
