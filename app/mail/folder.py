"""Store messages in a folder, for the mailbox of development."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Final

from app.mail.transports import Failed, Send

MAX_MAILBOX: Final = 500
# What a whole message is called. One that is still being written has a dot in front, and matches
# neither where messages are read nor where the oldest are deleted.
MESSAGES: Final = "[0-9]*-*.eml"


@dataclass(frozen=True)
class Folder:
    """A folder in which each message is a file."""

    path: Path

    @contextmanager
    def connect(self) -> Iterator[Send]:
        """Store messages; the oldest give way when there are more than `MAX_MAILBOX`."""
        with self._failures():
            self.path.mkdir(mode=0o700, exist_ok=True)
        yield self._store
        for old in sorted(self.path.glob(MESSAGES))[:-MAX_MAILBOX]:
            old.unlink(missing_ok=True)

    def _store(self, message: EmailMessage) -> None:
        mail_id = message["Message-ID"].strip("<>").partition("@")[0]
        # By time of sending, so that the newest file is the newest message.
        name = f"{time.time_ns():020d}-{mail_id}.eml"
        draft = self.path / f".{name}"
        with self._failures():
            draft.write_bytes(bytes(message))
            draft.replace(self.path / name)

    @contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise Failed(f"{self.path} cannot be written ({error.strerror})") from None
