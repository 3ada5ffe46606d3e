"""Ask the caller for a recent proof of who they are: step-up authentication (RFC 9470).

A session lives for days, and a device may be left unlocked meanwhile. What would harm the owner
most therefore needs a proof from the last minutes (ASVS 7.5): `@require_access(max_age=300)`, or
`require_recent` where the need depends on the request. `POST /auth/reauthenticate` renews it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Final, ParamSpec, TypeVar

from app.errors import Refusal
from app.services import services
from app.web.caller import caller

P = ParamSpec("P")
R = TypeVar("R")

RECENT_SECONDS: Final = 300


class InsufficientAuthentication(Refusal):
    """The caller proved who they are too long ago for this request. The session stays active."""

    status = 401
    code = "insufficient_user_authentication"
    title = "Confirm that it is you"
    detail = "You last proved who you are too long ago for this. Enter your password again."

    def __init__(self, max_age: int) -> None:
        """Take the age in seconds that the proof may have, which the client is told."""
        super().__init__()
        self.max_age = max_age


def require_recent(max_age: int) -> None:
    """Refuse the request when its caller proved who they are more than `max_age` seconds ago.

    The clock of the host that verified the proof may be behind this one's by the leeway, so the
    proof may be older by that. With a `max_age` of 0 only the leeway is left.

    Raises:
        InsufficientAuthentication: when the proof is too old.

    """
    now, leeway = services().clock.now(), services().settings.clock_leeway
    if now - caller().auth_time > max_age + leeway:
        raise InsufficientAuthentication(max_age)


def recent(view: Callable[P, R], max_age: object) -> Callable[P, R]:
    """Return `view` with `require_recent` before it.

    Raises:
        ValueError: when `max_age` is not a whole number of seconds, at least 0.

    """
    if type(max_age) is not int or max_age < 0:
        raise ValueError(
            f"max_age is {max_age!r}: write @require_access without parentheses, or"
            " @require_access(max_age=300) with a whole number of seconds."
        )
    seconds = max_age

    @wraps(view)
    def recently_proved(*args: P.args, **kwargs: P.kwargs) -> R:
        require_recent(seconds)
        return view(*args, **kwargs)

    return recently_proved
