"""Hostile proofs: over three hundred, each with its name, how it is made, and why it is refused.

They are signed with a real key, by hand, so that nothing is wrong with a proof but the one thing
it is named after. Each is refused twice: where proofs are read, for exactly the reason given
here, and over HTTP, where it neither opens nor ends anything.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm

from app.attacks.prover import Prover, base64url, token_hash
from app.tokens.dpop import MAX_PROOF_LENGTH, MAX_SKEW_SECONDS
from app.tokens.nonces import NONCE_SECONDS, Nonces
from tests.support.forger import compact_json
from tests.vectors.spellings import (
    bumped,
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

# Two doors: the refresh asks for no `ath`, a protected request does.
REFRESH = "refresh"
PROTECTED = "protected"
JTI = "a-good-number-of-a-proof"
# SEC 2 section 2.4.2: the field of P-256, its order, its generator.
FIELD = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
GENERATOR = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)


@dataclass(frozen=True)
class Maker:
    """The holder of a key at one door of one server, and what a good proof says there at `now`."""

    prover: Prover
    nonces: Nonces
    now: int
    method: str = "POST"
    url: str = "https://localhost/auth/refresh"
    access_token: str | None = None
    jti: str = JTI

    @property
    def ath(self) -> str | None:
        """The hash of the access token, where the door asks for one."""
        return None if self.access_token is None else token_hash(self.access_token)

    def header(self) -> dict[str, Any]:
        """Return a good header."""
        return self.prover.header()

    def claims(self) -> dict[str, Any]:
        """Return good claims."""
        said = {
            "jti": self.jti,
            "htm": self.method,
            "htu": self.url,
            "iat": self.now,
            "nonce": self.nonces.current(self.now),
        }
        return said if self.ath is None else said | {"ath": self.ath}

    def forge(
        self,
        header: Mapping[str, Any] | bytes | None = None,
        claims: Mapping[str, Any] | bytes | None = None,
        sign: Callable[[str], bytes] | None = None,
    ) -> str:
        """Sign whatever is given; what is not given is good."""
        first = base64url(compact_json(self.header() if header is None else header))
        second = base64url(compact_json(self.claims() if claims is None else claims))
        signed = f"{first}.{second}"
        return f"{signed}.{base64url((sign or self.prover.signature)(signed))}"

    def sign(self, signed: str) -> str:
        """Put the signature behind two finished segments."""
        return self.prover.sign_text(signed)


@dataclass(frozen=True)
class Case:
    """A proof to refuse.

    `only` is the one door it is about, `first` makes a good proof that was used before it, and
    `headers` are what a client sends besides.
    """

    name: str
    reason: str
    build: Callable[[Maker], str]
    only: str = ""
    first: Callable[[Maker], str] | None = None
    headers: tuple[tuple[str, str], ...] = ()


def at_door(door: str) -> list[Case]:
    """Return the cases that are about one door."""
    return [case for case in CASES if case.only in {"", door}]


# -- the form: one spelling, at most 2 kB --------------------------------------------------------


def longest(maker: Maker) -> str:
    """Return the longest signed proof that is still looked at; its padding is what is refused."""
    return [text for text in _padded(maker) if len(text) <= MAX_PROOF_LENGTH][-1]


def _too_long(maker: Maker) -> str:
    """Return the shortest signed proof that is too long."""
    return next(text for text in _padded(maker) if len(text) > MAX_PROOF_LENGTH)


def _padded(maker: Maker) -> list[str]:
    """Return signed proofs around the limit of size, each a character of claims longer."""
    spare = (MAX_PROOF_LENGTH - len(maker.forge())) * 3 // 4
    sizes = range(spare - 16, spare + 4)
    return [maker.forge(claims=maker.claims() | {"pad": "x" * size}) for size in sizes]


def _one_left_over(segment: int, maker: Maker) -> str:
    """Return a segment a length that no bytes encode to, and sign that."""
    parts = [_whole(compact_json(maker.header())), _whole(compact_json(maker.claims()))]
    parts[segment] += "A"
    return maker.sign(".".join(parts))


def _whole(raw: bytes) -> str:
    return base64url(raw + b" " * (-len(raw) % 3))


EDGES = {
    "space": " ",
    "tab": "\t",
    "newline": "\n",
    "carriage-return": "\r\n",
    "no-break-space": "\xa0",
    "zero-width-space": "\u200b",
    "byte-order-mark": "\ufeff",
    "nul": "\0",
    "quote": '"',
    "comma": ",",
    "dot": ".",
}
INSIDE = {
    "space": " ",
    "newline": "\n",
    "padding": "=",
    "percent-escape": "%2E",
    "non-ascii-letter": "\u0430",
    "non-ascii-digit": "\u0661",
}
WHOLE: dict[str, Callable[[Maker], str]] = {
    "empty": lambda _: "",
    "a-word": lambda _: "proof",
    "two-dots": lambda _: "..",
    "one-segment": lambda m: m.forge().split(".")[0],
    "two-segments": lambda m: m.forge().rpartition(".")[0],
    "four-segments": lambda m: m.forge() + ".AAAA",
    "five-segments": lambda m: m.forge() + ".AAAA.AAAA",
    "no-header": lambda m: "." + m.forge().partition(".")[2],
    "no-claims": lambda m: "{0}..{2}".format(*m.forge().split(".")),
    "no-signature": lambda m: m.forge().rpartition(".")[0] + ".",
    "two-proofs": lambda m: f"{m.forge()},{m.forge()}",
    "two-proofs-and-a-space": lambda m: f"{m.forge()}, {m.forge()}",
    "a-proof-after-nothing": lambda m: f", {m.forge()}",
    "a-scheme-before-it": lambda m: f"DPoP {m.forge()}",
    "standard-alphabet": standard_alphabet,
    "json-flattened": partial(serialised, "flattened"),
    "json-general": partial(serialised, "general"),
}


def _form() -> Iterator[Case]:
    for name, build in WHOLE.items():
        yield Case(f"form-{name}", "not_compact", build)
    for name, char in EDGES.items():
        yield Case(f"leading-{name}", "not_compact", partial(edged, char, ""))
        yield Case(f"trailing-{name}", "not_compact", partial(edged, "", char))
    for at, segment in enumerate(("header", "claims", "signature")):
        for name, char in INSIDE.items():
            build = partial(spliced, at, partial(inserted, char))
            yield Case(f"{name}-in-{segment}", "not_compact", build)
        padded = partial(spliced, at, lambda text: text + "=")
        yield Case(f"padding-behind-{segment}", "not_compact", padded)
        yield Case(f"loose-bits-in-{segment}", "not_canonical", partial(loose_end, at))
    yield Case("left-over-in-header", "not_canonical", partial(_one_left_over, 0))
    yield Case("left-over-in-claims", "not_canonical", partial(_one_left_over, 1))
    yield Case("a-character-too-long", "too_long", _too_long)
    yield Case("seven-kilobytes", "too_long", lambda m: m.forge(b'{"x":"%b"}' % (b"x" * 5000)))
    yield Case("seven-kilobytes-of-nothing", "too_long", lambda _: "A" * 7000)
    yield Case("segments-swapped", "header", swapped)


# -- the JSON: one object in UTF-8, each name once -----------------------------------------------


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


def _json_forms() -> Iterator[Case]:
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


# -- the header: exactly three names -------------------------------------------------------------


EXTRA_HEADERS: dict[str, Any] = {
    "kid": "1",
    "jku": "http://127.0.0.1:9/jwks",
    "x5u": "http://127.0.0.1:9/x5u",
    "x5c": ["AAAA"],
    "x5t": "AAAA",
    "x5t#S256": "AAAA",
    "crit": ["exp"],
    "crit-empty": [],
    "b64": True,
    "b64-false": False,
    "zip": "DEF",
    "cty": "JWT",
    "nonce": "AAAA",
    "iat": 1,
    "empty-name": 1,
    "__proto__": {},
}
OTHER_NAME = {"crit-empty": "crit", "b64-false": "b64", "empty-name": ""}
WRONG_TYPES: dict[str, Any] = {
    "jwt": "JWT",
    "access-token": "at+jwt",
    "refresh-token": "rt+jwt",
    "upper-case": "DPOP+JWT",
    "mixed-case": "dpop+JWT",
    "media-type": "application/dpop+jwt",
    "with-space": "dpop+jwt ",
    "empty": "",
    "null": None,
    "number": 1,
    "list": ["dpop+jwt"],
    "object": {"dpop+jwt": 1},
}
WRONG_ALGORITHMS: dict[str, Any] = {
    "none": "none",
    "none-mixed-case": "nOnE",
    "lower-case": "es256",
    "with-space": "ES256 ",
    "es256k": "ES256K",
    "eddsa": "EdDSA",
    "ed25519": "Ed25519",
    "hs384": "HS384",
    "dir": "dir",
    "empty": "",
    "null": None,
    "number": 256,
    "true": True,
    "list": ["ES256"],
    "list-of-two": ["ES256", "none"],
    "object": {"ES256": 1},
}


def _headers() -> Iterator[Case]:
    for name, value in EXTRA_HEADERS.items():
        build = partial(header_with, {OTHER_NAME.get(name, name): value})
        yield Case(f"header-extra-{name.replace('#', '-')}", "header", build)
    unencoded = {"b64": False, "crit": ["b64"]}
    yield Case("header-unencoded-payload", "header", partial(header_with, unencoded))
    for name in ("typ", "alg", "jwk"):
        yield Case(f"header-without-{name}", "header", partial(header_without, name))
    yield Case("header-empty", "header", lambda m: m.forge(header={}))
    yield Case("header-upper-case-names", "header", _shouted)
    for name, typ in WRONG_TYPES.items():
        yield Case(f"typ-{name}", "header", partial(header_with, {"typ": typ}))
    for name, alg in WRONG_ALGORITHMS.items():
        yield Case(f"alg-{name}", "algorithm", partial(header_with, {"alg": alg}))
    for name, secret in SECRETS.items():
        yield Case(f"alg-hs256-by-{name}", "algorithm", partial(_mac, secret))
    yield Case("alg-rs256-by-its-own-key", "algorithm", partial(_rsa_proof, "RS256"))
    yield Case("alg-ps256-by-its-own-key", "algorithm", partial(_rsa_proof, "PS256"))
    yield Case("alg-es384-by-its-own-key", "algorithm", partial(_on_curve, "ES384", "P-384"))
    yield Case("alg-es512-by-its-own-key", "algorithm", partial(_on_curve, "ES512", "P-521"))
    yield Case("alg-eddsa-by-its-own-key", "algorithm", partial(_edwards_proof, "EdDSA"))
    yield Case("a-token-of-ours", "header", lambda m: m.access_token or "", only=PROTECTED)


def _shouted(maker: Maker) -> str:
    return maker.forge(header={name.upper(): value for name, value in maker.header().items()})


SECRETS: dict[str, Callable[[Maker], bytes]] = {
    "empty": lambda _: b"",
    "jwk": lambda m: compact_json(m.prover.jwk),
    "x": lambda m: str(m.prover.jwk["x"]).encode(),
    "x-and-y": lambda m: b"".join(_raw(m.prover.jwk[name]) for name in ("x", "y")),
    "point": lambda m: b"\x04" + b"".join(_raw(m.prover.jwk[name]) for name in ("x", "y")),
    "thumbprint": lambda m: m.prover.thumbprint.encode(),
}


def _raw(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "==")


def _mac(secret: Callable[[Maker], bytes], maker: Maker) -> str:
    """Take what everybody knows for a secret: algorithm confusion."""
    return maker.forge(
        maker.header() | {"alg": "HS256"},
        sign=lambda signed: hmac.digest(secret(maker), signed.encode(), "sha256"),
    )


# -- the key: a public one on P-256, in exactly four members -------------------------------------


@cache
def _rsa() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@cache
def _edwards() -> ed25519.Ed25519PrivateKey:
    return ed25519.Ed25519PrivateKey.generate()


CURVES: dict[str, tuple[ec.EllipticCurve, int, HashAlgorithm]] = {
    "P-384": (ec.SECP384R1(), 48, SHA384()),
    "P-521": (ec.SECP521R1(), 66, SHA512()),
    "secp256k1": (ec.SECP256K1(), 32, SHA256()),
    "brainpoolP256r1": (ec.BrainpoolP256R1(), 32, SHA256()),
}


@cache
def _curve_key(curve: str) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(CURVES[curve][0])


def _rsa_proof(alg: str, maker: Maker) -> str:
    numbers = _rsa().public_key().public_numbers()
    e, n = (base64url(x.to_bytes((x.bit_length() + 7) // 8)) for x in (numbers.e, numbers.n))

    def sign(signed: str) -> bytes:
        if alg == "PS256":
            pss = padding.PSS(padding.MGF1(SHA256()), 32)
            return _rsa().sign(signed.encode(), pss, SHA256())
        return _rsa().sign(signed.encode(), padding.PKCS1v15(), SHA256())

    jwk = {"kty": "RSA", "e": e, "n": n}
    return maker.forge(maker.header() | {"alg": alg, "jwk": jwk}, sign=sign)


def _edwards_proof(alg: str, maker: Maker) -> str:
    raw = (
        _edwards()
        .public_key()
        .public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    )
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": base64url(raw)}
    header = maker.header() | {"alg": alg, "jwk": jwk}
    return maker.forge(header, sign=lambda signed: _edwards().sign(signed.encode()))


def _on_curve(alg: str, curve: str, maker: Maker, named: str = "") -> str:
    """Return a proof that is right in itself, by a key on another curve, maybe under our name."""
    _, size, digest = CURVES[curve]
    numbers = _curve_key(curve).public_key().public_numbers()
    x, y = (base64url(n.to_bytes(size)) for n in (numbers.x, numbers.y))

    def sign(signed: str) -> bytes:
        r, s = decode_dss_signature(_curve_key(curve).sign(signed.encode(), ec.ECDSA(digest)))
        return r.to_bytes(size) + s.to_bytes(size)

    jwk = {"kty": "EC", "crv": named or curve, "x": x, "y": y}
    return maker.forge(maker.header() | {"alg": alg, "jwk": jwk}, sign=sign)


EXTRA_MEMBERS: dict[str, Any] = {
    "kid": "1",
    "alg": "ES256",
    "use": "sig",
    "key_ops": ["verify"],
    "ext": True,
    "x5c": ["AAAA"],
    "x5u": "http://127.0.0.1:9/",
    "k": "AAAA",
    "empty-d": "",
    "null-d": None,
    "empty-name": 1,
}
OTHER_MEMBER = {"empty-d": "d", "null-d": "d", "empty-name": ""}
WRONG_MEMBERS: dict[str, tuple[str, Any]] = {
    "kty-rsa": ("kty", "RSA"),
    "kty-oct": ("kty", "oct"),
    "kty-okp": ("kty", "OKP"),
    "kty-lower-case": ("kty", "ec"),
    "kty-list": ("kty", ["EC"]),
    "kty-null": ("kty", None),
    "crv-p-384": ("crv", "P-384"),
    "crv-p-521": ("crv", "P-521"),
    "crv-secp256k1": ("crv", "secp256k1"),
    "crv-ed25519": ("crv", "Ed25519"),
    "crv-lower-case": ("crv", "p-256"),
    "crv-another-name": ("crv", "prime256v1"),
    "crv-list": ("crv", ["P-256"]),
    "crv-null": ("crv", None),
    "x-number": ("x", 7),
    "x-null": ("x", None),
    "x-true": ("x", True),
    "x-list": ("x", ["AAAA"]),
    "x-empty": ("x", ""),
    "x-a-word": ("x", "x"),
    "x-of-surrogates": ("x", "\ud800" * 43),
    "y-number": ("y", 7),
    "y-null": ("y", None),
    "y-object": ("y", {}),
    "y-empty": ("y", ""),
    "y-non-ascii": ("y", "\u0430" * 43),
}
CHANGED_COORDINATES: dict[str, Callable[[str], str]] = {
    "short": lambda text: base64url(_raw(text)[1:]),
    "a-leading-zero": lambda text: base64url(b"\0" + _raw(text)),
    "a-trailing-zero": lambda text: base64url(_raw(text) + b"\0"),
    "padded": lambda text: text + "=",
    "with-space": lambda text: text + " ",
    "with-newline": lambda text: text[:20] + "\n" + text[20:],
    "loose-bits": bumped,
    "in-hex": lambda text: _raw(text).hex(),
    "decimal": lambda text: str(int.from_bytes(_raw(text))),
    "zero": lambda _: base64url(bytes(32)),
    "one": lambda _: base64url((1).to_bytes(32)),
    "the-field": lambda _: base64url(FIELD.to_bytes(32)),
    "above-the-field": lambda _: base64url((FIELD + 1).to_bytes(32)),
    "all-ones": lambda _: base64url(b"\xff" * 32),
    "next-to-it": lambda text: _number(int.from_bytes(_raw(text)) ^ 2),
}


def _number(number: int) -> str:
    return base64url(number.to_bytes(32))


def _jwk_with(changes: Mapping[str, Any], maker: Maker) -> str:
    return header_with({"jwk": maker.prover.jwk | dict(changes)}, maker)


def _jwk_without(name: str, maker: Maker) -> str:
    jwk = {k: v for k, v in maker.prover.jwk.items() if k != name}
    return header_with({"jwk": jwk}, maker)


def _coordinate(name: str, change: Callable[[str], str], maker: Maker) -> str:
    return _jwk_with({name: change(maker.prover.jwk[name])}, maker)


def _point(x: int, y: int, maker: Maker) -> str:
    return _jwk_with({"x": _number(x), "y": _number(y)}, maker)


def _mirrored(maker: Maker) -> str:
    """Name the point below: it is on the curve, and another key's."""
    y = FIELD - int.from_bytes(_raw(maker.prover.jwk["y"]))
    return _jwk_with({"y": _number(y)}, maker)


