"""The page that the link "This wasn't me" leads to. It works without script."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, render_template, url_for

from app.auth.secure import check_secure, secure
from app.pages.act_page import act_page
from app.pages.form_page import Page
from app.web.csrf import csrf
from app.web.guards import public

blueprint: Final = Blueprint("secure", __name__)
blueprint.before_request(csrf.protect)


@blueprint.route("/secure", methods=["GET", "POST"])
@public
def act() -> Page | str:
    """Ask once more; on POST end every session and mail a link for a new password."""
    path, done_page = url_for("secure.act"), url_for("secure.done")
    return act_page(path, "pages/secure.html", check_secure, secure, done_page)


@blueprint.get("/secure/done")
@public
def done() -> str:
    """Say what was done, and what comes next."""
    return render_template("pages/secured.html")
