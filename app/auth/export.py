"""Put together all that is kept about a person, in one file, for that person."""

from __future__ import annotations

import errno
import logging
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import BoundedSemaphore
from typing import IO, Final

from sqlalchemy import BindParameter, Connection, String, bindparam, or_, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.accounts import queries as accounts
from app.accounts.activity import Activity, Event, activity
from app.accounts.models import User
from app.auth.dependencies import Auth
from app.auth.happened import Happened
from app.errors import Busy, ExportFailed, InvalidToken, Unavailable
from app.families.models import Family, families
from app.infra.audit import Client
from app.infra.clock import rfc3339
from app.infra.json_file import JsonObject
from app.mail.models import Mail, mails

logger: Final = logging.getLogger("latchkey.export")

# Of one process: so many threads, and database connections, are at most used for it.
MAX_AT_ONCE: Final = 2
MAX_IN_MEMORY: Final = 1 << 20
RETRY_SECONDS: Final = 60
DISK_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})

_user: Final[BindParameter[str]] = bindparam("user", type_=String)
SESSIONS: Final = (
    select(families)
    .where(families.c.user_id == _user)
    .order_by(families.c.created_at, families.c.family_id)
)
ACTIVITY: Final = (
    select(activity).where(activity.c.user_id == _user).order_by(activity.c.at, activity.c.id)
)
# The messages about the account, and those to its address that are about none.
MESSAGES: Final = (
    select(mails)
    .where(
        or_(
            mails.c.user_id == _user,
            (mails.c.address == bindparam("address")) & mails.c.user_id.is_(None),
        )
    )
    .order_by(mails.c.created_at, mails.c.id)
)

_places: Final = BoundedSemaphore(MAX_AT_ONCE)


@dataclass(frozen=True, slots=True)
class Views:
    """What the file says of each row, as JSON; no view shows a token, a hash or an id of one."""

    account: Callable[[User], object]
    session: Callable[[Family], object]
    activity: Callable[[Activity], object]
    message: Callable[[Mail], object]


def export(auth: Auth, user_id: str, sid: str, client: Client, views: Views) -> IO[bytes]:
    """Return a temporary file of JSON, at its beginning, with all that is kept about the caller.

    It shows the database at one moment. Its size has no limit: what is above 1 MB of it is on the
    disk, without a name, and goes when the file is closed. The file is either whole, or an
    exception is raised.

    Raises:
        TooManyAttempts: when the account's limit is used up.
        Busy: when this process is at work on as many exports as it does at once.
        ExportFailed: when a feature raises, or returns what is not JSON.
        Unavailable: when the disk is full.
        InvalidToken: when the account was deleted or disabled meanwhile.

    """
    with _place():
        auth.throttle.export(user_id)
        file = auth.database.snapshot(_write_file, auth, user_id, client, views)
    try:
        auth.commit(_tell, user_id, sid, client)
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return file


@contextmanager
def _place() -> Iterator[None]:
    if not _places.acquire(blocking=False):
        raise Busy(retry_after=1)
    try:
        yield
    finally:
        _places.release()


def _tell(connection: Connection, user_id: str, sid: str, client: Client) -> list[Happened]:
    if not accounts.hold(connection, [user_id]):
        raise InvalidToken(reason="account_gone")
    return [Happened(Event.DATA_EXPORTED, user_id, client, sid)]


def _write_file(
    connection: Connection, auth: Auth, user_id: str, client: Client, views: Views
) -> IO[bytes]:
    user = accounts.find(connection, user_id)
    if user is None or user.disabled_at is not None:
        raise InvalidToken(reason="account_gone")
    file = tempfile.SpooledTemporaryFile(MAX_IN_MEMORY)  # noqa: SIM115 - the caller closes it
    try:
        _write(connection, auth, user, client, views, JsonObject(file))
        file.flush()
    except OSError as error:
        with suppress(OSError):  # it tries once more to write
            file.close()
        extra = {"request_id": client.request_id}
        logger.error("the data was not exported: %s", error.strerror, extra=extra)  # noqa: TRY400 - no fault of the code
        raise Unavailable(reason="disk", retry_after=RETRY_SECONDS) from error
    except BaseException:
        file.close()
        raise
    return file


def _write(  # noqa: PLR0913, PLR0917 - what the file is made of
    connection: Connection, auth: Auth, user: User, client: Client, views: Views, out: JsonObject
) -> None:
    sessions = connection.execute(SESSIONS, {"user": user.id})
    events = connection.execute(ACTIVITY, {"user": user.id})
    messages = connection.execute(MESSAGES, {"user": user.id, "address": user.email})
    out.member("exported_at", rfc3339(auth.clock.now()))
    out.member("account", views.account(user))
    out.member("sessions", (views.session(Family(*row)) for row in sessions))
    out.member("activity", (views.activity(Activity(*row)) for row in events))
    out.member("messages", (views.message(Mail(*row)) for row in messages))
    with out.nested("features") as features:
        for name, export_rows in auth.export_rows.items():
            with _failures_of(name, client):
                features.member(name, export_rows(connection, user.id))
    out.end()


@contextmanager
def _failures_of(feature: str, client: Client) -> Iterator[None]:
    """Turn what a feature raises into `ExportFailed`, and log it with the feature's name."""
    try:
        yield
    except (OperationalError, PoolTimeout):
        raise  # the database is away, too slow or full
    except Exception as error:
        if getattr(error, "errno", None) in DISK_FULL:
            raise
        extra = {"request_id": client.request_id}
        logger.exception("the feature %r was not exported", feature, extra=extra)
        raise ExportFailed from error
