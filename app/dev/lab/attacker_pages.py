"""The attacker's pages, and pages of ours with the attacker's script in them."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, Response, abort, render_template, request

from app.dev.lab.site_context import (
    ATTACKER_SITE,
    current_account,
    current_run,
    require_origin,
    site,
)
from app.web.headers import ALWAYS

ATTACKS: Final = frozenset({"csrf-on-refresh", "login-csrf", "clickjacking"})

# Pages of our origin without the policy show what the policy prevents.
ALL_BUT_POLICY: Final = [pair for pair in ALWAYS if pair[0] != "Content-Security-Policy"]

blueprint: Final = Blueprint("attacker", __name__, url_prefix=ATTACKER_SITE)


@blueprint.post("/said")
def said() -> tuple[str, int]:
    """Store what a page says about its attack."""
    current_account()
    body = request.get_json(force=True)
    site().store.add(current_run(), {"kind": "said", **dict(body)})
    return "", 204


@blueprint.get("/attacker/<slug>")
def attack(slug: str) -> str:
    """Show the attacker's page, at the attacker's origin only."""
    require_origin(site().attacker)
    account = current_account()
    if slug not in ATTACKS:
        abort(404)
    return render_template(
        "lab/attacker_site/attacker.html",
        slug=slug,
        attacker=site().attacker,
        victim=site().public_url,
        account=account,
        run=current_run(),
        second="second" in request.args,
    )


@blueprint.get("/injected/<any(search, plant):script>")
def injected(script: str) -> Response:
    """Show a page of our origin with injected script and without the policy."""
    require_origin(site().public_url)
    current_account()
    page = render_template(
        "lab/attacker_site/injected.html",
        script=script,
        weakened="weakened" in request.args,
        nonce=site().nonce(),
        run=current_run(),
    )
    return Response(page, headers=ALL_BUT_POLICY)
