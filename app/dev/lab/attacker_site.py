"""The attacker site: the attacker's pages, and weakened pages that they succeed against.

An app of its own in front of the real one, so that what it may do is an exception to nothing:
the real one's rules of host, origin and headers have no hole for it. The attacker's pages answer
under the other name of this machine alone (127.0.0.1 for localhost), which browsers take for
another site; the weakened ones under ours.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from flask import Flask, Response, abort, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from app.attacks.attacked_account import Account
from app.dev.lab.run_store import RunStore
from app.web.headers import ALWAYS

ATTACKER_SITE: Final = "/lab/attacker-site/"
SESSION: Final = "lab-weakened-session"
LOGIN: Final = "lab-weakened-login"
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


def build(public_url: str, store: RunStore, nonce: Callable[[], str]) -> Flask:
    """Build the attacker site in front of the app at `public_url`."""
    site = Flask(__name__, template_folder="templates", static_folder=None)
    site.config.update(MAX_CONTENT_LENGTH=MAX_SAID_BYTES)
    attacker = attacker_origin(public_url)
    _said(site, store)
    _attacker(site, store, attacker=attacker, victim=public_url)
    _injected(site, store, public_url, nonce)
    _weakened(site, store, attacker=attacker, public_url=public_url)
    return site


def _account(store: RunStore) -> Account:
    """Return the account of the run that a request names, or answer 404."""
    return store.account(request.args.get("lab_run", "")) or abort(404)


def _only_at(origin: str) -> None:
    if request.host_url.rstrip("/") != origin:
        abort(404)


def _said(site: Flask, store: RunStore) -> None:
    @site.post(f"{ATTACKER_SITE}said")
    def said() -> tuple[str, int]:
        _account(store)
        body = request.get_json(force=True)
        store.add(request.args["lab_run"], {"kind": "said", **dict(body)})
        return "", 204


def _attacker(site: Flask, store: RunStore, *, attacker: str, victim: str) -> None:
    @site.get(f"{ATTACKER_SITE}attacker/<slug>")
    def page(slug: str) -> str:
        _only_at(attacker)
        account = _account(store)
        if slug not in ATTACKS:
            abort(404)
        return render_template(
            "lab/attacker_site/attacker.html",
            slug=slug,
            attacker=attacker,
            victim=victim,
            account=account,
            run=request.args["lab_run"],
            second="second" in request.args,
        )


def _injected(site: Flask, store: RunStore, public_url: str, nonce: Callable[[], str]) -> None:
    @site.get(f"{ATTACKER_SITE}injected/<any(search, plant):script>")
    def injected(script: str) -> Response:
        _only_at(public_url)
        _account(store)
        page = render_template(
            "lab/attacker_site/injected.html",
            script=script,
            weakened="weakened" in request.args,
            nonce=nonce(),
            run=request.args["lab_run"],
        )
        return Response(page, headers=ALL_BUT_POLICY)


def _weakened(site: Flask, store: RunStore, *, attacker: str, public_url: str) -> None:
    def back() -> AnyResponse:
        run = request.args["lab_run"]
        path = f"{ATTACKER_SITE}attacker/{request.args['then']}?lab_run={run}&second"
        return redirect(attacker + path, 303)

    @site.post(f"{ATTACKER_SITE}weakened/session")
    def session() -> Response:
        _account(store)
        answer = Response(json.dumps({"used": store.count(request.args["lab_run"])}))
        _set(answer, SESSION, "1", samesite="None")
        return answer

    @site.post(f"{ATTACKER_SITE}weakened/refresh")
    def refresh() -> AnyResponse:
        _account(store)
        # Only the cookie counts, and the browser attached it: nobody asks where this began.
        if SESSION in request.cookies:
            store.count(request.args["lab_run"])
        return back() if "then" in request.args else Response(status=204)

    @site.post(f"{ATTACKER_SITE}weakened/login")
    def login() -> AnyResponse:
        _account(store)
        answer = back()
        _set(answer, LOGIN, request.form["email"])
        return answer

    @site.get(f"{ATTACKER_SITE}weakened/whoami")
    def whoami() -> Response:
        _account(store)
        used = store.count(request.args["lab_run"], 0)
        return Response(json.dumps({"name": request.cookies.get(LOGIN, ""), "used": used}))

    @site.post(f"{ATTACKER_SITE}weakened/leave")
    def leave() -> Response:
        answer = Response(status=204)
        for name in (SESSION, LOGIN):
            _set(answer, name, "", max_age=0)
        return answer

    @site.get(f"{ATTACKER_SITE}weakened/framed")
    def framed() -> str:
        _only_at(public_url)
        _account(store)
        return render_template("lab/attacker_site/framed.html")


def _set(
    answer: AnyResponse,
    name: str,
    value: str,
    *,
    samesite: str = "Lax",
    max_age: int = COOKIE_SECONDS,
) -> None:
    answer.set_cookie(
        name,
        value,
        max_age=max_age,
        path=ATTACKER_SITE,
        secure=True,
        httponly=True,
        samesite=samesite,
    )
