"""Weakened variants of mailed links, of their limits, and of the check of the host."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from flask import Flask, request

from app.accounts.models import User
from app.auth import opened_links
from app.auth.dependencies import Auth
from app.auth.reset import KINDS
from app.dev.lab.weakened.variant import instead_of
from app.infra.throttle import Throttle
from app.mail.links import Link, Links
from app.mail.models import Mail
from app.web.origin import SAFE_METHODS, check_origin

real_is_valid: Final = Links.is_valid


@instead_of("app/auth/reset.py:check_reset", "scanned-links")
def opening_a_link_uses_it_up(auth: Auth, token: str) -> None:
    """Whoever opens the page has used the link."""
    auth.database.transact(opened_links.spend, auth, token, KINDS)


@instead_of("app/mail/links.py:Links.is_valid", "stale-links")
def a_change_kills_no_link(
    self: Links, link: Link, mail: Mail, user: User | None, now: int
) -> bool:
    """A link is checked for the account as it was when its message was written."""
    epoch = mail.password_epoch or 0
    then = replace(user, password_changed_at=epoch, email=mail.address) if user else None
    return real_is_valid(self, link, mail, then, now)


@instead_of("app/mail/links.py:Links.is_valid", "account-squatting")
def the_id_is_enough(self: Links, link: Link, mail: Mail, user: User | None, now: int) -> bool:
    """A link is one when it names a message, whatever its signature."""
    return link.mail_id == mail.id


@instead_of("app/infra/throttle.py:Throttle.mail", "mail-flooding")
def each_request_is_answered_by_mail(self: Throttle, kind: str, address: str) -> bool:
    """Messages to an address are not counted."""
    return True


@instead_of("app/infra/throttle.py:Throttle.note", "mail-flooding")
def each_typing_error_is_answered_by_mail(self: Throttle, kind: str, address: str) -> bool:
    """Notes to an address without an account are not counted."""
    return True


@instead_of("app/web/origin.py:install", "hostile-host")
def any_host_is_ours(app: Flask, public_url: str, *, behind_proxy: bool) -> None:
    """Requests are served for every host that they name."""

    def check() -> None:
        if request.method not in SAFE_METHODS:
            check_origin(request, public_url)

    app.before_request(check)
