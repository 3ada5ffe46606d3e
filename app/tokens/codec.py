"""Sign and verify access tokens and refresh tokens; the only importer of `jwt`.

`app.services` builds one codec for each of the two types. `app.families.issuer` signs with them;
`app.web.guards` and `app.auth.refresh` verify.
"""

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

from app.tokens.claims import CHECKS, AccessTokenClaims, RefreshTokenClaims
from app.tokens.jws import ALGORITHM, TokenRefused, parse_jws
from app.tokens.keys import KeyRing

C = TypeVar("C", AccessTokenClaims, RefreshTokenClaims)

MAX_CACHED_TOKENS: Final = 2048
# In seconds, UTC: the year 36812. A larger number is no time, and sums with it must not overflow
# a BIGINT column.
MAX_TIME: Final = 2**40

_ID: Final = re.compile(r"[A-Za-z0-9_-]{16,64}")
_IDS: Final = ("sub", "sid", "family_id", "jti")
_HS256: Final = HMACAlgorithm(HMACAlgorithm.SHA256)
_REASONS: Final = (
    (jwt.InvalidSignatureError, "signature"),
    (jwt.InvalidAudienceError, "audience"),
    (jwt.InvalidIssuerError, "issuer"),
)


@dataclass(frozen=True)
class Rules:
    """The values that every token of one type must have. Times are seconds.

    `max_lifetime` bounds `exp - iat`; `leeway` is how far the clocks of two hosts may differ.
    """

    typ: str
    issuer: str
    audience: str
    max_lifetime: int
    leeway: int


class Codec(Generic[C]):
    """Signs and verifies tokens of one type with the keys of one purpose.

    Safe to share between threads.
    """

    def __init__(self, rules: Rules, ring: KeyRing, claims_type: type[C]) -> None:
        """Fix the algorithm, keys, issuer, audience and claims, so that no token chooses them.

        A field of `claims_type` with a default is an optional claim; all others are required.
        """
        self.rules: Final = rules
        self._ring: Final = ring
        self.claims_type: Final[type[C]] = claims_type
        types = get_type_hints(claims_type)
        optional = [claim.name for claim in fields(claims_type) if claim.default is not MISSING]
        # The type of an optional claim is `T | None`; a token that has the claim has a T.
        self._types: Final = types | {name: get_args(types[name])[0] for name in optional}
        self._required: Final = types.keys() - optional
        # Every token has the same header, so it is encoded only once.
        headers = {"typ": rules.typ, "kid": ring.signing_kid}
        empty = jwt.encode({}, ring.signing_key, ALGORITHM, headers)
        self._header: Final = empty.partition(".")[0].encode() + b"."
        self._jwt: Final = _py_jwt(list(self._required))
        # A browser sends the same token for ten minutes, so the claims of verified tokens are
        # cached under the whole token. `jws` accepts only one spelling of a token, so no other
        # text can hit the entry; a refused token raises and is not cached. Times are not cached.
        self._verified: Final[Callable[[str], C]] = lru_cache(maxsize=MAX_CACHED_TOKENS)(
            self._verify
        )

    def sign(self, claims: C) -> str:
        """Return `claims` as a token, signed with the current key (HS256, RFC 7518).

        The same claims always give the same token, so a retried refresh gets the identical
        refresh token. Claims that are None are left out.
        """
        payload = {n: value for n in self._types if (value := getattr(claims, n)) is not None}
        encoded = base64url_encode(json.dumps(payload, separators=(",", ":")).encode())
        signed = self._header + encoded
        signature = _HS256.sign(signed, self._ring.signing_key)
        return b".".join((signed, base64url_encode(signature))).decode()

    def verify(self, token: str, now: int) -> C:
        """Verify `token` at the time `now` (seconds, UTC) and return its claims.

        Raises:
            TokenRefused: when the form, the key, the signature or a claim is not acceptable, or
                when the token is expired or issued in the future by more than the leeway;
                `reason` says which.

        """
        claims = self._verified(token)
        if claims.exp + self.rules.leeway <= now:
            raise TokenRefused("expired")
        if claims.iat > now + self.rules.leeway:
            raise TokenRefused("issued_in_future")
        return claims

    def verify_ignoring_times(self, token: str) -> C:
        """Verify everything in `token` except that it is current, and return its claims.

        A log-out uses this, so that an expired token still ends its session.

        Raises:
            TokenRefused: when the form, the key, the signature or a claim is not acceptable.

        """
        return self._verified(token)

    def header(self) -> dict[str, str]:
        """Return the JOSE header of every token that this codec signs."""
        return {"alg": ALGORITHM, "typ": self.rules.typ, "kid": self._ring.signing_kid}

    def _verify(self, token: str) -> C:
        kid = parse_jws(token, self.rules.typ)
        key = self._ring.by_kid.get(kid)
        if key is None:
            raise TokenRefused("unknown_key")
        payload = self._decoded(token, key)
        if not self._required <= payload.keys() <= self._types.keys():
            raise TokenRefused("claims")
        for name, value in payload.items():
            wanted = self._types[name]
            check = CHECKS.get(wanted)
            # Not isinstance: a bool is an int in Python, and no claim is a bool.
            if not (check(value) if check else type(value) is wanted):
                raise TokenRefused("claim_type")
        # Verified claims are cached and shared, so no list may be among them.
        values: dict[str, Any] = {
            name: tuple(value) if type(value) is list else value for name, value in payload.items()
        }
        return self._checked(self.claims_type(**values))

    def _decoded(self, token: str, key: bytes) -> dict[str, Any]:
        rules = self.rules
        try:
            return self._jwt.decode(
                token, key, algorithms=[ALGORITHM], audience=rules.audience, issuer=rules.issuer
            )
        except jwt.PyJWTError as error:
            reason = next((name for type_, name in _REASONS if isinstance(error, type_)), "claims")
            raise TokenRefused(reason) from None

    def _checked(self, claims: C) -> C:
        if not all(_ID.fullmatch(getattr(claims, n)) for n in _IDS if n in self._required):
            raise TokenRefused("claim_value")
        auth_time = getattr(claims, "auth_time", claims.iat)
        if not 0 < auth_time <= claims.iat < claims.exp < MAX_TIME:
            raise TokenRefused("times")
        if claims.exp - claims.iat > self.rules.max_lifetime:
            raise TokenRefused("lifetime")
        return claims


def _py_jwt(required: list[str]) -> jwt.PyJWT:
    return jwt.PyJWT(
        {
            "require": required,
            "strict_aud": True,
            "enforce_minimum_key_length": True,
            # The codec checks the times itself, on every use of a cached token and with the
            # application's clock; PyJWT would check once and read the machine's clock.
            "verify_exp": False,
            "verify_iat": False,
        }
    )
