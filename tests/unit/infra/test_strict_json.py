import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.infra.strict_json import parse_object

REFUSED = {
    "nothing": b"",
    "blank": b" \n",
    "a-word": b"hello",
    "truncated": b'{"a":1',
    "trailing-comma": b'{"a":1,}',
    "trailing-text": b"{}x",
    "two-objects": b"{}{}",
    "array": b"[]",
    "array-of-objects": b"[{}]",
    "text": b'"{}"',
    "number": b"1",
    "null": b"null",
    "true": b"true",
    "single-quotes": b"{'a':1}",
    "comment": b"{/**/}",
    "byte-order-mark": b"\xef\xbb\xbf{}",
    "utf-16": '{"a":1}'.encode("utf-16"),
    "utf-16-le": '{"a":1}'.encode("utf-16-le"),
    "utf-16-be": '{"a":1}'.encode("utf-16-be"),
    "utf-32": '{"a":1}'.encode("utf-32"),
    "utf-32-be": '{"a":1}'.encode("utf-32-be"),
    "latin-1": '{"a":"\u00fc"}'.encode("latin-1"),
    "overlong-utf-8": b'{"a":"\xc0\xaf"}',
    "surrogate-in-utf-8": b'{"a":"\xed\xa0\x80"}',
    "raw-control-character": b'{"a":"\x01"}',
    "nan": b'{"a":NaN}',
    "infinity": b'{"a":Infinity}',
    "minus-infinity": b'{"a":-Infinity}',
    "nan-deep-inside": b'{"a":[{"b":NaN}]}',
    "two-equal-names": b'{"a":1,"a":1}',
    "two-names-equal-by-escape": b'{"a":1,"\\u0061":2}',
    "two-equal-names-deep-inside": b'{"x":[{"a":1,"a":2}]}',
    "two-empty-names": b'{"":1,"":2}',
    "integer-of-5000-digits": b'{"a":' + b"9" * 5000 + b"}",
    "leading-zero": b'{"a":01}',
    "hexadecimal": b'{"a":0x1}',
    "plus-sign": b'{"a":+1}',
}
ACCEPTED = {
    "empty": (b"{}", {}),
    "blank-around": (b" \r\n\t{} ", {}),
    "utf-8": ('{"\u00fc":"\U0001f511"}'.encode(), {"\u00fc": "\U0001f511"}),
    "escapes": (b'{"a":"\\u00fc\\n"}', {"a": "\u00fc\n"}),
    "every-kind": (
        b'{"a":1,"b":-1.5,"c":null,"d":true,"e":[],"f":{}}',
        {"a": 1, "b": -1.5, "c": None, "d": True, "e": [], "f": {}},
    ),
    "same-name-on-two-levels": (b'{"a":{"a":{"a":1}}}', {"a": {"a": {"a": 1}}}),
    "names-that-differ-in-case": (b'{"a":1,"A":2}', {"a": 1, "A": 2}),
}


@pytest.mark.parametrize("raw", REFUSED.values(), ids=REFUSED.keys())
def test_what_is_not_one_strict_object_is_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse_object(raw)


@pytest.mark.parametrize(("raw", "value"), ACCEPTED.values(), ids=ACCEPTED.keys())
def test_a_strict_object_keeps_names_values_and_types(raw: bytes, value: object) -> None:
    assert parse_object(raw) == value


@pytest.mark.parametrize("depth", [20_000, 100_000])
@pytest.mark.parametrize("opening", [b"[", b'{"a":'], ids=["array", "object"])
def test_deep_nesting_is_refused(opening: bytes, depth: int) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse_object(b'{"a":' + opening * depth)


def test_moderate_nesting_is_parsed() -> None:
    assert parse_object(b'{"a":' * 50 + b"1" + b"}" * 50)


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**400), 10**400)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.dictionaries(texts, json_values, max_size=5))
def test_whatever_python_writes_is_read_back(value: dict[str, object]) -> None:
    assert parse_object(json.dumps(value).encode()) == value
    assert parse_object(json.dumps(value, ensure_ascii=False).encode()) == value


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.binary(max_size=60))
def test_any_bytes_are_an_object_or_a_value_error(raw: bytes) -> None:
    try:
        value = parse_object(raw)
    except ValueError:
        return
    assert type(value) is dict
