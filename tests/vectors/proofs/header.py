"""The header: exactly three names."""

import hmac
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from tests.support.forger import compact_json
from tests.vectors.proofs.key import edwards_proof, on_curve, rsa_proof
from tests.vectors.proofs.maker import PROTECTED, Case, Maker, decoded
from tests.vectors.spellings import header_with, header_without

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


def headers() -> Iterator[Case]:
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
    yield Case("alg-rs256-by-its-own-key", "algorithm", partial(rsa_proof, "RS256"))
    yield Case("alg-ps256-by-its-own-key", "algorithm", partial(rsa_proof, "PS256"))
    yield Case("alg-es384-by-its-own-key", "algorithm", partial(on_curve, "ES384", "P-384"))
    yield Case("alg-es512-by-its-own-key", "algorithm", partial(on_curve, "ES512", "P-521"))
    yield Case("alg-eddsa-by-its-own-key", "algorithm", partial(edwards_proof, "EdDSA"))
    yield Case("a-token-of-ours", "header", lambda m: m.access_token or "", only=PROTECTED)


def _shouted(maker: Maker) -> str:
    return maker.forge(header={name.upper(): value for name, value in maker.header().items()})


SECRETS: dict[str, Callable[[Maker], bytes]] = {
    "empty": lambda _: b"",
    "jwk": lambda m: compact_json(m.prover.jwk),
    "x": lambda m: str(m.prover.jwk["x"]).encode(),
    "x-and-y": lambda m: b"".join(decoded(m.prover.jwk[name]) for name in ("x", "y")),
    "point": lambda m: b"\x04" + b"".join(decoded(m.prover.jwk[name]) for name in ("x", "y")),
    "thumbprint": lambda m: m.prover.thumbprint.encode(),
}


def _mac(secret: Callable[[Maker], bytes], maker: Maker) -> str:
    """Take what everybody knows for a secret: algorithm confusion."""
    return maker.forge(
        maker.header() | {"alg": "HS256"},
        sign=lambda signed: hmac.digest(secret(maker), signed.encode(), "sha256"),
    )
