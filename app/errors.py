"""The one refusal tree.

`code`, `title` and `detail` are public and stable; `reason` is for the audit record alone, so
that an answer never tells reuse from expiry, or a wrong password from an unknown account.
"""

from __future__ import annotations

from typing import ClassVar


class Refusal(Exception):
    """A request that is refused on purpose; rendered by one handler as RFC 9457."""

    status: int = 400
    code: ClassVar[str] = "invalid_request"
    title: ClassVar[str] = "The request is not valid"
    detail: str = "The request is not valid."
    event: ClassVar[str] = ""
    """What the audit record calls it, where the refusal itself is all that happened."""

    def __init__(
        self, detail: str | None = None, *, reason: str = "", retry_after: int | None = None
    ) -> None:
        """Take a public `detail`, an audit-only `reason` and `retry_after` in seconds."""
        self.detail = detail or type(self).detail
        self.reason = reason or self.code
        self.retry_after = retry_after
        super().__init__(self.reason)


class InvalidRequest(Refusal):
    """The body or a parameter is not of the documented form."""


class UnsupportedMediaType(Refusal):
    """A JSON endpoint got something else; a form post cannot reach it without a preflight."""

    status = 415
    code = "unsupported_media_type"
    title = "Not JSON"
    detail = "Send a JSON object with Content-Type: application/json."


class InvalidToken(Refusal):
    """A protected route was asked without a usable access token (RFC 6750 section 3)."""

    status = 401
    code = "invalid_token"
    event = "token_refused"
    title = "Access token needed"
    detail = "This needs a valid access token."


class SessionEnded(Refusal):
    """The refresh token is of no use; the only refusal that clears the cookie."""

    status = 401
    code = "session_ended"
    title = "Session ended"
    detail = "Your session has ended. Log in again."


class InvalidCredentials(Refusal):
    """Unknown account, wrong password and disabled account, told apart by nobody."""

    status = 401
    code = "invalid_credentials"
    title = "Not logged in"
    detail = "E-mail or password is wrong."


class WrongPassword(Refusal):
    """The current password of a password change is wrong; the session goes on."""

    status = 403
    code = "wrong_password"
    title = "Wrong password"
    detail = "The current password is wrong."


class CrossOrigin(Refusal):
    """A state change that did not start on this origin; refused before any credential."""

    status = 403
    code = "cross_origin"
    event = "cross_origin_refused"
    title = "Cross-origin request refused"
    detail = "This request did not come from this site."


class OperatorsOnly(Refusal):
    """A route for operators was asked by another account; its session goes on."""

    status = 403
    code = "operators_only"
    event = "operator_refused"
    title = "For operators only"
    detail = "This account is not one of the operators."


class InvalidProof(Refusal):
    """A DPoP proof that is not accepted; the request is refused and no session ends."""

    status = 400
    code = "invalid_dpop_proof"
    event = "proof_refused"
    title = "Proof refused"
    detail = "The DPoP proof is not valid for this request."

    def __init__(self, *, reason: str, status: int) -> None:
        """Take an audit-only `reason` and the HTTP `status`."""
        super().__init__(reason=reason)
        self.status = status


class UseNonce(InvalidProof):
    """A proof without a nonce of ours, or with an old one (RFC 9449 section 8)."""

    code = "use_dpop_nonce"
    event = ""  # every client hears it once in a few minutes
    title = "Newer nonce needed"
    detail = "Repeat the request with a proof that carries the nonce of DPoP-Nonce."


class NotFound(Refusal):
    """Not there, or not the caller's: the two are not told apart."""

    status = 404
    code = "not_found"
    title = "Not found"
    detail = "There is nothing here."


class EmailTaken(Refusal):
    """Registering an address that has an account."""

    status = 409
    code = "email_taken"
    title = "Already registered"
    detail = "There is already an account for this e-mail address."


class Misdirected(Refusal):
    """The Host header names another site (RFC 9110 section 15.5.20)."""

    status = 421
    code = "misdirected"
    title = "Wrong host"
    detail = "This server does not answer for that host."


class WeakPassword(Refusal):
    """The new password is refused, with every reason and what to do about it."""

    status = 422
    code = "weak_password"
    title = "Password too weak"
    detail = "Choose another password."

    def __init__(self, reasons: list[tuple[str, str]]) -> None:
        """Take `reasons`: pairs of a stable code and a sentence."""
        self.reasons = tuple(reasons)
        super().__init__(" ".join(sentence for _, sentence in reasons))


class TooManyAttempts(Refusal):
    """A limit is used up; `retry_after` says when to come back."""

    status = 429
    code = "too_many_attempts"
    event = "limited"
    title = "Too many attempts"
    detail = "Too many attempts. Wait a little, then try again."


class Busy(Refusal):
    """All password hashing slots are taken and the short queue is full."""

    status = 503
    code = "busy"
    title = "Busy"
    detail = "The server is busy. Try again in a moment."


class Unavailable(Refusal):
    """A part that the answer depends on cannot be reached; never a 200, never a 401."""

    status = 503
    code = "unavailable"
    title = "Temporarily unavailable"
    detail = "The service cannot answer right now. Your session is not affected."
