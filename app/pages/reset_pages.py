"""The pages of a forgotten password. They work without script."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, render_template, request, url_for

from app.auth.reset import check_reset, finish_reset, request_reset
from app.errors import InvalidLink, Refusal
from app.pages import mailed_links
from app.pages.form_page import NO_HEADERS, Page, refused, see_other
from app.pages.forms import AddressForm, NewPasswordForm
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
    form = AddressForm(request.form)
    status, headers = 200, NO_HEADERS
    if request.method == "POST":
        status = 400
        if form.validate():
            try:
                request_reset(services().auth, form.email.data or "", client())
            except Refusal as refusal:
                status, headers = refused(form, refusal)
            else:
                return see_other(url_for("reset.sent"))
    return render_template("pages/reset.html", form=form), status, headers


@blueprint.get("/sent")
@public
def sent() -> str:
    """Say what happens next. The page is the same for every address."""
    return render_template("pages/mail_sent.html")


@blueprint.route("/finish", methods=["GET", "POST"])
@public
def finish() -> Page | str:
    """Render the form for the new password; on POST set it."""
    path = url_for("reset.finish")
    if request.method != "POST" and (page := mailed_links.opened(path)):
        return page
    form, token = NewPasswordForm(request.form), mailed_links.token_for(path)
    status, headers = 200, NO_HEADERS
    try:
        if request.method != "POST":
            check_reset(services().auth, token)
        elif form.validate():
            finish_reset(services().auth, token, form.password.data or "", client())
            mailed_links.forget(path)
            return see_other(url_for("pages.login", notice="password_changed"))
        else:
            status = 400
    except InvalidLink as refusal:
        return render_template("pages/dead_link.html"), refusal.status, NO_HEADERS
    except Refusal as refusal:
        status, headers = refused(form, refusal)
    least = services().settings.password_min_length
    page = render_template("pages/reset_finish.html", form=form, password_min_length=least)
    return page, status, headers
