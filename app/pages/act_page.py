"""The page of a mailed link that asks once more, with one button; it works without script."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from flask import render_template, request

from app.auth.dependencies import Auth
from app.errors import EmailTaken, InvalidLink
from app.infra.audit import Client
from app.pages import mailed_links
from app.pages.form_page import NO_HEADERS, Page, see_other
from app.pages.forms import ActForm
from app.services import services
from app.web import problems
from app.web.client import client

DEAD: Final = "pages/dead_link.html"


def act_page(
    path: str,
    template: str,
    check: Callable[[Auth, str], str],
    act: Callable[[Auth, str, Client], None],
    done: str,
) -> Page | str:
    """Render the button of the link that was opened for `path`; on POST call `act`.

    `check` returns the address that the token is about, `act` does what the button says, and then
    the browser goes to `done`. The form has the token of its own link, so that the button does
    what its page says when the browser opens another link in another tab.
    """
    if request.method != "POST" and (page := mailed_links.opened(path)):
        return page
    form = ActForm(request.form)
    token = form.token.data = form.token.data or mailed_links.token_for(path)
    try:
        if request.method == "POST":
            act(services().auth, token, client())
            mailed_links.forget(path)
            return see_other(done)
        email = check(services().auth, token)
    except InvalidLink as refusal:
        return render_template(DEAD), refusal.status, NO_HEADERS
    except EmailTaken as refusal:
        problems.record(refusal)
        page = render_template("pages/email_taken.html", detail=refusal.detail)
        return page, refusal.status, NO_HEADERS
    return render_template(template, form=form, email=email)
