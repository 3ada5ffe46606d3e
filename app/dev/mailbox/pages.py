"""`/mailbox` for people, `/mailbox.json` for programs, and each message as its HTML."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypedDict

from flask import Blueprint, Flask, render_template
from werkzeug.wrappers import Response

from app.dev.mailbox.stored import newest_first, read
from app.services import MAILBOX, services
from app.web.guards import public

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

blueprint: Final = Blueprint("mailbox", __name__, template_folder="templates")

HTML: Final = re.compile(r"/mailbox/([0-9]{20}-[A-Za-z0-9_-]{22})", re.ASCII)
# The message has its style in itself, as mail programs need it, and gets no script and no origin.
POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; "
    "sandbox allow-popups allow-popups-to-escape-sandbox allow-top-navigation-by-user-activation"
)
MAX_SHOWN: Final = 50


class MailView(TypedDict):
    """One message as programs see it."""

    to: str
    subject: str
    text: str
    html: str
    sent_at: str


def folder() -> Path:
    """Return the folder of the messages."""
    return services().settings.instance / MAILBOX


@blueprint.get("/mailbox")
@public
def index() -> str:
    """Show the messages, the newest first."""
    mails = list(newest_first(folder()))
    return render_template("mailbox/index.html", mails=mails[:MAX_SHOWN], count=len(mails))


@blueprint.get("/mailbox.json")
@public
def index_json() -> dict[str, list[MailView]]:
    """Return the messages, the newest first."""
    return {
        "messages": [
            {
                "to": mail.to,
                "subject": mail.subject,
                "text": mail.text,
                "html": mail.html,
                "sent_at": mail.sent_at,
            }
            for mail in newest_first(folder())
        ]
    }


def install(app: Flask, path: Path) -> None:
    """Add the mailbox to `app`; the messages are in the folder `path`.

    The HTML of a message is answered in front of the application, whose policy forbids the style
    in it.
    """
    app.jinja_env.globals["mailbox"] = True
    app.register_blueprint(blueprint)
    inner: Callable[..., Iterable[bytes]] = app.wsgi_app

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        match = HTML.fullmatch(environ.get("PATH_INFO", ""))
        mail = read(path / f"{match[1]}.eml") if match else None
        if mail is None:
            return inner(environ, start_response)
        headers: dict[str, Any] = {
            "Content-Security-Policy": POLICY,
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
        }
        page = Response(mail.html, content_type="text/html; charset=utf-8", headers=headers)
        return page(environ, start_response)

    app.wsgi_app = answer  # type: ignore[method-assign]
