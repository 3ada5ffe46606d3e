"""The key: a public one on P-256, in exactly four members."""

import json
from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm

from app.attacks.prover import base64url
from tests.vectors.other_keys import SIGNERS, edwards_key, rsa_key
from tests.vectors.proofs.maker import FIELD, GENERATOR, Case, Maker, decoded
from tests.vectors.proofs.signature import other_prover, retyped
from tests.vectors.spellings import bumped, header_with

CURVES: dict[str, tuple[ec.EllipticCurve, int, HashAlgorithm]] = {
    "P-384": (ec.SECP384R1(), 48, SHA384()),
    "P-521": (ec.SECP521R1(), 66, SHA512()),
    "secp256k1": (ec.SECP256K1(), 32, SHA256()),
    "brainpoolP256r1": (ec.BrainpoolP256R1(), 32, SHA256()),
}


@cache
def _curve_key(curve: str) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(CURVES[curve][0])


def rsa_proof(alg: str, maker: Maker) -> str:
    numbers = rsa_key().public_key().public_numbers()
    e, n = (base64url(x.to_bytes((x.bit_length() + 7) // 8)) for x in (numbers.e, numbers.n))
    jwk = {"kty": "RSA", "e": e, "n": n}
    header = maker.header() | {"alg": alg, "jwk": jwk}
    return maker.forge(header, sign=lambda signed: SIGNERS[alg](signed.encode()))


def edwards_proof(alg: str, maker: Maker) -> str:
    raw = edwards_key().public_key().public_bytes_raw()
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": base64url(raw)}
    header = maker.header() | {"alg": alg, "jwk": jwk}
    return maker.forge(header, sign=lambda signed: SIGNERS["EdDSA"](signed.encode()))


def on_curve(alg: str, curve: str, maker: Maker, named: str = "") -> str:
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
    "short": lambda text: base64url(decoded(text)[1:]),
    "a-leading-zero": lambda text: base64url(b"\0" + decoded(text)),
    "a-trailing-zero": lambda text: base64url(decoded(text) + b"\0"),
    "padded": lambda text: text + "=",
    "with-space": lambda text: text + " ",
    "with-newline": lambda text: text[:20] + "\n" + text[20:],
    "loose-bits": bumped,
    "in-hex": lambda text: decoded(text).hex(),
    "decimal": lambda text: str(int.from_bytes(decoded(text))),
    "zero": lambda _: base64url(bytes(32)),
    "one": lambda _: base64url((1).to_bytes(32)),
    "the-field": lambda _: base64url(FIELD.to_bytes(32)),
    "above-the-field": lambda _: base64url((FIELD + 1).to_bytes(32)),
    "all-ones": lambda _: base64url(b"\xff" * 32),
    "next-to-it": lambda text: _number(int.from_bytes(decoded(text)) ^ 2),
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
    y = FIELD - int.from_bytes(decoded(maker.prover.jwk["y"]))
    return _jwk_with({"y": _number(y)}, maker)


def _swapped(maker: Maker) -> str:
    return _jwk_with({"x": maker.prover.jwk["y"], "y": maker.prover.jwk["x"]}, maker)


def keys() -> Iterator[Case]:
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
    yield Case("jwk-swapped", "key", _swapped)
    yield Case("jwk-mirrored", "signature", _mirrored)
    yield Case("jwk-of-the-generator", "signature", partial(_point, *GENERATOR))
    yield Case("jwk-of-another", "signature", lambda m: _jwk_with(other_prover().jwk, m))
    yield Case("jwk-rsa", "key", lambda m: retyped(rsa_proof("RS256", m), m))
    yield Case("jwk-ed25519", "key", partial(edwards_proof, "ES256"))
    for curve in CURVES:
        own = partial(on_curve, "ES256", curve)
        yield Case(f"jwk-on-{curve.lower()}", "key", own)
        yield Case(f"jwk-on-{curve.lower()}-called-p-256", "key", partial(own, named="P-256"))
