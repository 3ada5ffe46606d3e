"""Make an Internet message (RFC 5322) of a mail: plain text first, and HTML of the same words."""

from __future__ import annotations

from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from functools import cache
from pathlib import Path
from textwrap import fill
from typing import Final

from email_validator import validate_email
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from app.mail.models import Mail
from app.mail.wording import Message, Site

LINE_LENGTH: Final = 72


def render(mail: Mail, message: Message, site: Site, sender: str) -> EmailMessage:
    """Return the message as it is sent, from the address `sender` in the name of the product.

    `Message-ID` is made of the mail's id, so a mail program shows a message that arrives twice
    once. `Auto-Submitted` keeps absence notes from answering (RFC 3834).

    Raises:
        ValueError: when nobody could send mail to the address.

    """
    to = validate_email(mail.address, check_deliverability=False, globally_deliverable=False)
    email = EmailMessage(policy=SMTP if to.ascii_email else SMTPUTF8)
    email["Subject"] = message.subject
    email["From"] = Address(site.name, addr_spec=sender)
    email["To"] = to.ascii_email or to.normalized
    email["Date"] = datetime.fromtimestamp(mail.created_at, UTC)
    email["Message-ID"] = f"<{mail.id}@{sender.rpartition('@')[2]}>"
    email["Auto-Submitted"] = "auto-generated"
    email.set_content(_text(message, site))
    email.add_alternative(_page().render(message=message, site=site), subtype="html")
    return email


def _text(message: Message, site: Site) -> str:
    paragraphs = [
        *(fill(text, LINE_LENGTH) for text in message.before),
        *(f"{link.label}:\n{link.url}" for link in (message.link, *message.further)),
        *(fill(text, LINE_LENGTH) for text in message.after),
        f"-- \n{site.name}, {site.public_url}",
    ]
    return "\n\n".join(paragraphs) + "\n"


@cache
def _page() -> Template:
    loader = FileSystemLoader(Path(__file__).parent)
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template("message.html")
