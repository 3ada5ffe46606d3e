"""Hostile tokens: several hundred, each with its name, how it is forged, and why it is refused.

They are signed with the application's real derived key, by hand and not through PyJWT, so that
nothing is wrong with a token but the one thing it is named after. Each is refused twice: by the
codec, for exactly the reason given here, and over HTTP.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from app.tokens.keys import derive
from tests.support.forger import ACCESS, OTHER_SECRET, REFRESH, Forger, compact_json, encode
from tests.vectors.spellings import (
    claims_bytes,
    claims_with,
    claims_without,
    edged,
    header_bytes,
    header_with,
    header_without,
    inserted,
    loose_end,
    serialised,
    spliced,
    standard_alphabet,
    swapped,
)


@dataclass(frozen=True)
class Case:
    """One hostile token.

    `only` names the purpose it is about, both when empty. `cookie` is false where a Cookie
    header would change the text on its way, for instance trim it.
    """

    name: str
    reason: str
    build: Callable[[Forger], str]
    only: str = ""
    cookie: bool = True


def for_purpose(purpose: str) -> list[Case]:
    """Return the cases that are about one purpose."""
    return [case for case in CASES if case.only in {"", purpose}]


# -- the form: one spelling, at most 4 kB --------------------------------------------------


def _padded(size: int, forger: Forger) -> str:
    """Return a signed token of exactly `size` characters, by a claim of the right length."""
    for length in range(size):
        token = forger.forge(claims=forger.claims() | {"pad": "x" * (size * 3 // 4 - length)})
        if len(token) == size:
            return token
    raise AssertionError(size)


def _digits(forger: Forger) -> str:
    """Spell the digits of a good token in Arabic-Indic, which Python also calls digits."""
    return forger.forge().translate({ord("0") + n: chr(0x660 + n) for n in range(10)})


def _form() -> Iterator[Case]:
    edges = {
        "space": " ",
        "tab": "\t",
        "newline": "\n",
        "carriage-return": "\r\n",
        "vertical-tab": "\x0b",
        "no-break-space": "\xa0",
        "zero-width-space": "\u200b",
        "byte-order-mark": "\ufeff",
        "nul": "\0",
    }
    for name, char in edges.items():
        yield Case(f"leading-{name}", "not_compact", partial(edged, char, ""), cookie=False)
        yield Case(f"trailing-{name}", "not_compact", partial(edged, "", char), cookie=False)
    inside = {
        "space": " ",
        "newline": "\n",
        "exclamation-marks": "!!",
        "padding": "=",
        "percent-escape": "%2E",
        "non-ascii-letter": "\u0430",
        "full-width-letter": "\uff21",
        "lone-surrogate": "\ud800",
        "nul": "\0",
    }
    for name, char in inside.items():
        for at, segment in enumerate(("header", "payload", "signature")):
            yield Case(
                f"{name}-in-{segment}",
                "not_compact",
                partial(spliced, at, partial(inserted, char)),
                cookie=char.isascii(),
            )
    yield Case("non-ascii-digits", "not_compact", _digits)
    yield Case("standard-base64-alphabet", "not_compact", standard_alphabet)
    yield Case("one-equals-sign", "not_compact", lambda f: f.forge() + "=")
    yield Case("two-equals-signs", "not_compact", lambda f: f.forge() + "==")
    yield Case("quoted", "not_compact", lambda f: f'"{f.forge()}"', cookie=False)
    yield Case("empty", "not_compact", lambda _: "")
    yield Case("two-dots", "not_compact", lambda _: "..")
    yield Case("a-word", "not_compact", lambda _: "undefined")
    yield Case("one-segment", "not_compact", lambda f: f.forge().split(".")[0])
    yield Case("two-segments", "not_compact", lambda f: f.forge().rpartition(".")[0])
    yield Case("four-segments", "not_compact", lambda f: f.forge() + ".AAAA")
    yield Case("trailing-dot", "not_compact", lambda f: f.forge() + ".")
    yield Case("leading-dot", "not_compact", lambda f: "." + f.forge())
    yield Case("empty-header", "not_compact", partial(spliced, 0, lambda _: ""))
    yield Case("empty-payload", "not_compact", partial(spliced, 1, lambda _: ""))
    yield Case("empty-signature", "not_compact", partial(spliced, 2, lambda _: ""))
    yield Case("jwe-five-segments", "not_compact", _jwe)
    yield Case("json-flattened", "not_compact", partial(serialised, "flattened"), cookie=False)
    yield Case("json-general", "not_compact", partial(serialised, "general"), cookie=False)
    yield Case("two-tokens-with-comma", "not_compact", lambda f: f"{f.forge()},{f.forge()}")
    yield Case("device-mark", "not_compact", _device_mark)
    yield Case("one-byte-too-long", "too_long", partial(_padded, 4097))
    yield Case("a-megabyte", "too_long", lambda f: f.forge(claims={"x": "y" * 2**20}))
    yield Case("a-megabyte-of-nothing", "too_long", lambda _: "A" * 2**20)
    for at, segment in enumerate(("header", "payload", "signature")):
        yield Case(f"loose-bits-in-{segment}", "not_canonical", partial(loose_end, at))
        yield Case(
            f"impossible-length-of-{segment}",
            "not_canonical",
            partial(spliced, at, lambda s: s[: len(s) // 4 * 4] + "A"),
        )


def _jwe(forger: Forger) -> str:
    header = {"alg": "dir", "enc": "A256GCM", "typ": forger.typ}
    return ".".join([encode(compact_json(header)), "", *(encode(b"x" * 16) for _ in range(3))])


def _device_mark(forger: Forger) -> str:
    from app.accounts.known_browsers import KnownBrowsers  # noqa: PLC0415 - the one case that needs it
    from app.accounts.models import User  # noqa: PLC0415

    s = forger.settings
    key = derive(s.jwt_secret, env=s.env, issuer=s.public_url, purpose="device")
    ada = User("a" * 22, "ada@example.com", "", 0, 0, None, None)
    return KnownBrowsers(key).renew("", ada, forger.now)


# -- the JSON: UTF-8, one object, each name once -------------------------------------------


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


def _json_forms() -> Iterator[Case]:
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


# -- the header: exactly alg, typ and kid --------------------------------------------------


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


def _headers() -> Iterator[Case]:
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


# -- the signature: our key, and no other --------------------------------------------------


@cache
def _rsa() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@cache
def _p256() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@cache
def _ed25519() -> ed25519.Ed25519PrivateKey:
    return ed25519.Ed25519PrivateKey.generate()


def _es256(signed: bytes) -> bytes:
    r, s = decode_dss_signature(_p256().sign(signed, ec.ECDSA(SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def _pss(signed: bytes) -> bytes:
    return _rsa().sign(signed, padding.PSS(padding.MGF1(SHA256()), 32), SHA256())


SIGNERS: dict[str, Callable[[bytes], bytes]] = {
    "RS256": lambda signed: _rsa().sign(signed, padding.PKCS1v15(), SHA256()),
    "PS256": _pss,
    "ES256": _es256,
    "EdDSA": lambda signed: _ed25519().sign(signed),
    "Ed25519": lambda signed: _ed25519().sign(signed),
}


def _asymmetric(alg: str, forger: Forger) -> str:
    head = encode(compact_json(forger.header() | {"alg": alg}))
    signed = f"{head}.{encode(compact_json(forger.claims()))}"
    return f"{signed}.{encode(SIGNERS[alg](signed.encode()))}"


def _public_key(form: serialization.Encoding) -> bytes:
    """Return a public key as bytes: what algorithm confusion uses as an HMAC secret."""
    return _rsa().public_key().public_bytes(form, serialization.PublicFormat.SubjectPublicKeyInfo)


def _embedded_key(forger: Forger) -> str:
    """Bring the key along: CVE-2018-0114."""
    jwk = {"kty": "oct", "k": encode(OTHER_SECRET)}
    return forger.forge(header=forger.header() | {"jwk": jwk}, key=OTHER_SECRET)


def _flipped(segment: int, forger: Forger) -> str:
    """Flip one bit of what a segment decodes to, and keep it canonical JSON where it is JSON."""
    parts = forger.forge().split(".")
    raw = bytearray(base64.urlsafe_b64decode(parts[segment] + "=="))
    value = {0: forger.ring().signing_kid, 1: forger.jti}.get(segment, "")
    at = raw.index(value.encode()) if value else 0
    while value and not chr(raw[at] ^ 0b1).isalnum():
        at += 1
    raw[at] ^= 0b1
    parts[segment] = encode(bytes(raw))
    return ".".join(parts)


def _keys() -> Iterator[tuple[str, Callable[[Forger], bytes]]]:
    """Return wrong keys to sign with under our own `kid`."""
    yield "empty", lambda _: b""
    yield "one-nul", lambda _: b"\0"
    yield "the-secret-itself", lambda f: f.settings.jwt_secret
    yield "the-secret-as-text", lambda f: encode(f.settings.jwt_secret).encode()
    yield "the-form-key", lambda f: f.settings.secret_key.encode()
    yield "another-secret", lambda _: OTHER_SECRET
    yield "derived-from-another-secret", lambda f: f.ring(OTHER_SECRET).signing_key
    yield "of-staging", lambda f: f.ring(env="staging").signing_key
    yield "of-another-issuer", lambda f: f.ring(issuer="https://other.example").signing_key
    yield "of-the-other-purpose", lambda f: f.sibling.ring().signing_key
    yield "the-kid", lambda f: f.ring().signing_kid.encode()
    yield "public-key-pem", lambda _: _public_key(serialization.Encoding.PEM)
    yield "public-key-der", lambda _: _public_key(serialization.Encoding.DER)
    yield "a-common-word", lambda _: b"secret"


def _signed_with(key: Callable[[Forger], bytes], forger: Forger) -> str:
    return forger.forge(key=key(forger))


def _signatures() -> Iterator[Case]:
    yield Case("alg-hs384-right-key", "algorithm", partial(_hmac, "HS384", "sha384"))
    yield Case("alg-hs512-right-key", "algorithm", partial(_hmac, "HS512", "sha512"))
    for alg in SIGNERS:
        yield Case(f"alg-{alg.lower()}", "algorithm", partial(_asymmetric, alg))
    yield Case("alg-none-unsigned", "not_compact", _unsigned)
    yield Case("embedded-jwk", "header", _embedded_key)
    yield Case("sha512-under-hs256", "signature", lambda f: f.forge(digest="sha512"))
    for name, key in _keys():
        yield Case(f"key-{name}", "signature", partial(_signed_with, key))
    yield Case("bit-flipped-in-header", "unknown_key", partial(_flipped, 0))
    yield Case("bit-flipped-in-payload", "signature", partial(_flipped, 1))
    yield Case("bit-flipped-in-signature", "signature", partial(_flipped, 2))
    yield Case("signature-truncated", "signature", partial(spliced, 2, lambda s: s[:40]))
    yield Case("signature-of-one-byte", "signature", partial(spliced, 2, lambda _: "AA"))
    yield Case("signature-twice", "signature", partial(spliced, 2, lambda s: s[:40] + s[:40]))
    yield Case("signature-of-zeros", "signature", partial(spliced, 2, lambda s: "A" * len(s)))
    yield Case("signature-of-another-token", "signature", _borrowed_signature)
    yield Case("segments-swapped", "header", swapped)


def _hmac(alg: str, digest: str, forger: Forger) -> str:
    return forger.forge(header=forger.header() | {"alg": alg}, digest=digest)


def _unsigned(forger: Forger) -> str:
    head = encode(compact_json({"alg": "none", "typ": forger.typ}))
    return f"{head}.{encode(compact_json(forger.claims()))}."


def _borrowed_signature(forger: Forger) -> str:
    other = replace(forger, jti="o" * 22).forge().rpartition(".")[2]
    return spliced(2, lambda _: other, forger)


# -- the claims: all of them, no others, of the right type and value -----------------------


NOT_A_TEXT: dict[str, Any] = {
    "true": True,
    "number": 7,
    "float": 1.5,
    "negative": -1,
    "list": ["x"],
    "object": {"x": 1},
}
NOT_AN_INTEGER: dict[str, Any] = {
    "true": True,
    "false": False,
    "text": "1800000000",
    "float": 1800000000.0,
    "list": [1800000000],
    "empty-list": [],
    "object": {},
    "empty-text": "",
}
# Which claim's type PyJWT looks at itself, and what its refusal is called here.
TYPE_REASONS = {"iss": "issuer", "aud": "audience", "sub": "claims", "jti": "claims"}
BAD_IDS = {
    "empty": "",
    "too-short": "x" * 15,
    "too-long": "x" * 65,
    "3000-characters": "x" * 2000,
    "with-space": "x" * 20 + " ",
    "with-newline": "x" * 20 + "\n",
    "with-nul": "x" * 20 + "\0",
    "with-slash": "x" * 20 + "/",
    "non-ascii": "x" * 20 + "\u0661",
    "lone-surrogate": "x" * 20 + "\ud800",
    "redis-glob": "x" * 20 + "*",
}


def _family_claims() -> Iterator[Case]:
    for only, name in ((ACCESS, "sid"), (REFRESH, "family_id")):
        for what, value in NOT_A_TEXT.items():
            build = partial(claims_with, {name: value})
            yield Case(f"{name}-{what}", "claim_type", build, only)
        for what, text in BAD_IDS.items():
            build = partial(claims_with, {name: text})
            yield Case(f"{name}-{what}", "claim_value", build, only)
        yield Case(f"{name}-missing", "claims", partial(claims_without, name), only)
        yield Case(f"{name}-null", "claims", partial(claims_with, {name: None}), only)


def _text_claims() -> Iterator[Case]:
    for name, reason in TYPE_REASONS.items():
        for what, value in NOT_A_TEXT.items():
            yield Case(f"{name}-{what}", reason, partial(claims_with, {name: value}))
        yield Case(f"{name}-missing", "claims", partial(claims_without, name))
        yield Case(f"{name}-null", "claims", partial(claims_with, {name: None}))
    for name in ("sub", "jti"):
        for what, text in BAD_IDS.items():
            yield Case(f"{name}-{what}", "claim_value", partial(claims_with, {name: text}))


def _time_claims(name: str, only: str = "") -> Iterator[Case]:
    for what, value in NOT_AN_INTEGER.items():
        yield Case(f"{name}-{what}", "claim_type", partial(claims_with, {name: value}), only)
    for what, raw in (("1e400", b"1e400"), ("1e9", b"1e9"), ("negative-zero", b"-0.0")):
        yield Case(f"{name}-{what}", "claim_type", partial(_claims_raw, name, raw), only)
    for what, number in (("zero", 0), ("negative", -1), ("of-4000-bits", 2**4000)):
        yield Case(f"{name}-{what}", "times", partial(claims_with, {name: number}), only)
    for word in (b"NaN", b"Infinity", b"-Infinity"):
        build = partial(_claims_raw, name, word)
        yield Case(f"{name}-{word.decode()}", "not_json", build, only)
    yield Case(f"{name}-missing", "claims", partial(claims_without, name), only)
    yield Case(f"{name}-null", "claims", partial(claims_with, {name: None}), only)


def _claims_raw(name: str, raw: bytes, forger: Forger) -> str:
    """Put a literal that Python's own JSON writer would not write."""
    marked = compact_json(forger.claims() | {name: "<here>"})
    return forger.forge(claims=marked.replace(b'"<here>"', raw))


