"""What a client learns of a refusal or an error, and how: as a problem detail or as a page."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

from flask import Response, render_template, request

from app.web.client import request_id
from app.web.csrf import PROGRAMS
from app.web.responses import Problem

PROBLEM_JSON: Final = "application/problem+json"


@dataclass(frozen=True)
class ProblemDetail:
    """What a client learns of a refusal or an error; `retry_after` and `max_age` are in seconds.

    `reasons` are those of a `WeakPassword`, and `max_age` that of an `InsufficientAuthentication`.
    """

    status: int
    code: str
    title: str
    detail: str
    retry_after: int | None = None
    reasons: tuple[tuple[str, str], ...] = ()
    max_age: int | None = None


CRASHED: Final = ProblemDetail(
    500,
    "internal_error",
    "Something went wrong",
    "An unexpected error occurred, and it was logged. Try again in a moment.",
)


def render(problem: ProblemDetail) -> Response:
    """Return a page for a navigation of a browser, and JSON for every other request."""
    response = _page(problem) if _wants_page() else _json(problem)
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


def _json(problem: ProblemDetail) -> Response:
    body: Problem = {
        "type": f"urn:latchkey:problem:{problem.code}",
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "code": problem.code,
        "request_id": request_id(),
    }
    if problem.reasons:
        body["reasons"] = [{"code": code, "detail": detail} for code, detail in problem.reasons]
    if problem.max_age is not None:
        body["max_age"] = problem.max_age
    return Response(json.dumps(body), content_type=PROBLEM_JSON)
