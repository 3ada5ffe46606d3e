"""Which refusals come together, with the statuses, codes and sentences of `app/errors.py`."""

from __future__ import annotations

from typing import Final

from werkzeug.exceptions import RequestEntityTooLarge

from app import errors
from app.web.problems import CRASHED, ProblemDetail, http_problem


def refused(kind: type[errors.Refusal], status: int | None = None) -> ProblemDetail:
    """Return the public side of a refusal; a proof's depends on where it was sent."""
    return ProblemDetail(status or kind.status, kind.code, kind.title, kind.detail)


CRASH: Final = (CRASHED,)
ANYWHERE: Final = (refused(errors.Misdirected), *CRASH)
STORED: Final = (refused(errors.Unavailable),)
CHANGES: Final = (refused(errors.CrossOrigin), *STORED, *ANYWHERE)
INVALID: Final = (refused(errors.InvalidRequest),)
JSON: Final = (
    *INVALID,
    http_problem(RequestEntityTooLarge()),
    refused(errors.UnsupportedMediaType),
)
PROOF: Final = (refused(errors.UseNonce), refused(errors.InvalidProof))
GUARDED: Final = (
    refused(errors.InvalidToken),
    refused(errors.UseNonce, 401),
    refused(errors.InvalidProof, 401),
)
LIMITED: Final = (refused(errors.TooManyAttempts),)
HASHED: Final = (*LIMITED, refused(errors.Busy))
CHOSEN: Final = (refused(errors.WeakPassword),)
