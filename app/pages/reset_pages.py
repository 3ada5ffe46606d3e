"""The pages of a forgotten password. They work without script."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, Response, render_template, url_for

from app.auth.reset import check_reset, finish_reset, request_reset
from app.pages.address_page import address_page
from app.pages.form_page import Page, see_other
from app.pages.password_page import password_page
from app.services import services
from app.web.client import client
from app.web.csrf import csrf
from app.web.guards import public

blueprint: Final = Blueprint("reset", __name__, url_prefix="/reset")
blueprint.before_request(csrf.protect)


@blueprint.route("", methods=["GET", "POST"])
@public
def ask() -> Page:
    """Render the form for the address; on POST write the mail."""
    return address_page("pages/reset.html", request_reset, url_for("reset.sent"))


@blueprint.get("/sent")
@public
def sent() -> str:
    """Say what happens next. The page is the same for every address."""
    return render_template("pages/mail_sent.html")


@blueprint.route("/finish", methods=["GET", "POST"])
@public
def finish() -> Page | str:
    """Render the form for the new password; on POST set it."""
    return password_page(url_for("reset.finish"), "pages/reset_finish.html", check_reset, _finish)


def _finish(token: str, password: str) -> Response:
    finish_reset(services().auth, token, password, client())
    return see_other(url_for("pages.login", notice="password_changed"))
