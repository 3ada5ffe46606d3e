"""What a transport is: it carries messages to a mail server (`smtp`) or into a folder (`folder`).

`sender` gives one message after the other to a transport. A transport raises `Refused` for a
message that the server will never accept, `Deferred` for one that it may accept later, and
`Failed` when it accepts none at present.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from email.message import EmailMessage
from typing import Protocol

Send = Callable[[EmailMessage], None]


class Undelivered(Exception):
    """A message was not accepted; `str()` says why, in words for the operator."""


class Failed(Undelivered):
    """The server accepts no message at present."""


class Deferred(Undelivered):
    """The server does not accept this message at present, but may accept others."""


class Refused(Undelivered):
    """The server will never accept this message."""


class Transport(Protocol):
    """Opens a connection on which messages are sent."""

    def connect(self) -> AbstractContextManager[Send]:
        """Return a function that sends one message, for a `with` block.

        Raises:
            Failed: when there is no connection, or the server refuses the user.

        """
