"""What the pages with forms have in common: show a refusal at the field that it concerns."""

from __future__ import annotations

from typing import Final, TypeAlias, cast

from flask import Response, redirect
from flask_wtf import FlaskForm

from app.errors import EmailTaken, Refusal, WeakPassword
from app.web import problems

Page: TypeAlias = Response | tuple[str, int, dict[str, str]]
NO_HEADERS: Final[dict[str, str]] = {}


def refused(form: FlaskForm, refusal: Refusal) -> tuple[int, dict[str, str]]:
    """Record a refusal and show it in `form`; return the status and headers of the page."""
    problems.record(refusal)
    if isinstance(refusal, WeakPassword):
        form.password.errors = [sentence for _, sentence in refusal.reasons]
    elif isinstance(refusal, EmailTaken) or refusal.reason == "email":
        form.email.errors = [refusal.detail]
    else:
        form.form_errors.append(refusal.detail)
    retry = refusal.retry_after
    return refusal.status, NO_HEADERS if retry is None else {"Retry-After": str(retry)}


def see_other(location: str) -> Response:
    """Return a redirect after a form, which the browser follows with GET.

    303 and not 307, which would make the browser send the password again (RFC 9700 section 4.12).
    """
    return cast("Response", redirect(location, 303))