EXTRA_CLAIMS: dict[str, dict[str, Any]] = {
    "nbf-future": {"nbf": 2**33},
    "nbf-past": {"nbf": 1},
    "admin": {"admin": True},
    "scope": {"scope": "openid"},
    "azp": {"azp": "someone"},
    "client-id": {"client_id": "someone"},
    "empty-name": {"": 1},
    "prototype": {"__proto__": {}},
}
WRONG_ISSUERS: dict[str, Callable[[str], Any]] = {
    "other": lambda _: "https://other.example",
    "empty": lambda _: "",
    "trailing-slash": lambda ours: ours + "/",
    "prefix": lambda ours: ours[:-1],
    "prolonged": lambda ours: ours + ".attacker.example",
    "upper-case": lambda ours: ours.upper(),
    "http": lambda ours: ours.replace("https:", "http:"),
    "with-port": lambda ours: ours + ":443",
    "with-space": lambda ours: ours + " ",
    "list-with-ours": lambda ours: [ours],
}
WRONG_AUDIENCES: dict[str, Callable[[str], Any]] = {
    "other": lambda _: "https://other.example/api",
    "issuer": lambda _: "https://localhost",
    "trailing-slash": lambda ours: ours + "/",
    "prefix": lambda ours: ours[:-1],
    "prolonged": lambda ours: ours + "2",
    "upper-case": lambda ours: ours.upper(),
    "list-of-ours": lambda ours: [ours],
    "list-with-ours-first": lambda ours: [ours, "https://other.example"],
    "list-with-ours-last": lambda ours: ["https://other.example", ours],
    "object-with-ours": lambda ours: {ours: 1},
    "both-in-one-text": lambda ours: f"{ours} https://other.example",
}


