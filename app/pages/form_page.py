"""What the pages with forms have in common: show a refusal at the field that it concerns."""

from __future__ import annotations

from typing import Final, TypeAlias, cast

from flask import Response, redirect, render_template, url_for
from flask_wtf import FlaskForm

from app.errors import MailOff, Refusal, WeakPassword
from app.families.issuer import TokenPair
from app.web import cookies, problems
from app.web.headers import clear_site_data

Page: TypeAlias = Response | tuple[str, int, dict[str, str]]
NO_HEADERS: Final[dict[str, str]] = {}


def refused(form: FlaskForm, refusal: Refusal) -> tuple[int, dict[str, str]]:
    """Record a refusal and show it in `form`; return the status and headers of the page."""
    problems.record(refusal)
    if isinstance(refusal, WeakPassword):
        form.password.errors = [sentence for _, sentence in refusal.reasons]
    elif refusal.reason == "email":
        form.email.errors = [refusal.detail]
    else:
        form.form_errors.append(refusal.detail)
    retry = refusal.retry_after
    return refusal.status, NO_HEADERS if retry is None else {"Retry-After": str(retry)}


def closed() -> Page:
    """Return the page that says, in one sentence, that nobody can prove an address here."""
    return (
        render_template("pages/mail_off.html", detail=MailOff.detail),
        MailOff.status,
        NO_HEADERS,
    )


def see_other(location: str) -> Response:
    """Return a redirect after a form, which the browser follows with GET.

    303 and not 307, which would make the browser send the password again (RFC 9700 section 4.12).
    """
    return cast("Response", redirect(location, 303))


def logged_in(pair: TokenPair, wanted: str = "") -> Response:
    """Return the response to a form that has begun a session: go to `wanted`, or the account.

    A form has no DPoP proof, so the session is bound to the key of its first refresh. The browser
    therefore deletes its stored keys: injected script may have planted one before the log-in. A
    password that is known from a breach leads to the page that changes it.
    """
    change = url_for("pages.password", notice="password_breached")
    response = see_other(change if pair.password_breached else wanted or url_for("pages.account"))
    clear_site_data(response)
    cookies.set_credentials(response, pair)
    return response
