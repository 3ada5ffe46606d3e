"""In front of the application: dispatches to the attacker site, and records what browsers send.

A request that names an open run (`lab_run=…` in its query) is stored with its answer. Neither is
changed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from flask import Flask
from werkzeug.wrappers import Request, Response

from app.attacks.redaction import shown
from app.dev.lab.run_store import RunStore
from app.dev.lab.site_context import ATTACKER_SITE, RUN

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


def install(app: Flask, store: RunStore, attacker_site: WSGIApplication) -> None:
    """Dispatch requests for the attacker site to it, and record the exchanges of open runs."""
    inner = app.wsgi_app

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        site = attacker_site if environ.get("PATH_INFO", "").startswith(ATTACKER_SITE) else inner
        if RUN not in environ.get("QUERY_STRING", ""):
            return site(environ, start_response)
        request = Request(environ, populate_request=False)
        response = Response.from_app(site, environ, buffered=True)
        store.add(request.args.get(RUN, ""), exchange(request, response))
        return response(environ, start_response)

    app.wsgi_app = answer  # type: ignore[method-assign]


def exchange(request: Request, response: Response) -> dict[str, Any]:
    """Describe one request and its answer, with the names of the cookies but not their values."""
    names = list(request.cookies)
    headers = [(name, value) for name, value in request.headers if name != "Cookie"]
    if names:
        headers.append(("Cookie", "; ".join(f"{name}=…" for name in names)))
    set_cookies = response.headers.getlist("Set-Cookie")
    return {
        "kind": "exchange",
        "who": "browser",
        "method": request.method,
        "path": request.path,
        "mode": request.headers.get("Sec-Fetch-Mode", ""),
        "cookies": names,
        "set_cookies": [line.partition("=")[0] for line in set_cookies],
        "request": shown(f"{request.method} {request.path}", headers, b""),
        "answer": shown(str(response.status_code), list(response.headers), response.get_data()),
        "status": response.status_code,
        "times": 1,
    }
