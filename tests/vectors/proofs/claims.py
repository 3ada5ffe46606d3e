"""The claims: all of them, no others, about this very request."""

import hashlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from app.attacks.prover import base64url, token_hash
from app.tokens.dpop import MAX_SKEW_SECONDS
from app.tokens.nonces import NONCE_SECONDS, Nonces
from tests.vectors.proofs.maker import PROTECTED, REFRESH, Case, Maker
from tests.vectors.spellings import (
    bumped,
    claim_changed,
    claim_raw,
    claims_with,
    claims_without,
)

EXTRA_CLAIMS: dict[str, Any] = {
    "exp": 2**33,
    "nbf": 1,
    "iss": "https://localhost",
    "aud": "https://localhost",
    "sub": "somebody",
    "cnf": {"jkt": "A" * 43},
    "htb": "body",
    "admin": True,
    "empty-name": 1,
    "__proto__": {},
}

METHODS: dict[str, Any] = {
    "lower-case": str.lower,
    "mixed-case": str.title,
    "with-space": lambda method: f"{method} ",
    "with-nul": lambda method: f"{method}\0",
    "prefix": lambda method: method[:-1],
    "list": lambda method: [method],
    "object": lambda method: {method: 1},
    "two-in-one": lambda method: f"GET {method} POST",
    "head": lambda _: "HEAD",
    "put": lambda _: "PUT",
    "the-other": lambda method: "GET" if method == "POST" else "POST",
    "star": lambda _: "*",
    "empty": lambda _: "",
    "number": lambda _: 1,
    "null": lambda _: None,
    "true": lambda _: True,
}

FORWARDED = (
    ("X-Forwarded-Host", "forwarded.example"),
    ("X-Forwarded-Proto", "https"),
    ("X-Forwarded-For", "192.0.2.66"),
    ("Forwarded", "host=forwarded.example;proto=https"),
    ("X-Original-URL", "https://forwarded.example/"),
)


def _elsewhere(origin: str, url: str) -> str:
    return url.replace("https://localhost", origin)


URLS: dict[str, Callable[[str], Any]] = {
    "other-host": partial(_elsewhere, "https://evil.example"),
    "subdomain": partial(_elsewhere, "https://sub.localhost"),
    "prolonged-host": partial(_elsewhere, "https://localhost.evil.example"),
    "dotted-host": partial(_elsewhere, "https://localhost."),
    "by-address": partial(_elsewhere, "https://127.0.0.1"),
    "by-address-6": partial(_elsewhere, "https://[::1]"),
    "lookalike-host": partial(_elsewhere, "https://l\u043ecalhost"),
    "upper-case-host": partial(_elsewhere, "https://LOCALHOST"),
    "http": partial(_elsewhere, "http://localhost"),
    "upper-case-scheme": partial(_elsewhere, "HTTPS://localhost"),
    "no-scheme": partial(_elsewhere, "//localhost"),
    "path-alone": partial(_elsewhere, ""),
    "usual-port": partial(_elsewhere, "https://localhost:443"),
    "http-port": partial(_elsewhere, "https://localhost:80"),
    "other-port": partial(_elsewhere, "https://localhost:8443"),
    "empty-port": partial(_elsewhere, "https://localhost:"),
    "user": partial(_elsewhere, "https://user@localhost"),
    "user-and-password": partial(_elsewhere, "https://user:word@localhost"),
    "our-host-as-user": partial(_elsewhere, "https://localhost@evil.example"),
    "double-slash": partial(_elsewhere, "https://localhost/"),
    "backslashes": lambda url: url.replace("/", "\\"),
    "no-path": lambda _: "https://localhost",
    "root": lambda _: "https://localhost/",
    "log-in": lambda _: "https://localhost/auth/login",
    "log-out": lambda _: "https://localhost/auth/logout",
    "sessions": lambda _: "https://localhost/auth/sessions",
    "parent-path": lambda url: url.rpartition("/")[0],
    "longer-path": lambda url: f"{url}/more",
    "prolonged-path": lambda url: f"{url}s",
    "upper-case-path": lambda url: "https://localhost" + url[17:].upper(),
    "trailing-slash": lambda url: f"{url}/",
    "dot-segment": lambda url: f"{url}/.",
    "dot-segments": lambda url: f"{url}/x/..",
    "path-in-the-query": lambda url: url.replace("localhost", "localhost/?", 1),
    "path-in-the-fragment": lambda url: url.replace("localhost", "localhost#", 1),
    "query-escaped": lambda url: f"{url}%3Fx=1",
    "fragment-escaped": lambda url: f"{url}%23x",
    "query-of-another-path": lambda url: f"{url}/more?x=1",
    "query-alone": lambda url: f"?{url}",
    "parameter": lambda url: f"{url};x=1",
    "percent-encoded-letter": lambda url: url[:-1] + f"%{ord(url[-1]):02x}",
    "percent-encoded-slash": lambda url: "https://localhost" + url[17:].replace("/", "%2F"),
    "leading-space": lambda url: f" {url}",
    "trailing-space": lambda url: f"{url} ",
    "trailing-newline": lambda url: f"{url}\n",
    "trailing-nul": lambda url: f"{url}\0",
    "list": lambda url: [url],
    "object": lambda url: {url: 1},
    "two-in-one": lambda url: f"{url} {url}",
    "empty": lambda _: "",
    "number": lambda _: 1,
    "true": lambda _: True,
    "null": lambda _: None,
}


