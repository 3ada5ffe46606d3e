"""The header: exactly alg, typ and kid."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from tests.support.forger import OTHER_SECRET, Forger
from tests.vectors.spellings import header_with, header_without
from tests.vectors.tokens.case import Case

ADDED_HEADERS: dict[str, dict[str, Any]] = {
    "jku": {"jku": "https://attacker.example/keys.json"},
    "jku-of-ours": {"jku": "https://localhost/keys.json"},
    "jwk-null": {"jwk": None},
    "x5u": {"x5u": "https://attacker.example/cert.pem"},
    "x5c": {"x5c": ["MIIB"]},
    "x5t": {"x5t": "AAAA"},
    "x5t-s256": {"x5t#S256": "AAAA"},
    "crit-empty": {"crit": []},
    "crit-null": {"crit": None},
    "crit-text": {"crit": "exp"},
    "crit-unknown": {"crit": ["example"], "example": True},
    "crit-registered": {"crit": ["alg"]},
    "crit-b64": {"crit": ["b64"], "b64": True},
    "b64-false": {"b64": False},
    "b64-true": {"b64": True},
    "zip": {"zip": "DEF"},
    "cty-jwt": {"cty": "JWT"},
    "enc": {"enc": "A256GCM"},
    "epk": {"epk": {"kty": "EC", "crv": "P-256", "x": "", "y": ""}},
    "p2c": {"p2s": "AAAA", "p2c": 2**31},
    "nonce": {"nonce": "AAAA"},
    "url": {"url": "https://attacker.example"},
    "unknown": {"example": 1},
    "empty-name": {"": 1},
    "upper-case-alg": {"ALG": "none"},
    "alg-with-space": {"alg ": "none"},
    "prototype": {"__proto__": {"alg": "none"}},
}

WRONG_ALGORITHMS: dict[str, Any] = {
    "empty": "",
    "null": None,
    "true": True,
    "number": 256,
    "list": ["HS256"],
    "object": {"HS256": 1},
    "lower-case": "hs256",
    "mixed-case": "Hs256",
    "trailing-space": "HS256 ",
    "trailing-nul": "HS256\0",
    "long-name": "HMAC-SHA256",
    "none": "none",
    "none-capital": "None",
    "none-upper-case": "NONE",
    "none-mixed-case": "nOnE",
    "none-with-space": "none ",
    "none-with-nul": "none\0",
    "dir": "dir",
    "pbes2": "PBES2-HS256+A128KW",
    "rsa-oaep": "RSA-OAEP",
    "hs1": "HS1",
}

WRONG_TYPES: dict[str, Any] = {
    "empty": "",
    "null": None,
    "true": True,
    "number": 1,
    "list": ["at+jwt", "rt+jwt"],
    "jwt": "JWT",
    "jwt-lower-case": "jwt",
    "upper-case": "AT+JWT",
    "mixed-case": "At+Jwt",
    "application": "application/at+jwt",
    "application-rt": "application/rt+jwt",
    "refresh-jwt": "refresh+jwt",
    "without-suffix": "at",
    "trailing-space": "at+jwt ",
    "trailing-nul": "at+jwt\0",
    "dpop": "dpop+jwt",
    "logout": "logout+jwt",
}

MALFORMED_KIDS: dict[str, Any] = {
    "null": None,
    "true": True,
    "number": 0,
    "list": [],
    "object": {},
    "empty": "",
    "path": "../../../../../../dev/null",
    "absolute-path": "/dev/null",
    "sql": "' OR 1=1--",
    "sql-union": "x' UNION SELECT 'AA",
    "shell": "|sleep 9",
    "url": "https://attacker.example/key",
    "nul": "key\0",
    "space": " ",
    "newline": "key\n",
    "non-ascii": "schl\u00fcssel",
    "non-ascii-digits": "\u0661\u0662\u0663",
    "lone-surrogate": "\ud800",
    "33-characters": "k" * 33,
    "2000-characters": "k" * 2000,
}


def _unknown_kids() -> Iterator[tuple[str, Callable[[Forger], str]]]:
    yield "nobody", lambda _: "k" * 12
    yield "32-characters", lambda _: "k" * 32
    yield "a-digit", lambda _: "0"
    yield "swapped-case", lambda f: f.ring().signing_kid.swapcase()
    yield "prefix", lambda f: f.ring().signing_kid[:-1]
    yield "prolonged", lambda f: f.ring().signing_kid + "A"
    yield "of-the-other-purpose", lambda f: f.sibling.ring().signing_kid
    yield "of-staging", lambda f: f.ring(env="staging").signing_kid
    yield "of-another-issuer", lambda f: f.ring(issuer="https://other.example").signing_kid
    yield "of-another-secret", lambda f: f.ring(OTHER_SECRET).signing_kid


def _with_kid(kid: Callable[[Forger], str], forger: Forger) -> str:
    return header_with({"kid": kid(forger)}, forger)


def headers() -> Iterator[Case]:
    for name, added in ADDED_HEADERS.items():
        yield Case(f"header-{name}", "header", partial(header_with, added))
    for name in ("alg", "typ", "kid"):
        yield Case(f"header-without-{name}", "header", partial(header_without, name))
    yield Case("header-with-nothing", "header", lambda f: f.forge(header={}))
    for name, alg in WRONG_ALGORITHMS.items():
        yield Case(f"alg-{name}", "algorithm", partial(header_with, {"alg": alg}))
    for name, typ in WRONG_TYPES.items():
        yield Case(f"typ-{name}", "type", partial(header_with, {"typ": typ}))
    yield Case(
        "typ-of-the-other-purpose", "type", lambda f: header_with({"typ": f.sibling.typ}, f)
    )
    for name, kid in MALFORMED_KIDS.items():
        yield Case(f"kid-{name}", "kid", partial(header_with, {"kid": kid}))
    yield Case("kid-10-kilobytes", "too_long", partial(header_with, {"kid": "k" * 10_000}))
    for name, of in _unknown_kids():
        yield Case(f"kid-{name}", "unknown_key", partial(_with_kid, of))
