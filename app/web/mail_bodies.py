"""The bodies of requests for mail, and of those that use a mailed link."""

from __future__ import annotations

from typing import Annotated, Final, Literal, TypedDict

from msgspec import Meta

from app.mail.links import MAX_TOKEN
from app.web.fields import NewEmail, NewPassword

LinkToken = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=MAX_TOKEN,
        description="The token in the mailed link. It works once.",
        examples=[f"{'k' * 12}.aOQ8hKK7f5zlT4OUdHaFLQ.1795973433.{'m' * 43}"],
    ),
]


class Address(TypedDict):
    """Where the mail goes."""

    email: NewEmail


class MailWritten(TypedDict):
    """The same for every address, whether or not it has an account."""

    message: Literal["Look in your mail."]


class MailedToken(TypedDict):
    """The token of the link."""

    token: LinkToken


class NewPasswordByLink(TypedDict):
    """The token of the link, and the new password."""

    token: LinkToken
    password: NewPassword


MAIL_WRITTEN: Final[MailWritten] = {"message": "Look in your mail."}
