"""Pages of our origin without defenses, on which the attacker's pages succeed.

Their cookies have names and a path of their own: no real session is at risk.
"""

from __future__ import annotations

import json
from typing import Final

from flask import Blueprint, Response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from app.dev.lab.site_context import (
    ATTACKER_SITE,
    RUN,
    current_account,
    current_run,
    require_origin,
    site,
)

SESSION: Final = "lab-weakened-session"
LOGIN: Final = "lab-weakened-login"
COOKIE_SECONDS: Final = 300

blueprint: Final = Blueprint("weakened", __name__, url_prefix=f"{ATTACKER_SITE}weakened")


@blueprint.post("/session")
def session() -> Response:
    """Begin a weakened session, whose cookie every site may have sent."""
    current_account()
    answer = Response(json.dumps({"used": site().store.count(current_run())}))
    _set(answer, SESSION, "1", samesite="None")
    return answer


@blueprint.post("/refresh")
def refresh() -> AnyResponse:
    """Count a use of the weakened session, without a check of where the request began."""
    current_account()
    if SESSION in request.cookies:
        site().store.count(current_run())
    return _back() if "then" in request.args else Response(status=204)


@blueprint.post("/login")
def login() -> AnyResponse:
    """Log in as whoever the form names, without a check of where the request began."""
    current_account()
    answer = _back()
    _set(answer, LOGIN, request.form["email"])
    return answer


@blueprint.get("/whoami")
def whoami() -> Response:
    """Return the name of the weakened log-in, and how often the session was used."""
    current_account()
    used = site().store.count(current_run(), 0)
    return Response(json.dumps({"name": request.cookies.get(LOGIN, ""), "used": used}))


@blueprint.post("/leave")
def leave() -> Response:
    """Clear both cookies."""
    answer = Response(status=204)
    for name in (SESSION, LOGIN):
        _set(answer, name, "", max_age=0)
    return answer


@blueprint.get("/framed")
def framed() -> str:
    """Show a page that any site may frame."""
    require_origin(site().public_url)
    current_account()
    return render_template("lab/attacker_site/framed.html")


def _back() -> AnyResponse:
    """Redirect to the second part of the attacker's page that `then` names."""
    path = f"{ATTACKER_SITE}attacker/{request.args['then']}?{RUN}={current_run()}&second"
    return redirect(site().attacker + path, 303)


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