def _keys() -> Iterator[Case]:
    yield Case("jwk-private", "key", lambda m: header_with({"jwk": m.prover.private_jwk}, m))
    for name, value in EXTRA_MEMBERS.items():
        build = partial(_jwk_with, {OTHER_MEMBER.get(name, name): value})
        yield Case(f"jwk-extra-{name}", "key", build)
    for name in ("kty", "crv", "x", "y"):
        yield Case(f"jwk-without-{name}", "key", partial(_jwk_without, name))
    for name, (member, value) in WRONG_MEMBERS.items():
        yield Case(f"jwk-{name}", "key", partial(_jwk_with, {member: value}))
    nothings: dict[str, Any] = {"null": None, "list": [], "empty": {}, "number": 1, "true": True}
    for name, nothing in nothings.items():
        yield Case(f"jwk-{name}", "key", partial(header_with, {"jwk": nothing}))
    yield Case("jwk-in-a-list", "key", lambda m: header_with({"jwk": [m.prover.jwk]}, m))
    yield Case("jwk-as-text", "key", lambda m: header_with({"jwk": json.dumps(m.prover.jwk)}, m))
    for axis in ("x", "y"):
        for name, change in CHANGED_COORDINATES.items():
            yield Case(f"jwk-{axis}-{name}", "key", partial(_coordinate, axis, change))
    yield from _points()


