"""What a right request to each of our own endpoints has: its body, and what its path names."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from app.accounts import queries as accounts
from app.families import thefts
from app.families.models import Reason
from app.infra.audit import Client as AuditClient
from app.mail import queries as mails
from app.mail.models import Kind
from tests.support.app import services
from tests.support.client import NEW_PASSWORD, Client
from tests.support.clock import NOW
from tests.support.factories import a_family

NOBODY: Final = "nobody@example.com"


def link(ada: Client, kind: Kind, address: str = "", **changed: int) -> str:
    """Make the token of a mailed link that was not used yet; `changed` are columns of its row."""
    auth = services(ada.app).auth
    user = auth.database.read(accounts.find, ada.user_id) if kind != Kind.REGISTRATION else None
    mail = auth.outbox.mail(kind, address or ada.email, AuditClient(), user, suppressed=True)
    mail = replace(mail, **changed)  # type: ignore[arg-type]  # the columns are numbers
    auth.database.write(mails.insert, mail)
    return auth.links.token(mail, user, auth.clock.now())


BODIES: Final[dict[str, Callable[[Client], dict[str, Any]]]] = {
    "registration_post_register": lambda _: {"email": NOBODY},
    "registration_post_register_finish": lambda ada: {
        "token": link(ada, Kind.REGISTRATION, NOBODY),
        "password": ada.password,
    },
    "session_post_login": lambda ada: {"email": ada.email, "password": ada.password},
    "reauthentication_post_reauthenticate": lambda ada: {"password": ada.password},
    "session_post_password": lambda ada: {
        "current_password": ada.password,
        "new_password": NEW_PASSWORD,
    },
    "recovery_post_reset": lambda ada: {"email": ada.email},
    "recovery_post_reset_finish": lambda ada: {
        "token": link(ada, Kind.RESET),
        "password": NEW_PASSWORD,
    },
    "recovery_post_secure": lambda ada: {"token": link(ada, Kind.PASSWORD_CHANGED)},
    "change_of_address_post_email": lambda _: {"email": NOBODY},
    "change_of_address_post_email_confirm": lambda ada: {
        "token": link(ada, Kind.NEW_EMAIL, NOBODY)
    },
    "change_of_address_post_email_undo": lambda ada: {"token": link(ada, Kind.EMAIL_CHANGED)},
}
KINDS: Final = {
    "recovery_post_secure": Kind.PASSWORD_CHANGED,
    "change_of_address_post_email_confirm": Kind.NEW_EMAIL,
    "change_of_address_post_email_undo": Kind.EMAIL_CHANGED,
}


def a_theft(ada: Client) -> str:
    """Return the id of a session of Ada's that was stolen; the same until she dismisses it."""
    database = services(ada.app).database
    for family in database.read(thefts.stolen_families, ada.user_id, NOW):
        return family.family_id
    ada_herself = database.read(accounts.find, ada.user_id)
    assert ada_herself
    stolen = a_family(database, ada_herself, revoked_at=NOW, revoked_reason=Reason.REUSE)
    return stolen.family_id


SUBJECTS: Final[dict[str, Callable[[Client], str]]] = {"notices_delete_theft": a_theft}