def claim_names() -> Iterator[Case]:
    for name, value in EXTRA_CLAIMS.items():
        build = partial(claims_with, {"" if name == "empty-name" else name: value})
        yield Case(f"claim-extra-{name}", "claims", build)
    for name in ("jti", "htm", "htu", "iat"):
        yield Case(f"claim-{name}-missing", "claims", partial(claims_without, name))
    yield Case("claims-empty", "claims", lambda m: m.forge(claims={}))
    yield Case("claims-upper-case-names", "claims", _shouted_claims)
    yield Case("ath-on-a-refresh", "claims", _needless_ath, only=REFRESH)
    yield Case("ath-null-on-a-refresh", "claims", partial(claims_with, {"ath": None}), REFRESH)
    yield Case("ath-missing", "claims", partial(claims_without, "ath"), only=PROTECTED)


def _shouted_claims(maker: Maker) -> str:
    return maker.forge(claims={name.upper(): value for name, value in maker.claims().items()})


def _needless_ath(maker: Maker) -> str:
    return claims_with({"ath": token_hash("a token")}, maker)


def requests() -> Iterator[Case]:
    for name, change in METHODS.items():
        yield Case(f"htm-{name}", "request", partial(claim_changed, "htm", change))
    for name, change in URLS.items():
        yield Case(f"htu-{name}", "request", partial(claim_changed, "htu", change))
    for name, origin in (("host", "https://forwarded.example"), ("scheme", "http://localhost")):
        build = partial(claim_changed, "htu", partial(_elsewhere, origin))
        headers = FORWARDED if name == "host" else (("X-Forwarded-Proto", "http"),)
        yield Case(f"htu-of-the-forwarded-{name}", "request", build, headers=headers)


WRONG_HASHES: dict[str, Callable[[str], Any]] = {
    "of-another-token": lambda _: token_hash("another token"),
    "of-the-token-without-its-end": lambda token: token_hash(token[:-1]),
    "of-the-token-with-its-scheme": lambda token: token_hash(f"DPoP {token}"),
    "of-nothing": lambda _: token_hash(""),
    "the-token-itself": lambda token: token[:60],
    "padded": lambda token: token_hash(token) + "=",
    "truncated": lambda token: token_hash(token)[:-1],
    "prolonged": lambda token: token_hash(token) + "A",
    "loose-bits": lambda token: bumped(token_hash(token)),
    "in-hex": lambda token: hashlib.sha256(token.encode()).hexdigest(),
    "sha-512": lambda token: base64url(hashlib.sha512(token.encode()).digest()),
    "of-its-left-half": lambda token: base64url(hashlib.sha256(token.encode()).digest()[:16]),
    "list": lambda token: [token_hash(token)],
    "object": lambda token: {token_hash(token): 1},
    "empty": lambda _: "",
    "number": lambda _: 1,
    "null": lambda _: None,
    "true": lambda _: True,
}

BAD_NUMBERS: dict[str, Any] = {
    "empty": "",
    "too-short": "x" * 7,
    "too-long": "x" * 129,
    "with-space": "x" * 20 + " ",
    "with-newline": "x" * 20 + "\n",
    "with-nul": "x" * 20 + "\0",
    "with-slash": "x" * 20 + "/",
    "with-colon": "x" * 20 + ":",
    "redis-glob": "x" * 20 + "*",
    "non-ascii": "x" * 20 + "\u0661",
    "lone-surrogate": "x" * 20 + "\ud800",
    "number": 12345678901234567890,
    "true": True,
    "null": None,
    "list": ["x" * 20],
    "object": {"x" * 20: 1},
}

