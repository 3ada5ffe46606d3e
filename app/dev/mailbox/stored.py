"""Read the stored messages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.policy import SMTPUTF8
from pathlib import Path

from app.infra.clock import rfc3339
from app.mail.folder import MESSAGES


@dataclass(frozen=True, slots=True)
class StoredMail:
    """One stored message; `sent_at` is RFC 3339."""

    name: str
    to: str
    subject: str
    text: str
    html: str
    sent_at: str


def newest_first(folder: Path) -> Iterator[StoredMail]:
    """Return the messages in a folder that are whole, the newest first."""
    for path in sorted(folder.glob(MESSAGES), reverse=True):
        if (mail := read(path)) is not None:
            yield mail


def read(path: Path) -> StoredMail | None:
    """Return the message in a file; None when the file is gone, because it had to make room."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return None
    message = message_from_bytes(raw, policy=SMTPUTF8)
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    return StoredMail(
        name=path.stem,
        to=str(message["To"]),
        subject=str(message["Subject"]),
        text=text.get_content() if text else "",
        html=html.get_content() if html else "",
        sent_at=rfc3339(int(path.stem.partition("-")[0]) // 1_000_000_000),
    )