def _points() -> Iterator[Case]:
    yield Case("jwk-at-infinity", "key", partial(_point, 0, 0))
    yield Case("jwk-at-infinity-in-one-byte", "key", partial(_jwk_with, {"x": "AA", "y": "AA"}))
    yield Case(
        "jwk-swapped",
        "key",
        lambda m: _jwk_with({"x": m.prover.jwk["y"], "y": m.prover.jwk["x"]}, m),
    )
    yield Case("jwk-mirrored", "signature", _mirrored)
    yield Case("jwk-of-the-generator", "signature", partial(_point, *GENERATOR))
    yield Case("jwk-of-another", "signature", lambda m: _jwk_with(_other().jwk, m))
    yield Case("jwk-rsa", "key", lambda m: _retyped(_rsa_proof("RS256", m), m))
    yield Case("jwk-ed25519", "key", partial(_edwards_proof, "ES256"))
    for curve in CURVES:
        own, ours = partial(_on_curve, "ES256", curve), partial(_on_curve, "ES256", curve)
        yield Case(f"jwk-on-{curve.lower()}", "key", own)
        named = partial(ours, named="P-256")
        yield Case(f"jwk-on-{curve.lower()}-called-p-256", "key", named)


def _retyped(text: str, maker: Maker) -> str:
    header = json.loads(_raw(text.partition(".")[0])) | {"alg": "ES256"}
    return maker.forge(header=header)


