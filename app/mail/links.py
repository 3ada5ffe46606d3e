"""Make and check the tokens of mailed links. The database has nothing that opens anything.

A token is made when its message is sent: an id, a time, and an HMAC by a key of its own purpose
over these, the message's kind, account and address, and the state of the account that the link
depends on. A copy of the database is not enough to make one, and a change of that state kills
every link from before it. `app.auth` spends a link by one conditional UPDATE
(`link_queries.spend`).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import Final

from app.accounts.models import User
from app.mail.models import Kind, Mail
from app.tokens.keys import KeyRing

HOUR: Final = 3600
DAY: Final = 24 * HOUR
MAX_TOKEN: Final = 160
# How far the clock of the host that made a token may be ahead.
FUTURE_SECONDS: Final = 60
# How long the link in a message works, from the moment the message was sent.
LIFETIMES: Final[dict[str, int]] = {
    Kind.REGISTRATION: DAY,
    Kind.RESET: HOUR,
    Kind.PASSWORD_CHANGED: 7 * DAY,
    Kind.PASSWORD_RESET: 7 * DAY,
    Kind.THEFT: 7 * DAY,
    Kind.NEW_BROWSER: 7 * DAY,
    Kind.NEW_EMAIL: DAY,
    Kind.EMAIL_CHANGE_REQUESTED: 7 * DAY,
    Kind.EMAIL_CHANGED: 7 * DAY,
}
MAX_LIFETIME: Final = max(LIFETIMES.values())
# The kinds whose link takes the account back from a thief.
SECURING: Final = frozenset(
    {
        Kind.PASSWORD_CHANGED,
        Kind.PASSWORD_RESET,
        Kind.THEFT,
        Kind.NEW_BROWSER,
        Kind.EMAIL_CHANGE_REQUESTED,
    }
)
# The kinds whose link is for whoever has lost the account: it has to work after the password and
# the address were changed by somebody else.
AFTER_A_CHANGE: Final = SECURING | {Kind.EMAIL_CHANGED}
# The kinds whose link dies with a change of the password or of the address.
BEFORE_A_CHANGE: Final = frozenset({Kind.RESET, Kind.NEW_EMAIL})

_TOKEN: Final = re.compile(
    r"([A-Za-z0-9_-]{12})\.([A-Za-z0-9_-]{22})\.([0-9]{1,12})\.([A-Za-z0-9_-]{43})", re.ASCII
)


@dataclass(frozen=True, slots=True)
class Link:
    """The parts of a token that has the right form; nothing is verified yet."""

    kid: str
    mail_id: str
    made_at: int
    mac: str


def parse(token: str) -> Link | None:
    """Return the parts of a token; None when it does not have the form of one."""
    match = _TOKEN.fullmatch(token) if len(token) <= MAX_TOKEN else None
    if match is None:
        return None
    kid, mail_id, made_at, mac = match.groups()
    return Link(kid, mail_id, int(made_at), mac)


class Links:
    """Makes and checks the tokens of links with the keys of one deployment."""

    def __init__(self, keys: KeyRing) -> None:
        """Sign with the ring's signing key; a link from before a change of the secret works."""
        self._keys: Final = keys

    def token(self, mail: Mail, user: User | None, now: int) -> str:
        """Return the token of the link in `mail`, made at `now` (seconds, UTC).

        `user` is the account as it is now; None for a message about no account.
        """
        kid = self._keys.signing_kid
        mac = _mac(self._keys.signing_key, mail, user, now)
        return f"{kid}.{mail.id}.{now}.{mac}"

    def is_valid(self, link: Link, mail: Mail, user: User | None, now: int) -> bool:
        """Return whether `link` was made for `mail` and for the present state of `user`.

        It is not when it was made too long ago, or was spent. Whoever acts on it has to spend it
        in the transaction of the act: of two requests with one link, both may come this far.
        """
        key = self._keys.by_kid.get(link.kid)
        lifetime = LIFETIMES.get(mail.kind)
        if link.mail_id != mail.id or key is None or lifetime is None or mail.spent_at is not None:
            return False
        if not -FUTURE_SECONDS <= now - link.made_at < lifetime:
            return False
        return hmac.compare_digest(_mac(key, mail, user, link.made_at), link.mac)


def _mac(key: bytes, mail: Mail, user: User | None, made_at: int) -> str:
    state = () if user is None or mail.kind in AFTER_A_CHANGE else _state(user)
    parts = (mail.id, mail.kind, mail.user_id or "", mail.address, str(made_at), *state)
    # The length before each part keeps ("ab", "c") and ("a", "bc") apart.
    text = b"".join(len(part.encode()).to_bytes(2) + part.encode() for part in parts)
    digest = hmac.digest(key, text, hashlib.sha256)
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _state(user: User) -> tuple[str, str]:
    return str(user.password_changed_at), user.email
