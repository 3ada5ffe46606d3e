"""The links that a server would mail, made with its own keys, without waiting for its mail."""

from sqlalchemy import select

from app.accounts import queries as accounts
from app.infra.clock import Clock
from app.mail.models import Kind, Mail, mails
from app.services import build
from tests.support.servers.gunicorn import GunicornServer


def mails_of(server: GunicornServer, kind: Kind, user_id: str) -> list[Mail]:
    """Return the messages of that kind about an account, in any order."""
    own = build(server.settings, Clock())
    found = select(mails).where(mails.c.kind == kind, mails.c.user_id == user_id)
    try:
        with own.database.autocommit() as connection:
            return [Mail(*row) for row in connection.execute(found)]
    finally:
        own.database.engine.dispose()
        own.redis.close()


def link_in(server: GunicornServer, mail: Mail) -> str:
    """Return the token of the link in a message, for its account as it is now."""
    own = build(server.settings, Clock())
    try:
        user = own.database.read(accounts.find, mail.user_id or "")
        return own.auth.links.token(mail, user, own.clock.now())
    finally:
        own.database.engine.dispose()
        own.redis.close()


def the_link(server: GunicornServer, kind: Kind, user_id: str) -> str:
    """Return the token of the link in the one message of that kind about an account."""
    (mail,) = mails_of(server, kind, user_id)
    return link_in(server, mail)
