"""The stage: the attacker's pages, and naive pages to succeed against.

An app of its own in front of the real one, so that what it may do is an exception to nothing:
the real one's rules of host, origin and headers have no hole for it. The attacker's pages answer
under the other name of this machine alone (127.0.0.1 for localhost), which browsers take for
another site; the naive ones under ours.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from flask import Flask, Response, abort, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from app.attacks.stage import Account
from app.dev.lab.notes import RunStore
from app.web.headers import ALWAYS

STAGE: Final = "/lab/stage/"
SESSION: Final = "lab-naive-session"
LOGIN: Final = "lab-naive-login"
COOKIE_SECONDS: Final = 300
MAX_SAID_BYTES: Final = 16 * 1024
OTHER_NAME: Final = {"localhost": "127.0.0.1", "127.0.0.1": "localhost"}
ATTACKS: Final = frozenset({"csrf-on-refresh", "login-csrf", "clickjacking"})

# One page of our origin without the policy: what the policy is there to prevent.
ALL_BUT_POLICY: Final = [pair for pair in ALWAYS if pair[0] != "Content-Security-Policy"]


def attacker_origin(public_url: str) -> str:
    """Return the origin that is another site on this machine; empty when there is none."""
    parts = urlsplit(public_url)
    name = parts.hostname or ""
    other = OTHER_NAME.get(name)
    return public_url.replace(f"//{name}", f"//{other}", 1) if other else ""


def build(public_url: str, notes: RunStore, nonce: Callable[[], str]) -> Flask:
    """Build the stage in front of the app at `public_url`."""
    stage = Flask(__name__, template_folder="templates", static_folder=None)
    stage.config.update(MAX_CONTENT_LENGTH=MAX_SAID_BYTES)
    attacker = attacker_origin(public_url)
    _note(stage, notes)
    _attacker(stage, notes, attacker=attacker, victim=public_url)
    _injected(stage, notes, public_url, nonce)
    _naive(stage, notes, attacker=attacker, public_url=public_url)
    return stage


def _account(notes: RunStore) -> Account:
    """Return the account of the run that a request names, or answer 404."""
    return notes.account(request.args.get("lab_run", "")) or abort(404)


def _only_at(origin: str) -> None:
    if request.host_url.rstrip("/") != origin:
        abort(404)


def _note(stage: Flask, notes: RunStore) -> None:
    @stage.post(f"{STAGE}said")
    def said() -> tuple[str, int]:
        _account(notes)
        body = request.get_json(force=True)
        notes.add(request.args["lab_run"], {"kind": "said", **dict(body)})
        return "", 204


def _attacker(stage: Flask, notes: RunStore, *, attacker: str, victim: str) -> None:
    @stage.get(f"{STAGE}attacker/<slug>")
    def page(slug: str) -> str:
        _only_at(attacker)
        account = _account(notes)
        if slug not in ATTACKS:
            abort(404)
        return render_template(
            "lab/stage/attacker.html",
            slug=slug,
            attacker=attacker,
            victim=victim,
            account=account,
            run=request.args["lab_run"],
            second="second" in request.args,
        )


def _injected(stage: Flask, notes: RunStore, public_url: str, nonce: Callable[[], str]) -> None:
    @stage.get(f"{STAGE}injected/<any(search, plant):script>")
    def injected(script: str) -> Response:
        _only_at(public_url)
        _account(notes)
        page = render_template(
            "lab/stage/injected.html",
            script=script,
            naive="naive" in request.args,
            nonce=nonce(),
            run=request.args["lab_run"],
        )
        return Response(page, headers=ALL_BUT_POLICY)


def _naive(stage: Flask, notes: RunStore, *, attacker: str, public_url: str) -> None:
    def back() -> AnyResponse:
        run = request.args["lab_run"]
        path = f"{STAGE}attacker/{request.args['then']}?lab_run={run}&second"
        return redirect(attacker + path, 303)

    @stage.post(f"{STAGE}naive/session")
    def session() -> Response:
        _account(notes)
        answer = Response(json.dumps({"used": notes.count(request.args["lab_run"])}))
        _set(answer, SESSION, "1", samesite="None")
        return answer

    @stage.post(f"{STAGE}naive/refresh")
    def refresh() -> AnyResponse:
        _account(notes)
        # Only the cookie counts, and the browser attached it: nobody asks where this began.
        if SESSION in request.cookies:
            notes.count(request.args["lab_run"])
        return back() if "then" in request.args else Response(status=204)

    @stage.post(f"{STAGE}naive/login")
    def login() -> AnyResponse:
        _account(notes)
        answer = back()
        _set(answer, LOGIN, request.form["email"])
        return answer

    @stage.get(f"{STAGE}naive/whoami")
    def whoami() -> Response:
        _account(notes)
        used = notes.count(request.args["lab_run"], 0)
        return Response(json.dumps({"name": request.cookies.get(LOGIN, ""), "used": used}))

    @stage.post(f"{STAGE}naive/leave")
    def leave() -> Response:
        answer = Response(status=204)
        for name in (SESSION, LOGIN):
            _set(answer, name, "", max_age=0)
        return answer

    @stage.get(f"{STAGE}naive/framed")
    def framed() -> str:
        _only_at(public_url)
        _account(notes)
        return render_template("lab/stage/framed.html")


def _set(
    answer: AnyResponse,
    name: str,
    value: str,
    *,
    samesite: str = "Lax",
    max_age: int = COOKIE_SECONDS,
) -> None:
    answer.set_cookie(
        name, value, max_age=max_age, path=STAGE, secure=True, httponly=True, samesite=samesite
    )
