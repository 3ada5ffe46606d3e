"""The outbox table, and the types that its rows are read into."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table

from app.infra.database import metadata

MAX_FAILURE_LENGTH: Final = 200
# Of notices that an account gets in a day about clients that it does not know.
MAX_A_DAY: Final = 6


class Kind(StrEnum):
    """What a message is about; `messages` has a text for each."""

    REGISTRATION = "registration"
    ALREADY_REGISTERED = "already_registered"
    RESET = "reset"
    NO_ACCOUNT = "no_account"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - a kind, not a password
    PASSWORD_RESET = "password_reset"  # noqa: S105 - likewise
    THEFT = "theft"
    NEW_BROWSER = "new_browser"
    NEW_EMAIL = "new_email"
    EMAIL_CHANGE_REQUESTED = "email_change_requested"
    EMAIL_CHANGED = "email_changed"
    EMAIL_CHANGE_UNDONE = "email_change_undone"
    ACCOUNT_DELETED = "account_deleted"


mails: Final = Table(
    "mails",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("kind", String(32), nullable=False),
    # No foreign key: the message that an account was deleted is sent after the account is gone.
    Column("user_id", String(32)),
    Column("password_epoch", BigInteger),
    Column("address", String(320), nullable=False, index=True),
    Column("ip", String(45), nullable=False),
    Column("user_agent", String(256), nullable=False),
    Column("created_at", BigInteger, nullable=False, index=True),
    Column("next_try_at", BigInteger),
    Column("tries", Integer, nullable=False),
    Column("sent_at", BigInteger),
    Column("failed_at", BigInteger),
    Column("failure", String(MAX_FAILURE_LENGTH), nullable=False),
    Column("spent_at", BigInteger),
    Column("email_epoch", BigInteger),
    Index("ix_mails_next_try_at", "next_try_at"),
    Index("ix_mails_user_id_kind_created_at", "user_id", "kind", "created_at"),
)


@dataclass(frozen=True, slots=True)
class Mail:
    """One message to one address; times are seconds, UTC.

    - `user_id` is the account it is about, and `password_epoch` that account's
      `password_changed_at` when the message was written; None when there is no account.
    - `ip` and `user_agent` are those of the request that caused it, so that the reader can tell
      whether it was their own.
    - `next_try_at` is when a worker may send it; None when nothing more is to be done: it was
      sent (`sent_at`), given up (`failed_at`, `failure` says why), or is not to be sent at all.
    - `spent_at` is when its link was used, or when it was overtaken.
    - `email_epoch` is the account's `email_changed_at` when the message was written; None without
      an account, and in a row of a former release.
    """

    id: str
    kind: str
    user_id: str | None
    password_epoch: int | None
    address: str
    ip: str
    user_agent: str
    created_at: int
    next_try_at: int | None
    tries: int = 0
    sent_at: int | None = None
    failed_at: int | None = None
    failure: str = ""
    spent_at: int | None = None
    email_epoch: int | None = None
