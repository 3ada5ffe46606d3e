"""Refusals on the wire: RFC 9457 for programs, a page for people."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from typing import Annotated, Final, NotRequired, TypedDict

from flask import Flask, Response, render_template, request
from flask_wtf.csrf import CSRFError
from msgspec import Meta
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException

from app.errors import InvalidProof, InvalidToken, Refusal, SessionEnded, Unavailable, WeakPassword
from app.services import services
from app.web import cookies
from app.web.client import client, request_id
from app.web.csrf import PROGRAMS
from app.web.fields import Code, Detail, ProblemType, RequestId
from app.web.guards import DPOP, credential

logger: Final = logging.getLogger("latchkey")

RETRY_SECONDS: Final = 5
UNAUTHORIZED: Final = 401
PROBLEM_JSON: Final = "application/problem+json"
EXPIRED_FORM: Final = "The form was open for too long or came from another page. Send it again."
TWO_FORM_COOKIES: Final = (
    "This browser sent two cookies for the form, and one may have been set by another site. "
    "Delete this site's cookies, then open the form again."
)

WITH_WEAK_PASSWORD: Final = Meta(
    min_length=1, description="With `weak_password`: everything that is wrong."
)


class Reason(TypedDict):
    """Why a new password is refused."""

    code: Code
    detail: Detail


class Problem(TypedDict):
    """The body of every JSON refusal (RFC 9457); `code` is stable, `detail` is for people."""

    type: ProblemType
    title: str
    status: int
    detail: Detail
    code: Code
    request_id: RequestId
    reasons: NotRequired[Annotated[list[Reason], WITH_WEAK_PASSWORD]]


@dataclass(frozen=True)
class ProblemDetail:
    """A refusal's public side, whatever raised it."""

    status: int
    code: str
    title: str
    detail: str
    retry_after: int | None = None


CRASHED: Final = ProblemDetail(
    500,
    "internal_error",
    "Something went wrong",
    "This is our fault, and it has been written down. Try again in a moment.",
)


def install(app: Flask) -> None:
    """Render every refusal and error of `app`."""
    app.register_error_handler(Refusal, on_refusal)
    app.register_error_handler(CSRFError, on_csrf_error)
    app.register_error_handler(SQLAlchemyError, on_database_error)
    app.register_error_handler(HTTPException, on_http_error)
    app.register_error_handler(Exception, on_crash)


def on_refusal(refusal: Refusal) -> Response:
    """Record and render a refusal and, for a session that ended, take the cookie back."""
    record(refusal)
    fault = ProblemDetail(
        refusal.status, refusal.code, refusal.title, refusal.detail, refusal.retry_after
    )
    reasons = refusal.reasons if isinstance(refusal, WeakPassword) else ()
    response = render(fault, reasons)
    if isinstance(refusal, SessionEnded):
        cookies.clear_refresh(response)
    if isinstance(refusal, InvalidToken | InvalidProof) and refusal.status == UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = _challenge(refusal)
    return response


def record(refusal: Refusal) -> None:
    """Have the audit record say why, unless the use case has said more."""
    if refusal.event:
        services().audit.refused(refusal.event, client(), refusal.reason)


def _challenge(refusal: Refusal) -> str:
    scheme, token = credential()
    error = f', error="{refusal.code}"' if token is not None else ""
    if scheme == DPOP:
        return f'DPoP realm="latchkey"{error}, algs="ES256"'
    return f'Bearer realm="latchkey"{error}'


def on_csrf_error(_error: CSRFError) -> Response:
    """Record and render a form without its token: forged, or left open for too long."""
    services().audit.refused("form_refused", client(), "csrf")
    detail = TWO_FORM_COOKIES if cookies.has_two_forms(request) else EXPIRED_FORM
    return render(ProblemDetail(400, "expired_form", "This form has expired", detail))


def on_database_error(error: SQLAlchemyError) -> Response:
    """Render an unreachable or full database; the driver's words stay in the log."""
    logger.error("database failed: %s", type(error).__name__, extra={"request_id": request_id()})
    return on_refusal(Unavailable(retry_after=RETRY_SECONDS))


def on_http_error(error: HTTPException) -> Response:
    """Render what Flask or Werkzeug refused: unknown path, wrong method, oversized body."""
    response = render(http_problem(error))
    for header, value in error.get_headers():
        if header == "Allow":
            response.headers[header] = value
    return response


def http_problem(error: HTTPException) -> ProblemDetail:
    """Return the public side of what Flask or Werkzeug refused; its code is the phrase's."""
    status = error.code or 500
    name = error.name.lower().replace(" ", "_").replace("'", "")
    return ProblemDetail(status, name, error.name, _plain(status))


def on_crash(error: Exception) -> Response:
    """Render a fault of our own: the trace goes to the log, a number to the client."""
    logger.error("unhandled error", exc_info=error, extra={"request_id": request_id()})
    return render(CRASHED)


def render(fault: ProblemDetail, reasons: tuple[tuple[str, str], ...] = ()) -> Response:
    """Return a page for a browser's navigation and a problem for everything else."""
    response = _page(fault) if _wants_page() else _problem(fault, reasons)
    response.status_code = fault.status
    if fault.retry_after is not None:
        response.headers["Retry-After"] = str(fault.retry_after)
    return response


def _wants_page() -> bool:
    if request.path.startswith(PROGRAMS):
        return False
    # A navigation prefers HTML by name; a program that takes anything is served as one.
    taken = request.accept_mimetypes
    return request.blueprint == "pages" or taken["text/html"] > taken[PROBLEM_JSON]


def _page(fault: ProblemDetail) -> Response:
    return Response(
        render_template(
            "errors/error.html",
            status=fault.status,
            title=fault.title,
            detail=fault.detail,
            retry_after=fault.retry_after,
            request_id=request_id(),
        ),
        content_type="text/html; charset=utf-8",
    )


def _problem(fault: ProblemDetail, reasons: tuple[tuple[str, str], ...]) -> Response:
    problem: Problem = {
        "type": f"urn:latchkey:problem:{fault.code}",
        "title": fault.title,
        "status": fault.status,
        "detail": fault.detail,
        "code": fault.code,
        "request_id": request_id(),
    }
    if reasons:
        problem["reasons"] = [{"code": code, "detail": detail} for code, detail in reasons]
    return Response(json.dumps(problem), content_type=PROBLEM_JSON)


def _plain(status: int) -> str:
    return {
        404: "There is nothing at this address.",
        405: "This address does not answer that method.",
        413: "What was sent is too large.",
        500: CRASHED.detail,
    }.get(status, "The request cannot be answered.")
