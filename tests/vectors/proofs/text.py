"""The JSON: one object in UTF-8, each name once."""

import json
from collections.abc import Callable, Iterator
from functools import partial

from tests.support.forger import compact_json
from tests.vectors.proofs.maker import Case, Maker
from tests.vectors.spellings import (
    claims_bytes,
    header_bytes,
)

ENCODINGS: dict[str, Callable[[bytes], bytes]] = {
    "utf-16": lambda raw: raw.decode().encode("utf-16"),
    "utf-16-le": lambda raw: raw.decode().encode("utf-16-le"),
    "utf-16-be": lambda raw: raw.decode().encode("utf-16-be"),
    "utf-32": lambda raw: raw.decode().encode("utf-32"),
    "byte-order-mark": lambda raw: b"\xef\xbb\xbf" + raw,
    "not-utf-8": lambda raw: raw[:-1] + b',"\xff":1}',
    "overlong-utf-8": lambda raw: raw[:-1] + b',"\xc0\xaf":1}',
    "surrogate-in-utf-8": lambda raw: raw[:-1] + b',"\xed\xa0\x80":1}',
    "nan": lambda raw: raw[:-1] + b',"n":NaN}',
    "infinity": lambda raw: raw[:-1] + b',"n":Infinity}',
    "minus-infinity": lambda raw: raw[:-1] + b',"n":-Infinity}',
    "list": lambda raw: b"[" + raw + b"]",
    "text": lambda raw: json.dumps(raw.decode()).encode(),
    "number": lambda _: b"7",
    "null": lambda _: b"null",
    "blank": lambda _: b"   ",
    "truncated": lambda raw: raw[:-1],
    "trailing-comma": lambda raw: raw[:-1] + b",}",
    "comment": lambda raw: raw[:-1] + b"/**/}",
    "single-quotes": lambda raw: raw.replace(b'"', b"'"),
    "two-objects": lambda raw: raw + raw,
    "trailing-nul": lambda raw: raw + b"\0",
    "newline-in-a-text": lambda raw: raw[:-1] + b',"n":"\n"}',
    "duplicate-empty-names": lambda raw: raw[:-1] + b',"":1,"":1}',
}


DUPLICATES = {"header": ("typ", "alg", "jwk"), "jwk": ("kty", "crv", "x", "y")}


def _twice(name: str, where: str, maker: Maker) -> str:
    """Say one member twice, both times the same: which one counts is never a question."""
    header = maker.header()
    inner = header["jwk"] if where == "jwk" else header
    repeated = f"{_member(name, inner[name])},".encode()
    raw = compact_json(header)
    at = raw.index(b'{"kty"') + 1 if where == "jwk" else 1
    return maker.forge(header=raw[:at] + repeated + raw[at:])


def _claim_twice(name: str, first: str, maker: Maker) -> str:
    """Say one claim twice, a wrong value before or behind the good one."""
    raw, wrong = compact_json(maker.claims()), _member(name, "wrong").encode()
    both = b"{" + wrong + b"," + raw[1:] if first == "wrong" else raw[:-1] + b"," + wrong + b"}"
    return maker.forge(claims=both)


def _member(name: str, value: object) -> str:
    return f"{json.dumps(name)}:{json.dumps(value, separators=(',', ':'))}"


def json_forms() -> Iterator[Case]:
    for name, change in ENCODINGS.items():
        yield Case(f"header-{name}", "not_json", partial(header_bytes, change))
        yield Case(f"claims-{name}", "not_json", partial(claims_bytes, change))
    for where, names in DUPLICATES.items():
        for name in names:
            yield Case(f"{where}-{name}-twice", "not_json", partial(_twice, name, where))
    for name in ("jti", "htm", "htu", "iat", "nonce"):
        for first in ("good", "wrong"):
            build = partial(_claim_twice, name, first)
            yield Case(f"claim-{name}-twice-{first}-first", "not_json", build)
    deep = b"[" * 400 + b"]" * 400
    yield Case("nested-header", "header", lambda m: m.forge(header=b'{"typ":%b}' % deep))
    yield Case("nested-claims", "claims", lambda m: m.forge(claims=b'{"htm":%b}' % deep))
    yield Case(
        "nested-jwk",
        "key",
        lambda m: m.forge(header=b'{"typ":"dpop+jwt","alg":"ES256","jwk":%b}' % deep),
    )
