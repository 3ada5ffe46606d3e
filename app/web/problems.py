"""Handle every refusal and error: log it, and render its `problem_detail`."""

from __future__ import annotations

import logging
from traceback import format_tb
from typing import Final

from flask import Flask, Response, request
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError
from werkzeug.exceptions import HTTPException

from app.errors import InvalidProof, InvalidToken, Refusal, SessionEnded, Unavailable, WeakPassword
from app.services import services
from app.web import cookies
from app.web.client import client, request_id
from app.web.guards import DPOP, credential
from app.web.problem_detail import CRASHED, ProblemDetail, render
from app.web.step_up import InsufficientAuthentication

logger: Final = logging.getLogger("latchkey")

RETRY_SECONDS: Final = 5
MAX_MESSAGE: Final = 300
UNAUTHORIZED: Final = 401
CHALLENGED: Final = (InvalidToken, InvalidProof, InsufficientAuthentication)
EXPIRED_FORM: Final = "The form was open for too long or came from another page. Send it again."
TWO_FORM_COOKIES: Final = (
    "This browser sent two cookies for the form, and one may have been set by another site. "
    "Delete this site's cookies, then open the form again."
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
        refusal.status,
        refusal.code,
        refusal.title,
        refusal.detail,
        refusal.retry_after,
        refusal.reasons if isinstance(refusal, WeakPassword) else (),
        refusal.max_age if isinstance(refusal, InsufficientAuthentication) else None,
    )
    response = render(problem)
    if isinstance(refusal, SessionEnded):
        cookies.clear_refresh(response)
    if isinstance(refusal, CHALLENGED) and refusal.status == UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = _challenge(problem)
    return response


def record(refusal: Refusal) -> None:
    """Write the reason to the audit record, unless the story has already written a line."""
    if refusal.event:
        services().audit.refused(refusal.event, client(), refusal.reason)


def _challenge(problem: ProblemDetail) -> str:
    scheme, token = credential()
    error = f', error="{problem.code}"' if token is not None else ""
    if problem.max_age is not None:
        error += f', error_description="{problem.detail}", max_age="{problem.max_age}"'
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


def _detail(status: int) -> str:
    return {
        404: "There is nothing at this address.",
        405: "This address does not accept that method.",
        413: "The request is too large.",
        500: CRASHED.detail,
    }.get(status, "The request cannot be answered.")