BAD_TIMES: dict[str, Callable[[int], Any]] = {
    "float": float,
    "text": str,
    "true": lambda _: True,
    "false": lambda _: False,
    "null": lambda _: None,
    "list": lambda now: [now],
    "object": lambda now: {"now": now},
    "zero": lambda _: 0,
    "negative": lambda now: -now,
    "in-milliseconds": lambda now: now * 1000,
    "more-than-a-day-behind": lambda now: now - MAX_SKEW_SECONDS - 1,
    "more-than-a-day-ahead": lambda now: now + MAX_SKEW_SECONDS + 1,
    "a-year-behind": lambda now: now - 365 * 86400,
    "a-year-ahead": lambda now: now + 365 * 86400,
    "beyond-64-bits": lambda _: 2**64,
    "of-600-bits": lambda _: 2**600,
}

BAD_NONCES: dict[str, Callable[[Maker], Any]] = {
    "empty": lambda _: "",
    "just-too-old": lambda m: nonce_at(m, m.now - NONCE_SECONDS),
    "an-hour-old": lambda m: m.nonces.current(m.now - 3600),
    "too-far-ahead": lambda m: nonce_at(m, m.now + 17),
    "of-tomorrow": lambda m: m.nonces.current(m.now + 86400),
    "of-another-server": lambda m: Nonces(b"another server's key", 5).current(m.now),
    "made-up": lambda m: nonce_at(m, m.now)[:16] + "A" * 16,
    "no-base64": lambda _: "=" * 32,
    "not-ascii": lambda _: "é" * 32,
    "the-second": lambda m: str(m.now),
    "padded": lambda m: m.nonces.current(m.now) + "==",
    "with-space": lambda m: m.nonces.current(m.now) + " ",
    "truncated": lambda m: m.nonces.current(m.now)[:-1],
    "prolonged": lambda m: m.nonces.current(m.now) + "A",
    "other-case": lambda m: m.nonces.current(m.now).swapcase(),
    "last-character-replaced": lambda m: bumped(m.nonces.current(m.now)),
    "two-in-one": lambda m: " ".join([m.nonces.current(m.now)] * 2),
    "list": lambda m: [m.nonces.current(m.now)],
    "two-in-a-list": lambda m: [m.nonces.current(m.now)] * 2,
    "object": lambda m: {m.nonces.current(m.now): 1},
    "number": lambda _: 1,
    "true": lambda _: True,
    "null": lambda _: None,
}


def nonce_at(maker: Maker, second: int) -> str:
    """Return the nonce that was made in that second, whatever was forgotten since."""
    return maker.nonces._make(second)


LITERALS = {"1e9": b"1e9", "1e400": b"1e400", "minus-zero": b"-0.0", "point": b"1800000000.0"}


def _hash_of(change: Callable[[str], Any], maker: Maker) -> str:
    return claims_with({"ath": change(maker.access_token or "")}, maker)


def _nonce_of(change: Callable[[Maker], Any], maker: Maker) -> str:
    return claims_with({"nonce": change(maker)}, maker)


def claim_values() -> Iterator[Case]:
    for name, spell in WRONG_HASHES.items():
        yield Case(f"ath-{name}", "token", partial(_hash_of, spell), only=PROTECTED)
    for name, value in BAD_NUMBERS.items():
        yield Case(f"jti-{name}", "jti", partial(claims_with, {"jti": value}))
    for name, at in BAD_TIMES.items():
        yield Case(f"iat-{name}", "iat", partial(claim_changed, "iat", at))
    for name, raw in LITERALS.items():
        yield Case(f"iat-{name}", "iat", partial(claim_raw, "iat", raw))
    yield Case("iat-nan", "not_json", partial(claim_raw, "iat", b"NaN"))
    yield Case("iat-leading-zero", "not_json", partial(claim_raw, "iat", b"01800000000"))
    for name, give in BAD_NONCES.items():
        yield Case(f"nonce-{name}", "nonce", partial(_nonce_of, give))
    yield Case("nonce-missing", "nonce", partial(claims_without, "nonce"))
