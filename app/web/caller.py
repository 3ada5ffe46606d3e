"""Who sends the present request, as its access token says; `guards` sets it."""

from __future__ import annotations

from dataclasses import dataclass

from flask import g

from app.tokens.claims import AccessTokenClaims


@dataclass(frozen=True, slots=True)
class Caller:
    """The identity in the verified access token of this request.

    `sid` is the id of its family, and `auth_time` is when the family's holder last proved who they
    are, in seconds, UTC.
    """

    user_id: str
    sid: str
    auth_time: int
    claims: AccessTokenClaims

    def claim(self, name: str) -> str | int | None:
        """Return the claim `name`, which a feature added; None when this token does not have it.

        Raises:
            AttributeError: when no feature declares the claim.

        """
        value: str | int | None = getattr(self.claims, name)
        return value


def caller() -> Caller:
    """Return the caller of the current request; use it in protected routes only.

    Raises:
        AttributeError: on a public route.

    """
    verified: Caller = g.caller
    return verified