@cache
def _other() -> Prover:
    return Prover()


# -- the signature: 64 bytes, by that very key ---------------------------------------------------


def _signed_as(change: Callable[[bytes], bytes], maker: Maker) -> str:
    return maker.forge(sign=lambda signed: change(maker.prover.signature(signed)))


def _der(signature: bytes) -> bytes:
    return encode_dss_signature(int.from_bytes(signature[:32]), int.from_bytes(signature[32:]))


def _with_s(signature: bytes, s: int) -> bytes:
    return signature[:32] + s.to_bytes(32)


def twin(text: str) -> str:
    """Return the other signature of a proof that verifies: s and n - s are worth the same."""
    signed, _, signature = text.rpartition(".")
    raw = _raw(signature)
    return f"{signed}.{base64url(_with_s(raw, ORDER - int.from_bytes(raw[32:])))}"


SIGNATURES: dict[str, Callable[[bytes], bytes]] = {
    "der": _der,
    "63-bytes": lambda raw: raw[:-1],
    "65-bytes": lambda raw: raw + b"\0",
    "65-bytes-zero-first": lambda raw: b"\0" + raw,
    "one-byte": lambda _: b"\0",
    "32-bytes": lambda raw: raw[:32],
    "96-bytes": lambda raw: raw[:32].rjust(48, b"\0") + raw[32:].rjust(48, b"\0"),
    "128-bytes": lambda raw: raw + raw,
    "zeros": lambda _: bytes(64),
    "ones": lambda _: b"\xff" * 64,
    "r-zero": lambda raw: bytes(32) + raw[32:],
    "s-zero": lambda raw: raw[:32] + bytes(32),
    "r-order": lambda raw: ORDER.to_bytes(32) + raw[32:],
    "s-order": lambda raw: _with_s(raw, ORDER),
    "r-above-order": lambda raw: (ORDER + 1).to_bytes(32) + raw[32:],
    "s-above-order": lambda raw: _with_s(raw, ORDER + 1),
    "r-and-s-order": lambda _: ORDER.to_bytes(32) * 2,
    "r-and-s-one": lambda _: (1).to_bytes(32) * 2,
    "r-field": lambda raw: FIELD.to_bytes(32) + raw[32:],
    "r-and-s-swapped": lambda raw: raw[32:] + raw[:32],
    "little-endian": lambda raw: raw[:32][::-1] + raw[32:][::-1],
    "flipped-first-bit": lambda raw: bytes([raw[0] ^ 0x80]) + raw[1:],
    "flipped-last-bit": lambda raw: raw[:-1] + bytes([raw[-1] ^ 1]),
    "r-mirrored": lambda raw: (ORDER - int.from_bytes(raw[:32]) % ORDER).to_bytes(32) + raw[32:],
}