def _wrong(name: str, change: Callable[[str], Any], forger: Forger) -> str:
    return claims_with({name: change(forger.claims()[name])}, forger)


def _claim_values() -> Iterator[Case]:
    for name, added in EXTRA_CLAIMS.items():
        yield Case(f"extra-claim-{name}", "claims", partial(claims_with, added))
    yield Case("extra-claim-of-the-sibling", "claims", _both_family_claims)
    yield Case("no-claims", "claims", lambda f: f.forge(claims={}))
    yield Case("claims-of-the-sibling", "claims", lambda f: f.forge(claims=f.sibling.claims()))
    for name, change in WRONG_ISSUERS.items():
        yield Case(f"iss-{name}", "issuer", partial(_wrong, "iss", change))
    for name, change in WRONG_AUDIENCES.items():
        yield Case(f"aud-{name}", "audience", partial(_wrong, "aud", change))
    yield Case(
        "aud-of-the-sibling",
        "audience",
        lambda f: claims_with({"aud": f.sibling.claims()["aud"]}, f),
    )
    nothings: dict[str, Any] = {"empty-list": [], "empty-text": "", "zero": 0, "false": False}
    for name, nothing in nothings.items():
        yield Case(f"aud-{name}", "claims", partial(claims_with, {"aud": nothing}))


