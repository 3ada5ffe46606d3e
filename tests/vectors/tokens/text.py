"""The JSON: UTF-8, one object, each name once."""

from collections.abc import Iterator
from functools import partial

from tests.support.forger import Forger, compact_json
from tests.vectors.spellings import claims_bytes, header_bytes, no_objects
from tests.vectors.tokens.case import Case

DEEP = {
    "array-nested": b"[" * 700 + b"]" * 700,
    "array-nested-and-open": b"[" * 1000,
    "object-nested-and-open": b'{"a":' * 200,
}


def _replaced(new: bytes, _raw: bytes) -> bytes:
    return new


def _with_member(member: bytes, raw: bytes) -> bytes:
    """Add one more member to the object, also one whose name is there already."""
    return raw[:-1] + b"," + member + b"}"


def _nested(name: str, reason: str, text: bytes) -> Iterator[Case]:
    yield Case(f"header-{name}", reason, partial(header_bytes, partial(_replaced, text)))
    yield Case(f"claims-{name}", reason, partial(claims_bytes, partial(_replaced, text)))


def json_forms() -> Iterator[Case]:
    for name, build in no_objects():
        yield Case(name, "not_json", build)
    for name, text in DEEP.items():
        yield from _nested(name, "not_json", text)
    for depth in (20_000, 100_000):
        yield from _nested(f"array-{depth}-deep", "too_long", b"[" * depth)
        yield from _nested(f"object-{depth}-deep", "too_long", b'{"a":' * depth)
    for name in ("alg", "typ", "kid"):
        again = partial(_with_member, b'"%s":"x"' % name.encode())
        yield Case(f"header-two-{name}", "not_json", partial(header_bytes, again))
    yield Case("header-two-alg-none-first", "not_json", _none_first)
    escaped = partial(_with_member, b'"\\u0061lg":"none"')
    yield Case("header-two-alg-by-escape", "not_json", partial(header_bytes, escaped))
    for name in ("iss", "aud", "sub", "jti", "iat", "exp"):
        again = partial(_with_member, b'"%s":1' % name.encode())
        yield Case(f"claims-two-{name}", "not_json", partial(claims_bytes, again))
    digits = partial(_with_member, b'"x":' + b"9" * 5000)
    yield Case("claims-number-of-5000-digits", "too_long", partial(claims_bytes, digits))


def _none_first(forger: Forger) -> str:
    raw = compact_json(forger.header())
    return forger.forge(header=b'{"alg":"none",' + raw[1:])
