"""In front of the app: dispatches to the attacker site, and records what the browser sends.

A request that names a run (`lab_run=…` in its query) is noted with what it carried and what it
was answered. It reaches the app as it is, and the answer leaves as the app gave it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from flask import Flask
from werkzeug.wrappers import Request, Response

from app.attacks.redaction import shown
from app.dev.lab.attacker_site import ATTACKER_SITE
from app.dev.lab.run_store import RunStore

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

QUERY: Final = "lab_run"


def install(app: Flask, store: RunStore, attacker_site: WSGIApplication) -> None:
    """Dispatch requests for the attacker site to it, and record the exchanges of open runs."""
    inner = app.wsgi_app

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        site = attacker_site if environ.get("PATH_INFO", "").startswith(ATTACKER_SITE) else inner
        if QUERY not in environ.get("QUERY_STRING", ""):
            return site(environ, start_response)
        asked = Request(environ, populate_request=False)
        given = Response.from_app(site, environ, buffered=True)
        store.add(asked.args.get(QUERY, ""), exchange(asked, given))
        return given(environ, start_response)

    app.wsgi_app = answer  # type: ignore[method-assign]


def exchange(asked: Request, given: Response) -> dict[str, Any]:
    """Describe one request and its answer; of the cookies that came, the names alone."""
    names = list(asked.cookies)
    headers = [(name, value) for name, value in asked.headers if name != "Cookie"]
    if names:
        headers.append(("Cookie", "; ".join(f"{name}=…" for name in names)))
    return {
        "kind": "exchange",
        "who": "browser",
        "method": asked.method,
        "path": asked.path,
        "mode": asked.headers.get("Sec-Fetch-Mode", ""),
        "cookies": names,
        "set_cookies": [line.partition("=")[0] for line in given.headers.getlist("Set-Cookie")],
        "request": shown(f"{asked.method} {asked.path}", headers, b""),
        "answer": shown(str(given.status_code), list(given.headers), given.get_data()),
        "status": given.status_code,
        "times": 1,
    }
