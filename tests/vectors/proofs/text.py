"""The JSON: one object in UTF-8, each name once."""

import json
from collections.abc import Iterator
from functools import partial

from tests.support.forger import compact_json
from tests.vectors.proofs.maker import Case, Maker
from tests.vectors.spellings import no_objects

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
    raw, wrong = compact_json(maker.claims()), _member(name, "wrong").encode()
    both = b"{" + wrong + b"," + raw[1:] if first == "wrong" else raw[:-1] + b"," + wrong + b"}"
    return maker.forge(claims=both)


def _member(name: str, value: object) -> str:
    return f"{json.dumps(name)}:{json.dumps(value, separators=(',', ':'))}"


def json_forms() -> Iterator[Case]:
    for name, build in no_objects():
        yield Case(name, "not_json", build)
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
    deep_jwk = b'{"typ":"dpop+jwt","alg":"ES256","jwk":%b}' % deep
    yield Case("nested-jwk", "key", lambda m: m.forge(header=deep_jwk))
