"""The pages of a change of address: that of the account, and those that mailed links lead to.

Those of links work without script.
"""

from __future__ import annotations

from typing import Final

from flask import Blueprint, render_template, url_for

from app.auth.email_change import check_email_change, confirm_email_change
from app.auth.secure import check_undo, undo_email_change
from app.pages.act_page import act_page
from app.pages.form_page import Page
from app.web.csrf import csrf
from app.web.guards import public

blueprint: Final = Blueprint("email", __name__)
blueprint.before_request(csrf.protect)


@blueprint.get("/account/email")
@public
def account() -> str:
    """Render the shell of the page that asks for another address."""
    return render_template("pages/email.html")


@blueprint.route("/email/confirm", methods=["GET", "POST"])
@public
def confirm() -> Page | str:
    """Ask once more; on POST make the address that of the account."""
    path, done = url_for("email.confirm"), url_for("email.confirmed")
    template = "pages/email_confirm.html"
    return act_page(path, template, check_email_change, confirm_email_change, done)


@blueprint.get("/email/confirmed")
@public
def confirmed() -> str:
    """Say what was done."""
    return render_template("pages/email_confirmed.html")


@blueprint.route("/email/undo", methods=["GET", "POST"])
@public
def undo() -> Page | str:
    """Ask once more; on POST restore the former address, and secure the account."""
    path, done = url_for("email.undo"), url_for("email.undone")
    return act_page(path, "pages/email_undo.html", check_undo, undo_email_change, done)


@blueprint.get("/email/undone")
@public
def undone() -> str:
    """Say what was done, and what comes next."""
    return render_template("pages/email_undone.html")