def _borrowed(maker: Maker) -> str:
    """Put another proof's signature, by the same key, behind a proof."""
    other = replace(maker, jti="another-number").forge().rpartition(".")[2]
    return spliced(2, lambda _: other, maker)


def _hashed(digest: HashAlgorithm, maker: Maker) -> str:
    """Sign with our own key but another hash."""
    d = int.from_bytes(_raw(maker.prover.private_jwk["d"]))
    key = ec.derive_private_key(d, ec.SECP256R1())

    def sign(signed: str) -> bytes:
        r, s = decode_dss_signature(key.sign(signed.encode(), ec.ECDSA(digest)))
        return r.to_bytes(32) + s.to_bytes(32)

    return maker.forge(sign=sign)


def _altered(name: str, value: object, maker: Maker) -> str:
    """Change what a proof says after it was signed."""
    said = base64url(compact_json(maker.claims() | {name: value}))
    return spliced(1, lambda _: said, replace(maker, method="GET", jti="signed-before"))


def _signatures() -> Iterator[Case]:
    for name, change in SIGNATURES.items():
        yield Case(f"signature-{name}", "signature", partial(_signed_as, change))
    yield Case("signature-of-another-proof", "signature", _borrowed)
    yield Case("signature-by-another-key", "signature", lambda m: m.forge(sign=_other().signature))
    yield Case("signature-over-sha384", "signature", partial(_hashed, SHA384()))
    yield Case("signature-over-sha512", "signature", partial(_hashed, SHA512()))
    yield Case("signature-by-hmac", "signature", _mac_under_es256)
    yield Case("number-changed-after", "signature", partial(_altered, "jti", "another-number"))
    yield Case("time-changed-after", "signature", partial(_altered, "iat", 1))


