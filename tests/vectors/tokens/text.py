"""The JSON: UTF-8, one object, each name once."""

from collections.abc import Callable, Iterator
from functools import partial

from tests.support.forger import Forger, compact_json
from tests.vectors.spellings import (
    claims_bytes,
    header_bytes,
)
from tests.vectors.tokens.case import Case


def _reencoded(encoding: str, raw: bytes) -> bytes:
    return raw.decode().encode(encoding)


def _prefixed(prefix: bytes, raw: bytes) -> bytes:
    return prefix + raw


def _suffixed(suffix: bytes, raw: bytes) -> bytes:
    return raw + suffix


def _always(new: bytes, _raw: bytes) -> bytes:
    return new


def _named_again(member: bytes, raw: bytes) -> bytes:
    """Add one more member to the object, also one whose name is there already."""
    return raw[:-1] + b"," + member + b"}"


def _texts() -> Iterator[tuple[str, Callable[[bytes], bytes]]]:
    """Return ways to spoil the JSON of either segment."""
    for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"):
        yield encoding, partial(_reencoded, encoding)
    yield "byte-order-mark-inside", partial(_prefixed, b"\xef\xbb\xbf")
    yield "nul-before", partial(_prefixed, b"\0")
    yield "nul-after", partial(_suffixed, b"\0")
    yield "truncated", lambda raw: raw[:-1]
    yield "two-objects", partial(_suffixed, b"{}")
    yield "trailing-comma", lambda raw: raw[:-1] + b",}"
    yield "comment", partial(_suffixed, b"/**/")
    yield "single-quotes", lambda raw: raw.replace(b'"', b"'")
    yield "invalid-utf-8", partial(_named_again, b'"x":"\xff"')
    yield "overlong-utf-8", partial(_named_again, b'"x":"\xc0\xaf"')
    yield "surrogate-in-utf-8", partial(_named_again, b'"x":"\xed\xa0\x80"')
    yield "raw-newline-in-text", partial(_named_again, b'"x":"\n"')
    for word in (b"NaN", b"Infinity", b"-Infinity"):
        yield f"constant-{word.decode()}", partial(_named_again, b'"x":' + word)
    for value in (b"null", b"true", b"7", b'"text"', b"[]", b"[{}]", b"nothing", b" "):
        yield f"is-{value.decode().strip() or 'blank'}", partial(_always, value)
    deep = {"array": (b"[", b"]"), "object": (b'{"a":', b"}")}
    for name, (opening, closing) in deep.items():
        yield f"{name}-nested-and-open", partial(_always, opening * (1000 // len(opening)))
        if name == "array":
            yield "array-nested", partial(_always, opening * 700 + closing * 700)


def json_forms() -> Iterator[Case]:
    for name, edit in _texts():
        yield Case(f"header-{name}", "not_json", partial(header_bytes, edit))
        yield Case(f"payload-{name}", "not_json", partial(claims_bytes, edit))
    for name in ("alg", "typ", "kid"):
        again = b'"%s":"x"' % name.encode()
        yield Case(
            f"header-two-{name}", "not_json", partial(header_bytes, partial(_named_again, again))
        )
    yield Case("header-two-alg-none-first", "not_json", _none_first)
    yield Case(
        "header-two-alg-by-escape",
        "not_json",
        partial(header_bytes, partial(_named_again, b'"\\u0061lg":"none"')),
    )
    for name in ("iss", "aud", "sub", "jti", "iat", "exp"):
        again = b'"%s":1' % name.encode()
        yield Case(
            f"payload-two-{name}", "not_json", partial(claims_bytes, partial(_named_again, again))
        )
    for depth in (20_000, 100_000):
        for opening in (b"[", b'{"a":'):
            nested = partial(_always, opening * depth)
            kind = "array" if opening == b"[" else "object"
            yield Case(f"header-{kind}-{depth}-deep", "too_long", partial(header_bytes, nested))
            yield Case(f"payload-{kind}-{depth}-deep", "too_long", partial(claims_bytes, nested))
    yield Case(
        "payload-number-of-5000-digits",
        "too_long",
        partial(claims_bytes, partial(_named_again, b'"x":' + b"9" * 5000)),
    )


def _none_first(forger: Forger) -> str:
    raw = compact_json(forger.header())
    return forger.forge(header=b'{"alg":"none",' + raw[1:])
