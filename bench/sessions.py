"""Sessions for the bench, opened without a server."""

from __future__ import annotations

from itertools import count
from typing import Final

from flask import Flask

from app import create_app
from app.auth import admin
from app.auth.login import begin_session
from app.families.issuer import PresentedCredentials, TokenPair
from app.infra.audit import Client
from app.services import services
from config import Settings

PASSWORD: Final = "four words for a bench"  # noqa: S105 - of accounts that live for seconds
_numbers: Final = count()


def log_in(app: Flask, presented: PresentedCredentials | None = None) -> TokenPair:
    """Open an account for somebody in a network of their own, and begin a session."""
    number = next(_numbers)
    client = Client(f"10.{number // 250}.{number % 250}.1", "bench")
    with app.app_context():
        auth = services().auth
        user = admin.create(auth, f"bench-{number}@example.com", PASSWORD)
        presented = presented or PresentedCredentials()
        return begin_session(auth, user, client, presented, lambda _: [], remembered=False)


def refresh_tokens(settings: Settings, number: int) -> list[str]:
    """Open so many sessions on the database of a server and return their refresh tokens."""
    app = create_app(settings)
    return [log_in(app).refresh_token for _ in range(number)]
