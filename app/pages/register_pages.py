"""The pages on which an account is opened. They work without script."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, Response, render_template, url_for

from app.auth.register import check_registration, finish_registration, request_registration
from app.pages.address_page import address_page
from app.pages.form_page import Page, closed, logged_in
from app.pages.password_page import password_page
from app.services import services
from app.web.client import client
from app.web.csrf import csrf
from app.web.dpop import presented_credentials
from app.web.guards import public

blueprint: Final = Blueprint("register", __name__, url_prefix="/register")
blueprint.before_request(csrf.protect)


@blueprint.route("", methods=["GET", "POST"])
@public
def ask() -> Page:
    """Render the form for the address; on POST write the mail."""
    return address_page("pages/register.html", request_registration, url_for("register.sent"))


@blueprint.get("/sent")
@public
def sent() -> str:
    """Say what happens next. The page is the same for every address."""
    return render_template("pages/register_sent.html")


@blueprint.route("/finish", methods=["GET", "POST"])
@public
def finish() -> Page | str:
    """Render the form for the password; on POST open the account and log in."""
    if not services().auth.outbox.is_open:
        return closed()
    return password_page(
        url_for("register.finish"),
        "pages/register_finish.html",
        check_registration,
        _finish,
        dead="pages/register_dead.html",
    )


def _finish(token: str, password: str) -> Response:
    auth, presented = services().auth, presented_credentials()
    return logged_in(finish_registration(auth, token, password, client(), presented))