def _both_family_claims(forger: Forger) -> str:
    return claims_with({forger.sibling.family_claim: forger.family}, forger)


def _shifted(forger: Forger, iat: int, exp: int) -> str:
    """Move both times, relative to now; the password was given at `iat`."""
    times = {"iat": forger.now + iat, "exp": forger.now + exp}
    if forger.purpose == ACCESS:
        times["auth_time"] = times["iat"]
    return claims_with(times, forger)


def _times() -> Iterator[Case]:
    def leeway(forger: Forger) -> int:
        return forger.settings.clock_leeway

    yield Case("expired-long-ago", "expired", lambda f: _shifted(f, -600, -100))
    yield Case("expired-just-past-leeway", "expired", lambda f: _shifted(f, -600, -leeway(f)))
    yield Case(
        "issued-just-past-leeway", "issued_in_future", lambda f: _shifted(f, leeway(f) + 1, 500)
    )
    yield Case("issued-tomorrow", "issued_in_future", lambda f: _shifted(f, 86400, 86900))
    yield Case("exp-equals-iat", "times", lambda f: _shifted(f, 0, 0))
    yield Case("exp-before-iat", "times", lambda f: _shifted(f, 0, -1))
    yield Case("exp-at-the-end-of-time", "times", partial(claims_with, {"exp": 2**40}))
    yield Case("exp-beyond-64-bits", "times", partial(claims_with, {"exp": 2**64}))
    yield Case("lives-a-second-too-long", "lifetime", lambda f: _shifted(f, 0, f.max_lifetime + 1))
    yield Case("lives-for-a-century", "lifetime", lambda f: _shifted(f, 0, 100 * 365 * 86400))
    yield Case("auth-time-after-iat", "times", _late_password, ACCESS)


