"""What can be tried against a session, and what stops it: the one place that says so.

docs/threats.md, `/threats`, `/mistakes`, the lab and `flask attack` are made of it.
"""

from __future__ import annotations

from typing import Final

from app.threats.entry import Entry
from app.threats.load_threats import LOAD_THREATS
from app.threats.login_threats import LOGIN_THREATS
from app.threats.mail_threats import MAIL_THREATS
from app.threats.mistakes import MISTAKES
from app.threats.page_threats import PAGE_THREATS
from app.threats.password_threats import PASSWORD_THREATS
from app.threats.session_threats import SESSION_THREATS
from app.threats.threats import THREATS
from app.threats.token_threats import TOKEN_THREATS

FURTHER: Final = (
    *LOGIN_THREATS,
    *PASSWORD_THREATS,
    *MAIL_THREATS,
    *TOKEN_THREATS,
    *SESSION_THREATS,
    *PAGE_THREATS,
    *LOAD_THREATS,
)
ENTRIES: Final = (*THREATS, *MISTAKES, *FURTHER)
BY_SLUG: Final = {entry.slug: entry for entry in ENTRIES}

__all__ = ["BY_SLUG", "ENTRIES", "FURTHER", "MISTAKES", "THREATS", "Entry"]
