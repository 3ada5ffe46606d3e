"""Weakened variants of which key signs, and which one verifies."""

from __future__ import annotations

import hmac
from pathlib import Path
from urllib.request import urlopen

import jwt

from app.dev.lab.weakened.lenient import refusing, unsegment
from app.dev.lab.weakened.variant import instead_of
from app.infra.strict_json import parse_object
from app.signing import ring as real_ring
from app.tokens.codec import C, Codec
from app.tokens.jws import TokenRefused
from app.tokens.keys import KeyRing
from app.tokens.keys import derive as real_derive
from config import Settings


@instead_of("app/tokens/keys.py:key_ring", "one-secret-everywhere")
def the_secret_is_the_key(
    secret: bytes, previous: object, *, env: str, issuer: str, purpose: str
) -> KeyRing:
    """The secret itself is the signing key, in every environment."""
    return KeyRing("main", secret, {"main": secret})


@instead_of("app/tokens/keys.py:derive", "one-secret-everywhere")
def every_environment_is_production(
    secret: bytes, *, env: str, issuer: str, purpose: str, length: int = 32
) -> bytes:
    """Staging has the name of production, so its keys are those of production."""
    return real_derive(secret, env="production", issuer=issuer, purpose=purpose, length=length)


@instead_of("app/tokens/codec.py:Codec._verify", "key-injection")
def the_key_comes_with_the_token(self: Codec[C], token: str) -> C:
    """A token is verified with the key in its own header."""
    with refusing():
        header = jwt.get_unverified_header(token)
        if "jwk" in header:
            key = unsegment(header["jwk"]["k"])
        else:
            key = self._ring.by_kid[header["kid"]]
        return self.claims_type(**self._decoded(token, key))


@instead_of("app/tokens/codec.py:Codec._verify", "key-injection")
def the_key_is_fetched(self: Codec[C], token: str) -> C:
    """The key is fetched from the address that the token names."""
    with refusing():
        header = jwt.get_unverified_header(token)
        if "jku" in header:
            key = urlopen(header["jku"], timeout=1).read()  # noqa: S310
        else:
            key = self._ring.by_kid[header["kid"]]
        return self.claims_type(**self._decoded(token, key))


@instead_of("app/tokens/codec.py:Codec._verify", "key-injection")
def the_key_is_in_the_file_named(self: Codec[C], token: str) -> C:
    """The key is read from the file that `kid` names."""
    with refusing():
        signed, _, signature = token.rpartition(".")
        header, payload = map(unsegment, signed.split("."))
        kid = parse_object(header)["kid"]
        key = self._ring.by_kid.get(kid) or Path("/run/secrets", kid).resolve().read_bytes()
        if hmac.digest(key, signed.encode(), "sha256") != unsegment(signature):
            raise TokenRefused("signature")
        return self.claims_type(**parse_object(payload))


@instead_of("app/signing.py:ring", "cross-type-tokens")
def one_key_signs_both(settings: Settings, purpose: str) -> KeyRing:
    """Access and refresh tokens are signed with one key."""
    return real_ring(settings, "access token")
