"""The page that the link "This wasn't me" leads to. It works without script."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, render_template, request, url_for

from app.auth.secure import check_secure, secure
from app.errors import InvalidLink
from app.pages import mailed_links
from app.pages.form_page import NO_HEADERS, Page, see_other
from app.pages.forms import ActForm
from app.services import services
from app.web.client import client
from app.web.csrf import csrf
from app.web.guards import public

blueprint: Final = Blueprint("secure", __name__)
blueprint.before_request(csrf.protect)


@blueprint.route("/secure", methods=["GET", "POST"])
@public
def act() -> Page | str:
    """Ask once more; on POST end every session and mail a link for a new password."""
    path = url_for("secure.act")
    if request.method != "POST" and (page := mailed_links.opened(path)):
        return page
    token = mailed_links.token_for(path)
    try:
        if request.method == "POST":
            secure(services().auth, token, client())
            mailed_links.forget(path)
            return see_other(url_for("secure.done"))
        email = check_secure(services().auth, token)
    except InvalidLink as refusal:
        return render_template("pages/dead_link.html"), refusal.status, NO_HEADERS
    return render_template("pages/secure.html", form=ActForm(), email=email)


@blueprint.get("/secure/done")
@public
def done() -> str:
    """Say what was done, and what comes next."""
    return render_template("pages/secured.html")
