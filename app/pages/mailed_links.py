"""Open a mailed link: take the token out of the address bar, and act on nothing yet.

Mail scanners follow links, and some run script, so a GET only shows a page; the person's POST
acts. The first GET puts the token into Flask's signed session and leads on to the same path
without it, so that it stays neither in the history nor in a Referer. The browser is led on by the
page and not by a redirect: after a redirect that began at another site, such as a web mailer, it
would not send the session cookie, which is SameSite=Strict.
"""

from __future__ import annotations

from flask import render_template, request, session

from app.mail.links import parse


def opened(path: str) -> str | None:
    """Return the page that leads on when this request's URL has a token; otherwise None.

    A token that does not have the form of one is kept as an empty text, which opens nothing.
    """
    token = request.args.get("token")
    if token is None:
        return None
    session[_key(path)] = token if parse(token) else ""
    return render_template("pages/open_link.html", path=path)


def token_for(path: str) -> str:
    """Return the token of the link that was opened for `path`; empty when there is none."""
    return str(session.get(_key(path), ""))


def forget(path: str) -> None:
    """Remove the token that was opened for `path`, because it was used."""
    session.pop(_key(path), None)


def _key(path: str) -> str:
    return f"link {path}"
