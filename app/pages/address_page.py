"""The page that asks for an address, and what it answers by mail; it works without script."""

from __future__ import annotations

from collections.abc import Callable

from flask import render_template, request

from app.auth.dependencies import Auth
from app.errors import Refusal
from app.infra.audit import Client
from app.pages.form_page import NO_HEADERS, Page, closed, refused, see_other
from app.pages.forms import AddressForm
from app.services import services
from app.web.client import client


def address_page(template: str, ask: Callable[[Auth, str, Client], None], sent: str) -> Page:
    """Render the form for the address; on POST call `ask` and go to the page `sent`.

    Where no mail is sent, say so in place of the form.
    """
    if not services().auth.outbox.is_open:
        return closed()
    form = AddressForm(request.form)
    status, headers = 200, NO_HEADERS
    if request.method == "POST":
        status = 400
        if form.validate():
            try:
                ask(services().auth, form.email.data or "", client())
                return see_other(sent)
            except Refusal as refusal:
                status, headers = refused(form, refusal)
    return render_template(template, form=form), status, headers