def _mac_under_es256(maker: Maker) -> str:
    secret = compact_json(maker.prover.jwk)
    return maker.forge(sign=lambda signed: hmac.digest(secret, signed.encode(), "sha512"))


# -- the claims: all of them, no others, about this very request ---------------------------------


def _claim_raw(name: str, raw: bytes, maker: Maker) -> str:
    """Put a literal that Python's own JSON writer would not write."""
    marked = compact_json(maker.claims() | {name: "<here>"})
    return maker.forge(claims=marked.replace(b'"<here>"', raw))


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
    "query": lambda url: f"{url}?x=1",
    "empty-query": lambda url: f"{url}?",
    "fragment": lambda url: f"{url}#x",
    "empty-fragment": lambda url: f"{url}#",
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


def _changed(name: str, change: Callable[[Any], Any], maker: Maker) -> str:
    return claims_with({name: change(maker.claims()[name])}, maker)


def _claim_names() -> Iterator[Case]:
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


def _requests() -> Iterator[Case]:
    for name, change in METHODS.items():
        yield Case(f"htm-{name}", "request", partial(_changed, "htm", change))
    for name, change in URLS.items():
        yield Case(f"htu-{name}", "request", partial(_changed, "htu", change))
    for name, origin in (("host", "https://forwarded.example"), ("scheme", "http://localhost")):
        build = partial(_changed, "htu", partial(_elsewhere, origin))
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
    "just-too-old": lambda m: _nonce_at(m, m.now - NONCE_SECONDS),
    "an-hour-old": lambda m: m.nonces.current(m.now - 3600),
    "too-far-ahead": lambda m: _nonce_at(m, m.now + 17),
    "of-tomorrow": lambda m: m.nonces.current(m.now + 86400),
    "of-another-server": lambda m: Nonces(b"another server's key", 5).current(m.now),
    "made-up": lambda m: _nonce_at(m, m.now)[:16] + "A" * 16,
    "no-base64": lambda _: "=" * 32,
    "not-ascii": lambda _: "é" * 32,
    "the-second": lambda m: str(m.now),
    "padded": lambda m: m.nonces.current(m.now) + "==",
    "with-space": lambda m: m.nonces.current(m.now) + " ",
    "truncated": lambda m: m.nonces.current(m.now)[:-1],
    "prolonged": lambda m: m.nonces.current(m.now) + "A",
    "other-case": lambda m: m.nonces.current(m.now).swapcase(),
    "loose-bits": lambda m: bumped(m.nonces.current(m.now)),
    "two-in-one": lambda m: " ".join([m.nonces.current(m.now)] * 2),
    "list": lambda m: [m.nonces.current(m.now)],
    "two-in-a-list": lambda m: [m.nonces.current(m.now)] * 2,
    "object": lambda m: {m.nonces.current(m.now): 1},
    "number": lambda _: 1,
    "true": lambda _: True,
    "null": lambda _: None,
}


