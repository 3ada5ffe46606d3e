import io
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from app.infra.json_file import JsonObject

WHOLE = """\
{
  "name": "Ada \u2713",
  "none": null,
  "empty": [],
  "list": [
    1,
    {"two": [2, 3]}
  ],
  "many": [
    "a",
    "b"
  ],
  "object": {"a": {}},
  "inner": {
    "list": [
      true
    ],
    "innermost": {}
  }
}"""


def written(write: Callable[[JsonObject], object]) -> str:
    file = io.BytesIO()
    write(out := JsonObject(file))
    out.end()
    return file.getvalue().decode()


def whole(out: JsonObject) -> None:
    out.member("name", "Ada \u2713")
    out.member("none", None)
    out.member("empty", iter(()))
    out.member("list", [1, {"two": [2, 3]}])
    out.member("many", (letter for letter in "ab"))
    out.member("object", {"a": {}})
    with out.nested("inner") as inner:
        inner.member("list", [True])
        with inner.nested("innermost"):
            pass


def test_it_is_written_line_by_line() -> None:
    assert written(whole) == WHOLE
    assert json.loads(WHOLE)["inner"] == {"list": [True], "innermost": {}}


def test_an_object_without_members_is_empty() -> None:
    assert written(lambda _: None) == "{}"


@pytest.mark.parametrize(
    "value", [datetime.now(UTC), {1, 2}, float("nan"), "\ud800", [object()], iter([b"bytes"])]
)
def test_what_is_not_json_is_refused(value: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        written(lambda out: out.member("name", value))


def test_items_are_written_as_they_come() -> None:
    """None of them is kept."""
    file = io.BytesIO()
    sizes = []

    def items() -> Iterator[int]:
        for number in range(3):
            sizes.append(len(file.getvalue()))
            yield number

    JsonObject(file).member("items", items())
    assert sizes == sorted(set(sizes))
    assert sizes[0] > 0
