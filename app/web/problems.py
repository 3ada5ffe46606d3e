"""Render refusals and errors: as RFC 9457 problem details for programs, as a page for people."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from traceback import format_tb
from typing import Final

from flask import Flask, Response, render_template, request
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError
from werkzeug.exceptions import HTTPException

from app.errors import InvalidProof, InvalidToken, Refusal, SessionEnded, Unavailable, WeakPassword
from app.services import services
from app.web import cookies
from app.web.client import client, request_id
from app.web.csrf import PROGRAMS
from app.web.guards import DPOP, credential
from app.web.responses import Problem

logger: Final = logging.getLogger("latchkey")

RETRY_SECONDS: Final = 5
MAX_MESSAGE: Final = 300
UNAUTHORIZED: Final = 401
PROBLEM_JSON: Final = "application/problem+json"
EXPIRED_FORM: Final = "The form was open for too long or came from another page. Send it again."
TWO_FORM_COOKIES: Final = (
    "This browser sent two cookies for the form, and one may have been set by another site. "
    "Delete this site's cookies, then open the form again."
)


@dataclass(frozen=True)
class ProblemDetail:
    """What a client learns of a refusal or an error; `retry_after` is in seconds."""

    status: int
    code: str
    title: str
    detail: str
    retry_after: int | None = None


CRASHED: Final = ProblemDetail(
    500,
    "internal_error",
    "Something went wrong",
    "An unexpected error occurred, and it was logged. Try again in a moment.",
)


def install(app: Flask) -> None:
    """Register the handlers that render every refusal and error of `app`."""
    app.register_error_handler(Refusal, on_refusal)
    app.register_error_handler(CSRFError, on_csrf_error)
    app.register_error_handler(SQLAlchemyError, on_database_error)
    app.register_error_handler(HTTPException, on_http_error)
    app.register_error_handler(Exception, on_crash)


def on_refusal(refusal: Refusal) -> Response:
    """Record and render a refusal. `SessionEnded` also deletes the refresh cookie."""
    record(refusal)
    problem = ProblemDetail(
        refusal.status, refusal.code, refusal.title, refusal.detail, refusal.retry_after
    )
    reasons = refusal.reasons if isinstance(refusal, WeakPassword) else ()
    response = render(problem, reasons)
    if isinstance(refusal, SessionEnded):
        cookies.clear_refresh(response)
    if isinstance(refusal, InvalidToken | InvalidProof) and refusal.status == UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = _challenge(refusal)
    return response


def record(refusal: Refusal) -> None:
    """Write the reason to the audit record, unless the story has already written a line."""
    if refusal.event:
        services().audit.refused(refusal.event, client(), refusal.reason)


def _challenge(refusal: Refusal) -> str:
    scheme, token = credential()
    error = f', error="{refusal.code}"' if token is not None else ""
    if scheme == DPOP:
        return f'DPoP realm="latchkey"{error}, algs="ES256"'
    return f'Bearer realm="latchkey"{error}'


def on_csrf_error(_error: CSRFError) -> Response:
    """Record and render a form without a valid token: forged, or open for too long."""
    services().audit.refused("form_refused", client(), "csrf")
    detail = TWO_FORM_COOKIES if cookies.has_two_forms(request) else EXPIRED_FORM
    return render(ProblemDetail(400, "expired_form", "This form has expired", detail))


def on_database_error(error: SQLAlchemyError) -> Response:
    """Render 503 for an unreachable or full database, and 500 for values that it refuses.

    A duplicate key, a missing reference or a value out of range is a fault of the code, which a
    client cannot mend by waiting. The log has the place in the code and the class of the error;
    the driver's message may contain values, so it is logged only for errors of other classes.
    """
    extra = {"request_id": request_id()}
    kind = type(error).__name__
    if isinstance(error, IntegrityError | DataError):
        place = "".join(format_tb(error.__traceback__))
        logger.error("the database refused values: %s\n%s", kind, place, extra=extra)
        return render(CRASHED)
    message = str(getattr(error, "orig", None) or "").partition("\n")[0]
    logger.error("database failed: %s: %s", kind, message[:MAX_MESSAGE], extra=extra)
    return on_refusal(Unavailable(retry_after=RETRY_SECONDS))


def on_http_error(error: HTTPException) -> Response:
    """Render a refusal of Flask or Werkzeug: unknown path, wrong method, body too large."""
    response = render(http_problem(error))
    for header, value in error.get_headers():
        if header == "Allow":
            response.headers[header] = value
    return response


def http_problem(error: HTTPException) -> ProblemDetail:
    """Return the problem for an exception of Werkzeug; its code is the status phrase."""
    status = error.code or 500
    name = error.name.lower().replace(" ", "_").replace("'", "")
    return ProblemDetail(status, name, error.name, _detail(status))


def on_crash(error: Exception) -> Response:
    """Render 500 for an unexpected exception; log its traceback with the request's id."""
    logger.error("unhandled error", exc_info=error, extra={"request_id": request_id()})
    return render(CRASHED)


def render(problem: ProblemDetail, reasons: tuple[tuple[str, str], ...] = ()) -> Response:
    """Return a page for a navigation of a browser, and JSON for every other request."""
    response = _page(problem) if _wants_page() else _json(problem, reasons)
    response.status_code = problem.status
    if problem.retry_after is not None:
        response.headers["Retry-After"] = str(problem.retry_after)
    return response


def _wants_page() -> bool:
    if request.path.startswith(PROGRAMS):
        return False
    # A navigation accepts text/html by name. A program that accepts anything gets JSON.
    accepted = request.accept_mimetypes
    return request.blueprint == "pages" or accepted["text/html"] > accepted[PROBLEM_JSON]


def _page(problem: ProblemDetail) -> Response:
    return Response(
        render_template(
            "errors/error.html",
            status=problem.status,
            title=problem.title,
            detail=problem.detail,
            retry_after=problem.retry_after,
            request_id=request_id(),
        ),
        content_type="text/html; charset=utf-8",
    )


def _json(problem: ProblemDetail, reasons: tuple[tuple[str, str], ...]) -> Response:
    body: Problem = {
        "type": f"urn:latchkey:problem:{problem.code}",
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "code": problem.code,
        "request_id": request_id(),
    }
    if reasons:
        body["reasons"] = [{"code": code, "detail": detail} for code, detail in reasons]
    return Response(json.dumps(body), content_type=PROBLEM_JSON)


def _detail(status: int) -> str:
    return {
        404: "There is nothing at this address.",
        405: "This address does not accept that method.",
        413: "The request is too large.",
        500: CRASHED.detail,
    }.get(status, "The request cannot be answered.")
