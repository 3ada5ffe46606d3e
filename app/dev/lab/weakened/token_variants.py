"""Weakened ways to read a token, and to choose the key that it is read with."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import jwt
from flask import request
from jwt.algorithms import get_default_algorithms

from app.dev.lab.weakened.variant import instead_of
from app.infra.strict_json import parse_object
from app.services import _ring as real_ring
from app.tokens.codec import C, Codec
from app.tokens.jws import ALGORITHM, TokenRefused
from app.tokens.jws import parse_jws as real_read_form
from app.tokens.keys import KeyRing
from app.tokens.keys import derive as real_derive
from app.web.guards import BEARER
from app.web.guards import credential as real_credential
from config import Settings


@instead_of("app/tokens/codec.py:Codec._decoded", "unvalidated-audience")
def the_audience_is_not_checked(self: Codec[C], token: str, key: bytes) -> dict[str, Any]:
    """The audience is left unchecked: the signature is right, so the token must be for us."""
    with refusing():
        return self._jwt.decode(
            token,
            key,
            algorithms=[ALGORITHM],
            issuer=self.rules.issuer,
            options={"verify_aud": False},
        )


@instead_of("app/tokens/codec.py:Codec._decoded", "cross-environment-tokens")
def the_issuer_is_not_checked(self: Codec[C], token: str, key: bytes) -> dict[str, Any]:
    """The issuer is left unchecked: nobody else would sign with our key."""
    with refusing():
        return self._jwt.decode(token, key, algorithms=[ALGORITHM], audience=self.rules.audience)


@instead_of("app/tokens/keys.py:key_ring", "one-secret-everywhere")
def the_secret_is_the_key(
    secret: bytes, previous: object, *, env: str, issuer: str, purpose: str
) -> KeyRing:
    """The secret itself signs everything, wherever it was copied to."""
    return KeyRing("main", secret, {"main": secret})


@instead_of("app/tokens/keys.py:derive", "one-secret-everywhere")
def every_environment_is_production(
    secret: bytes, *, env: str, issuer: str, purpose: str, length: int = 32
) -> bytes:
    """Staging is configured as a true copy of production, down to its name."""
    return real_derive(secret, env="production", issuer=issuer, purpose=purpose, length=length)


@instead_of("app/tokens/codec.py:Codec._verify", "trusting-alg")
def the_header_chooses_the_algorithm(self: Codec[C], token: str) -> C:
    """A token is verified in the way that its own header asks for."""
    with refusing():
        header = jwt.get_unverified_header(token)
        claims = jwt.decode(
            token,
            self._ring.by_kid[header["kid"]],
            algorithms=[header["alg"]],
            audience=self.rules.audience,
            issuer=self.rules.issuer,
            options={"verify_signature": header["alg"].lower() != "none"},
        )
        return self.claims_type(**claims)


@instead_of("app/tokens/codec.py:Codec._verify", "algorithm-confusion")
def every_algorithm_is_allowed(self: Codec[C], token: str) -> C:
    """The list of allowed algorithms is everything that the library knows."""
    with refusing():
        claims = jwt.decode(
            token,
            self._ring.signing_key,
            algorithms=list(get_default_algorithms()),
            audience=self.rules.audience,
            issuer=self.rules.issuer,
        )
        return self.claims_type(**claims)


@instead_of("app/tokens/jws.py:_kid_of", "algorithm-confusion")
def unknown_headers_are_skipped(header: dict[str, Any], typ: str) -> str:
    """What a header says besides is skipped, also what says that it must not be."""
    if (header.get("alg"), header.get("typ")) != (ALGORITHM, typ):
        raise TokenRefused("header")
    return str(header.get("kid"))


@instead_of("app/tokens/codec.py:Codec._verify", "key-injection")
def the_key_comes_with_the_token(self: Codec[C], token: str) -> C:
    """A key in the token's own header is the one that it is verified with."""
    with refusing():
        header = jwt.get_unverified_header(token)
        if "jwk" in header:
            key = unsegment(header["jwk"]["k"])
        else:
            key = self._ring.by_kid[header["kid"]]
        return self.claims_type(**self._decoded(token, key))


@instead_of("app/tokens/codec.py:Codec._verify", "key-injection")
def the_key_is_fetched(self: Codec[C], token: str) -> C:
    """The key is fetched from wherever the token says that it can be found."""
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


@instead_of("app/tokens/jws.py:_kid_of", "cross-type-tokens")
def the_type_is_decoration(header: dict[str, Any], typ: str) -> str:
    """What kind of token it is does not matter: it is signed."""
    if header.keys() != {"alg", "typ", "kid"} or header["alg"] != ALGORITHM:
        raise TokenRefused("header")
    return str(header["kid"])


@instead_of("app/services.py:_ring", "cross-type-tokens")
def one_key_signs_both(settings: Settings, purpose: str) -> KeyRing:
    """Access and refresh tokens are signed with one key."""
    return real_ring(settings, "access token")


@instead_of("app/tokens/jws.py:parse_jws", "token-malleability")
def tokens_are_tidied_up(token: str, typ: str) -> str:
    """Padding and spaces around a token are taken off before anybody looks at it."""
    return real_read_form(token.strip(" ="), typ)


@instead_of("app/web/guards.py:credential", "token-malleability")
def a_token_may_be_in_the_address() -> tuple[str, str | None]:
    """A token is taken from the address as well, for links and downloads."""
    if "access_token" in request.args:
        return BEARER, request.args["access_token"]
    return real_credential()


@instead_of("app/tokens/codec.py:Codec.verify", "replay")
def the_expiry_is_not_checked(self: Codec[C], token: str, now: int) -> C:
    """The signature is verified, and nobody looks at when the token ends."""
    return self._verified(token)


@instead_of("app/tokens/codec.py:Codec._checked", "replay")
def any_lifetime_is_accepted(self: Codec[C], claims: C) -> C:
    """A token is good for as long as it says, should that be a year."""
    return claims


@contextmanager
def refusing() -> Iterator[None]:
    """Refuse what cannot be read, whatever is wrong with it."""
    try:
        yield
    except (jwt.PyJWTError, AttributeError, KeyError, OSError, TypeError, ValueError):
        raise TokenRefused("unreadable") from None


def unsegment(segment: str) -> bytes:
    """Decode base64url as most do: what does not belong is skipped."""
    return base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
