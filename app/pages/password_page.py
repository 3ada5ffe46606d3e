"""The page on which a password is chosen, opened with a mailed link; it works without script."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from flask import Response, render_template, request

from app.auth.dependencies import Auth
from app.errors import InvalidLink, Refusal
from app.pages import mailed_links
from app.pages.form_page import NO_HEADERS, Page, refused
from app.pages.forms import NewPasswordForm
from app.services import services

DEAD: Final = "pages/dead_link.html"


def password_page(
    path: str,
    template: str,
    check: Callable[[Auth, str], str],
    finish: Callable[[str, str], Response],
    dead: str = DEAD,
) -> Page | str:
    """Render the form of the link that was opened for `path`; on POST call `finish`.

    `check` returns the address that the token is for. `finish` takes the token and the password,
    and returns the response. The form has the token of its own link, so that it stays about that
    link when the browser opens another one in another tab. With a dead link, `dead` is rendered.
    """
    if request.method != "POST" and (page := mailed_links.opened(path)):
        return page
    form = NewPasswordForm(request.form)
    form.token.data = token = form.token.data or mailed_links.token_for(path)
    try:
        email = check(services().auth, token)
        outcome = _submit(form, partial(finish, token))
    except InvalidLink as refusal:
        return render_template(dead), refusal.status, NO_HEADERS
    if isinstance(outcome, Response):
        mailed_links.forget(path)
        return outcome
    least = services().settings.password_min_length
    page = render_template(template, form=form, email=email, password_min_length=least)
    return page, *outcome


def _submit(
    form: NewPasswordForm, finish: Callable[[str], Response]
) -> Response | tuple[int, dict[str, str]]:
    """Return the response of `finish`, or the status and headers of the page with the form."""
    if request.method != "POST":
        return 200, NO_HEADERS
    if not form.validate():
        return 400, NO_HEADERS
    try:
        return finish(form.password.data or "")
    except InvalidLink:
        raise
    except Refusal as refusal:
        return refused(form, refusal)