def _nonce_at(maker: Maker, second: int) -> str:
    """Return the nonce that was made in that second, whatever was forgotten since."""
    return maker.nonces._make(second)


LITERALS = {"1e9": b"1e9", "1e400": b"1e400", "minus-zero": b"-0.0", "point": b"1800000000.0"}


def _hash_of(change: Callable[[str], Any], maker: Maker) -> str:
    return claims_with({"ath": change(maker.access_token or "")}, maker)


def _time_of(change: Callable[[int], Any], maker: Maker) -> str:
    return claims_with({"iat": change(maker.now)}, maker)


def _nonce_of(change: Callable[[Maker], Any], maker: Maker) -> str:
    return claims_with({"nonce": change(maker)}, maker)


def _claim_values() -> Iterator[Case]:
    for name, spell in WRONG_HASHES.items():
        yield Case(f"ath-{name}", "token", partial(_hash_of, spell), only=PROTECTED)
    for name, value in BAD_NUMBERS.items():
        yield Case(f"jti-{name}", "jti", partial(claims_with, {"jti": value}))
    for name, at in BAD_TIMES.items():
        yield Case(f"iat-{name}", "iat", partial(_time_of, at))
    for name, raw in LITERALS.items():
        yield Case(f"iat-{name}", "iat", partial(_claim_raw, "iat", raw))
    yield Case("iat-nan", "not_json", partial(_claim_raw, "iat", b"NaN"))
    yield Case("iat-leading-zero", "not_json", partial(_claim_raw, "iat", b"01800000000"))
    for name, give in BAD_NONCES.items():
        yield Case(f"nonce-{name}", "nonce", partial(_nonce_of, give))
    yield Case("nonce-missing", "nonce", partial(claims_without, "nonce"))


