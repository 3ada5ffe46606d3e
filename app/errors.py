"""The refusals: one exception class for each reason to refuse a request.

The stories of `app.auth` and the guards of `app.web` raise them, and `app.web.problems` renders
them. The client gets `status`, `code`, `title` and `detail`; clients decide by `code`, which never
changes. `reason` goes to the audit record only, so that a response does not distinguish reuse from
expiry, or a wrong password from an unknown account.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar


class Refusal(Exception):
    """A request that is refused on purpose; rendered as a problem detail of RFC 9457."""

    status: int = 400
    code: ClassVar[str] = "invalid_request"
    title: ClassVar[str] = "The request is not valid"
    detail: str = "The request is not valid."
    event: ClassVar[str] = ""
    """The event in the audit record; empty when the code that raises has written its own line."""

    def __init__(
        self, detail: str | None = None, *, reason: str = "", retry_after: int | None = None
    ) -> None:
        """Take a `detail` for the client, a `reason` for the audit record, and `retry_after`.

        `retry_after` is in seconds; `detail` then ends with it in words. The defaults are the
        class's `detail`, its `code`, and none.
        """
        self.detail = detail or type(self).detail
        if retry_after is not None:
            self.detail += f" Try again in {_in_words(retry_after)}."
        self.reason = reason or self.code
        self.retry_after = retry_after
        super().__init__(self.reason)


def _in_words(seconds: int) -> str:
    """Return a time in the largest unit that it fills, rounded up."""
    units = (("hour", 3600), ("minute", 60))
    unit, length = next((one for one in units if seconds >= one[1]), ("second", 1))
    number = math.ceil(seconds / length)
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"


class InvalidRequest(Refusal):
    """The body, or a value in it, does not have the documented form."""


class UnsupportedMediaType(Refusal):
    """The body of a JSON endpoint is not `application/json`."""

    status = 415
    code = "unsupported_media_type"
    title = "Not JSON"
    detail = "Send a JSON object with Content-Type: application/json."


class InvalidToken(Refusal):
    """A protected route was requested without a valid access token (RFC 6750 section 3)."""

    status = 401
    code = "invalid_token"
    event = "token_refused"
    title = "Access token needed"
    detail = "This needs a valid access token."


class SessionEnded(Refusal):
    """The refresh token cannot be exchanged. The only refusal that deletes the cookie."""

    status = 401
    code = "session_ended"
    title = "Session ended"
    detail = "Your session has ended. Log in again."


class InvalidCredentials(Refusal):
    """A log-in failed: unknown account, wrong password or disabled account, not distinguished."""

    status = 401
    code = "invalid_credentials"
    title = "Not logged in"
    detail = "Incorrect e-mail or password."


class WrongPassword(Refusal):
    """The present password, typed again in a session, is wrong. The session stays active."""

    status = 403
    code = "wrong_password"
    title = "Wrong password"
    detail = "The current password is wrong."


class InvalidLink(Refusal):
    """A mailed link is not valid: altered, too old, used up, or overtaken by a change.

    Which of these is not said, because whoever has a stolen link would learn from it.
    """

    status = 400
    code = "invalid_link"
    title = "Link not valid"
    detail = "This link is not valid any more. Ask for a new one."


class MailOff(Refusal):
    """The deployment sends no mail (MAIL_URL=none), so nobody can prove an address."""

    status = 403
    code = "mail_off"
    title = "Not offered here"
    detail = "This site sends no mail. Ask whoever runs it for an account or a new password."


class CrossOrigin(Refusal):
    """Another site started a request that would change something; no credential was read."""

    status = 403
    code = "cross_origin"
    event = "cross_origin_refused"
    title = "Cross-origin request refused"
    detail = "This request did not come from this site."


class OperatorsOnly(Refusal):
    """The account is not an operator's. Its session stays active."""

    status = 403
    code = "operators_only"
    event = "operator_refused"
    title = "For operators only"
    detail = "This account is not one of the operators."


class InvalidProof(Refusal):
    """The DPoP proof is missing, invalid or used before (RFC 9449). No session is revoked."""

    status = 400
    code = "invalid_dpop_proof"
    event = "proof_refused"
    title = "Proof refused"
    detail = "The DPoP proof is not valid for this request."

    def __init__(self, *, reason: str, status: int) -> None:
        """Take a `reason` for the audit record, and the HTTP `status`.

        The status is 400 at endpoints that issue tokens and 401 at protected routes.
        """
        super().__init__(reason=reason)
        self.status = status


class UseNonce(InvalidProof):
    """The proof has no nonce, or an outdated one (RFC 9449 section 8)."""

    code = "use_dpop_nonce"
    event = ""  # not recorded, because it is normal: every client gets it every few minutes
    title = "Newer nonce needed"
    detail = "Repeat the request with a proof that carries the nonce of DPoP-Nonce."


class NotFound(Refusal):
    """The object does not exist or is not the caller's, which is not distinguished."""

    status = 404
    code = "not_found"
    title = "Not found"
    detail = "There is nothing here."


class EmailTaken(Refusal):
    """The address that an account is to get has an account.

    Only an operator is told, whoever has the link that proves the address, and the owner of that
    account: nobody else may learn it.
    """

    status = 409
    code = "email_taken"
    title = "Address taken"
    detail = "There is already an account for this e-mail address."


class DeletionBlocked(Refusal):
    """An account was not deleted, because rows of a product's tables refer to it.

    Its owner cannot mend that, and is not told the names of tables.
    """

    status = 409
    code = "deletion_blocked"
    title = "Account not deleted"
    detail = (
        "Your account was not deleted, and nothing was changed: a part of this site still needs "
        "it. Ask whoever runs this site to delete it; they can see what is in the way."
    )

    def __init__(self, tables: Sequence[str]) -> None:
        """Take the names of the tables, for the operator."""
        self.tables = ", ".join(tables)
        super().__init__(reason=self.tables)


class ExportFailed(Refusal):
    """A feature could not hand over its data, so that the export would not be whole."""

    status = 500
    code = "export_failed"
    title = "Your data could not be put together"
    detail = (
        "One part of this site could not hand over its data, so there is no file. Nothing is "
        "lost. Try again later; if that does not help, ask whoever runs this site."
    )


class Misdirected(Refusal):
    """The Host header names another host than PUBLIC_URL (RFC 9110 section 15.5.20)."""

    status = 421
    code = "misdirected"
    title = "Wrong host"
    detail = "This server does not answer for that host."


class WeakPassword(Refusal):
    """The new password breaks one or more rules of the password policy."""

    status = 422
    code = "weak_password"
    title = "Password too weak"
    detail = "Choose another password."

    def __init__(self, reasons: list[tuple[str, str]]) -> None:
        """Take `reasons`: for each broken rule a stable code and a sentence for the user."""
        self.reasons = tuple(reasons)
        super().__init__(" ".join(sentence for _, sentence in reasons))


class TooManyAttempts(Refusal):
    """A limit is used up; `retry_after` is when the window ends."""

    status = 429
    code = "too_many_attempts"
    event = "limited"
    title = "Too many attempts"
    detail = "Too many attempts."


class Busy(Refusal):
    """The queue for password hashing has no place for the client, or its turn came too late."""

    status = 503
    code = "busy"
    title = "Busy"
    detail = "The server is busy."


class Unavailable(Refusal):
    """The database is unreachable. The status is not 401, so that clients keep their sessions."""

    status = 503
    code = "unavailable"
    title = "Temporarily unavailable"
    detail = "The service cannot answer right now. Your session is not affected."
