"""Opening an account for an address that belongs to somebody else."""

from __future__ import annotations

import secrets
from contextlib import suppress

from app.attacks import defenses
from app.attacks.attacked_account import Account
from app.attacks.context import AttackContext
from app.attacks.read_outbox import read_outbox
from app.auth import admin
from app.errors import NotFound
from app.mail.models import Kind


def account_squatting(context: AttackContext) -> None:
    """Register the address of somebody who has no account yet, without reading their mail."""
    victim = Account(context.stranger(), f"quarry {secrets.token_hex(8)} umbrella")
    attacker = context.browser("attacker")
    with read_outbox(context) as outbox:
        context.say("The attacker registers an address whose mail they cannot read.")
        token = outbox.link("/auth/register", victim.email, Kind.REGISTRATION)
        context.say("Without the link they try to log in, and to guess it.")
        log_in = context.patiently(lambda: attacker.ask("POST", "/auth/login", victim.credentials))
        context.refused(
            log_in, 401, "invalid_credentials", "no account yet", defenses.REGISTRATION
        )
        kid, mail_id, made_at, mac = token.split(".")
        guess = f"{kid}.{mail_id}.{made_at}.{'A' * len(mac)}"
        body = {"token": guess, "password": victim.password}
        answer = attacker.ask("POST", "/auth/register/finish", body)
        context.refused(answer, 400, "invalid_link", "a made-up link", defenses.LINK)
        with suppress(NotFound):
            admin.delete(outbox.services.auth, admin.find_user(outbox.services.auth, victim.email))
