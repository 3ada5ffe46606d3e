"""In front of the app: the way to the stage, and an eye on what the browser really sends.

A request that names a run (`lab_run=…` in its query) is noted with what it carried and what it
was answered. It reaches the app as it is, and the answer leaves as the app gave it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from flask import Flask
from werkzeug.wrappers import Request, Response

from app.attacks.record import shown
from app.dev.lab.notes import RunStore
from app.dev.lab.stage import STAGE

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

QUERY: Final = "lab_run"


def install(app: Flask, notes: RunStore, stage: WSGIApplication) -> None:
    """Send what is for the stage there, and note what belongs to a run."""
    inner = app.wsgi_app

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        site = stage if environ.get("PATH_INFO", "").startswith(STAGE) else inner
        if QUERY not in environ.get("QUERY_STRING", ""):
            return site(environ, start_response)
        asked = Request(environ, populate_request=False)
        given = Response.from_app(site, environ, buffered=True)
        notes.add(asked.args.get(QUERY, ""), exchange(asked, given))
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