# -- a proof that was used: its number is what is remembered -------------------------------------


def _numbered(name: str, maker: Maker) -> Maker:
    return replace(maker, jti=f"used-before-{name}-{maker.method}")


def _used(name: str, maker: Maker) -> str:
    """Return the same text each time: ECDSA signs the same words differently."""
    return _kept(name, _numbered(name, maker))


@cache
def _kept(_name: str, maker: Maker) -> str:
    return maker.forge()


def _reordered(maker: Maker) -> str:
    return maker.forge(claims=dict(reversed(maker.claims().items())))


def _spaced(maker: Maker) -> str:
    return maker.forge(claims=json.dumps(maker.claims(), indent=1).encode())


def _another_nonce(maker: Maker) -> str:
    """Carry the nonce of a machine whose clock is ahead."""
    return claims_with({"nonce": _nonce_at(maker, maker.now + 8)}, maker)


AGAIN: dict[str, Callable[[Maker], str]] = {
    "signed-again": lambda m: m.forge(),
    "another-time": lambda m: claims_with({"iat": m.now + 1}, m),
    "another-nonce": _another_nonce,
    "reordered": _reordered,
    "spaced": _spaced,
    "header-reordered": lambda m: m.forge(header=dict(reversed(m.header().items()))),
    "escaped": lambda m: m.forge(
        claims=compact_json(m.claims()).replace(b'"used', b'"\\u0075sed')
    ),
}


def _again(name: str, maker: Maker) -> str:
    return AGAIN[name](_numbered(name, maker))


def _replays() -> Iterator[Case]:
    exact = partial(_used, "exact")
    yield Case("replayed", "replayed", exact, first=exact)
    high = partial(_used, "twin")
    yield Case("replayed-with-the-twin-signature", "replayed", lambda m: twin(high(m)), first=high)
    for name in AGAIN:
        first = partial(_used, name)
        yield Case(f"replayed-{name}", "replayed", partial(_again, name), first=first)


# -- beside them: what looks strange and is right ------------------------------------------------

GOOD: dict[str, Callable[[Maker], str]] = {
    "plain": lambda m: m.forge(),
    "an-hour-behind": lambda m: claims_with({"iat": m.now - 3600}, m),
    "an-hour-ahead": lambda m: claims_with({"iat": m.now + 3600}, m),
    "a-day-behind": lambda m: claims_with({"iat": m.now - MAX_SKEW_SECONDS}, m),
    "a-day-ahead": lambda m: claims_with({"iat": m.now + MAX_SKEW_SECONDS}, m),
    "another-nonce": _another_nonce,
    "shortest-number": lambda m: claims_with({"jti": m.jti[-8:]}, m),
    "longest-number": lambda m: claims_with({"jti": (m.jti * 128)[:128]}, m),
    "number-of-all-signs": lambda m: claims_with({"jti": f"{m.jti}_.~-"}, m),
    "other-signature": lambda m: twin(m.forge()),
    "reordered": _reordered,
    "spaced": _spaced,
    "header-reordered": AGAIN["header-reordered"],
    "escaped-letters": lambda m: claims_bytes(
        lambda raw: raw.replace(b"localhost", b"l\\u006fcalhost"), m
    ),
}

CASES: tuple[Case, ...] = (
    *_form(),
    *_json_forms(),
    *_headers(),
    *_keys(),
    *_signatures(),
    *_claim_names(),
    *_requests(),
    *_claim_values(),
    *_replays(),
)
