"""Read where mail is sent, and from which address. Only development has a mailbox of its own."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

from app.settings.addresses import is_host
from app.settings.reader import Reader

_ADDRESS: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,253}")


def mail_url(reader: Reader) -> str:
    """Return the URL of the mail server, `none`, or in development `mailbox`."""
    value = reader.text("MAIL_URL", "mailbox" if reader.development else "")
    if not value:
        remedy = "use smtp://user:password@host:587, or 'none' to send no mail"
        reader.fault("MAIL_URL", "is missing", remedy)
    elif value == "mailbox" and not reader.development:
        remedy = "use smtp://user:password@host:587; only development has a mailbox"
        reader.fault("MAIL_URL", "is not a mail server", remedy)
    elif value not in {"mailbox", "none"} and not _is_mail_url(value):
        remedy = "use smtp://user:password@host:587 or smtps://user:password@host:465"
        reader.fault("MAIL_URL", "is not the URL of a mail server", remedy)
    return value


def mail_from(reader: Reader) -> str:
    """Return the address that mail comes from; empty when no mail is sent."""
    value = reader.text("MAIL_FROM", "latchkey@localhost" if reader.development else "")
    if not value and reader.text("MAIL_URL") not in {"", "none"}:
        remedy = "name the address that mail comes from, as in accounts@example.com"
        reader.fault("MAIL_FROM", "is missing", remedy)
    elif value and not _ADDRESS.fullmatch(value):
        remedy = "use an address without a name, as in accounts@example.com"
        reader.fault("MAIL_FROM", "is not an e-mail address", remedy)
    return value


def _is_mail_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port  # a port that is none raises
    except ValueError:
        return False
    bare = not (parts.query or parts.fragment) and parts.path in {"", "/"}
    complete = bool(parts.username) == bool(parts.password)
    return parts.scheme in {"smtp", "smtps"} and bare and complete and is_host(host)
