"""Sign and verify tokens; the only importer of `jwt`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from functools import lru_cache
from typing import Any, Final, Generic, TypeVar, get_args, get_type_hints

import jwt
from jwt.algorithms import HMACAlgorithm
from jwt.utils import base64url_encode

from app.tokens.claims import AccessTokenClaims, Confirmation, RefreshTokenClaims
from app.tokens.jws import ALGORITHM, TokenRefused, parse_jws
from app.tokens.keys import KeyRing

C = TypeVar("C", AccessTokenClaims, RefreshTokenClaims)

REMEMBERED_TOKENS: Final = 2048
LATEST_TIME: Final = 2**40

_ID: Final = re.compile(r"[A-Za-z0-9_-]{16,64}")
_THUMBPRINT: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_IDS: Final = ("sub", "sid", "family_id", "jti")
_HS256: Final = HMACAlgorithm(HMACAlgorithm.SHA256)
_REASONS: Final = (
    (jwt.InvalidSignatureError, "signature"),
    (jwt.InvalidAudienceError, "audience"),
    (jwt.InvalidIssuerError, "issuer"),
)


@dataclass(frozen=True)
class Rules:
    """What every token of one type must say. Times are seconds."""

    typ: str
    issuer: str
    audience: str
    longest_life: int
    leeway: int


class Codec(Generic[C]):
    """Signs and verifies tokens of one type with the keys of one purpose."""

    def __init__(self, rules: Rules, ring: KeyRing, claims_type: type[C]) -> None:
        """Fix everything that a token must never decide for itself."""
        self.rules: Final = rules
        self._ring: Final = ring
        self.claims_type: Final[type[C]] = claims_type
        hints = get_type_hints(claims_type)
        kinds = {one.name: hints[one.name] for one in fields(claims_type)}
        optional = {one.name for one in fields(claims_type) if one.default is not MISSING}
        self._required: Final = {name: k for name, k in kinds.items() if name not in optional}
        self._optional: Final = {name: get_args(kinds[name])[0] for name in optional}
        self._names: Final = tuple(kinds)
        # The same in every token, so it is built once.
        headers = {"typ": rules.typ, "kid": ring.signing_kid}
        empty = jwt.encode({}, ring.signing_key, ALGORITHM, headers)
        self._header: Final = empty.partition(".")[0].encode() + b"."
        self._jwt: Final = _py_jwt(list(self._required))
        # A browser sends the same token for ten minutes. Remembering the verified claims under
        # the whole token is sound because a token has one spelling only (see `jws`), and
        # only verified tokens are remembered: a refusal raises.
        self._verified: Final[Callable[[str], C]] = lru_cache(maxsize=REMEMBERED_TOKENS)(
            self._verify
        )

    def sign(self, claims: C) -> str:
        """Sign `claims` with the current key; same claims, same token (HS256, RFC 7518)."""
        said = {n: value for n in self._names if (value := getattr(claims, n)) is not None}
        payload = json.dumps(said, separators=(",", ":")).encode()
        signed = self._header + base64url_encode(payload)
        signature = _HS256.sign(signed, self._ring.signing_key)
        return b".".join((signed, base64url_encode(signature))).decode()

    def verify(self, token: str, now: int) -> C:
        """Verify `token` at time `now` and return its claims.

        Raises:
            TokenRefused: with the reason, on any fault.

        """
        claims = self._verified(token)
        if claims.exp + self.rules.leeway <= now:
            raise TokenRefused("expired")
        if claims.iat > now + self.rules.leeway:
            raise TokenRefused("issued_in_future")
        return claims

    def verify_ignoring_times(self, token: str) -> C:
        """Verify all but the times: logging out works with a token that is out of date.

        Raises:
            TokenRefused: with the reason, on any fault.

        """
        return self._verified(token)

    def header(self) -> dict[str, str]:
        """Return the header that every token of this codec carries."""
        return {"alg": ALGORITHM, "typ": self.rules.typ, "kid": self._ring.signing_kid}

    def _verify(self, token: str) -> C:
        kid = parse_jws(token, self.rules.typ)
        key = self._ring.by_kid.get(kid)
        if key is None:
            raise TokenRefused("unknown_key")
        payload = self._decoded(token, key)
        if not self._required.keys() <= payload.keys() <= set(self._names):
            raise TokenRefused("claims")
        for name, value in payload.items():
            if not _is_of(self._required.get(name) or self._optional[name], value):
                raise TokenRefused("claim_type")
        return self._checked(self.claims_type(**payload))

    def _decoded(self, token: str, key: bytes) -> dict[str, Any]:
        rules = self.rules
        try:
            return self._jwt.decode(
                token, key, algorithms=[ALGORITHM], audience=rules.audience, issuer=rules.issuer
            )
        except jwt.PyJWTError as error:
            reason = next((name for kind, name in _REASONS if isinstance(error, kind)), "claims")
            raise TokenRefused(reason) from None

    def _checked(self, claims: C) -> C:
        if not all(_ID.fullmatch(getattr(claims, n)) for n in _IDS if n in self._required):
            raise TokenRefused("claim_value")
        auth_time = getattr(claims, "auth_time", claims.iat)
        if not 0 < auth_time <= claims.iat < claims.exp < LATEST_TIME:
            raise TokenRefused("times")
        if claims.exp - claims.iat > self.rules.longest_life:
            raise TokenRefused("lifetime")
        return claims


def _py_jwt(required: list[str]) -> jwt.PyJWT:
    return jwt.PyJWT(
        {
            "require": required,
            "strict_aud": True,
            "enforce_minimum_key_length": True,
            # The codec checks the times against the application's own clock, also when the
            # signature was verified earlier; PyJWT would read a second clock.
            "verify_exp": False,
            "verify_iat": False,
        }
    )


def _is_of(kind: object, value: object) -> bool:
    # Exact types: a bool is an int to Python, and no claim of ours is a bool.
    return _is_confirmation(value) if kind is Confirmation else type(value) is kind


def _is_confirmation(value: object) -> bool:
    if type(value) is not dict or value.keys() != {"jkt"}:
        return False
    return type(value["jkt"]) is str and _THUMBPRINT.fullmatch(value["jkt"]) is not None