def _late_password(forger: Forger) -> str:
    return claims_with({"auth_time": forger.now + 1}, forger)


# -- tokens of others, whole and well made -------------------------------------------------


def _elsewhere(secret: bytes, env: str, issuer: str, forger: Forger) -> str:
    """Sign a good token of another deployment."""
    there = replace(forger.settings, public_url=issuer or forger.settings.public_url)
    ring = forger.ring(secret, env, issuer)
    header = forger.header() | {"kid": ring.signing_kid}
    claims = replace(forger, settings=there).claims()
    return forger.forge(header, claims, ring.signing_key)


def _others() -> Iterator[Case]:
    yield Case(
        "of-a-secret-no-longer-listed", "unknown_key", partial(_elsewhere, OTHER_SECRET, "", "")
    )
    for env in ("development", "staging", "production"):
        yield Case(f"of-{env}-same-secret", "unknown_key", partial(_elsewhere, b"", env, ""))
    yield Case(
        "of-another-issuer-same-secret",
        "unknown_key",
        partial(_elsewhere, b"", "", "https://other.example"),
    )
    yield Case("of-the-other-purpose", "type", lambda f: f.sibling.forge())
    yield Case("of-the-other-purpose-retyped", "unknown_key", _retyped)


def _retyped(forger: Forger) -> str:
    other = forger.sibling
    header = other.header() | {"typ": forger.typ}
    return other.forge(header=header)


CASES: tuple[Case, ...] = (
    *_form(),
    *_json_forms(),
    *_headers(),
    *_signatures(),
    *_family_claims(),
    *_text_claims(),
    *_time_claims("iat"),
    *_time_claims("exp"),
    *_time_claims("auth_time", ACCESS),
    *_claim_values(),
    *_times(),
    *_others(),
)
