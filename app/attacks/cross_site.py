"""Attacks by a page of another site, sent as the victim's browser would send them."""

from __future__ import annotations

from typing import Final

from app.attacks import defenses
from app.attacks.context import AttackContext
from app.attacks.visitor import Visitor

CROSS_SITE: Final = {
    "another site": {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
    "a sibling subdomain": {"Origin": "https://blog.localhost", "Sec-Fetch-Site": "same-site"},
    "a sandboxed frame or a redirect": {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
    "a browser without Sec-Fetch-Site": {"Origin": "https://evil.example"},
    "a browser without Origin": {"Sec-Fetch-Site": "cross-site"},
}
HTML: Final = {"Accept": "text/html"}
PAGES: Final = ("/", "/login", "/register", "/account", "/account/sessions", "/account/password")
OTHER_PAGES: Final = ("/threats", "/mistakes", "/nothing/here")
FORBIDDEN: Final = 403
BAD_REQUEST: Final = 400


def csrf_on_refresh(context: AttackContext) -> None:
    """Send what a browser sends when a page of another site makes it refresh."""
    owner = context.owner()
    context.say("A page elsewhere makes the victim's browser refresh. The cookie is attached.")
    for where, headers in CROSS_SITE.items():
        forged = Visitor(context, "victim's browser", {})
        forged.jar.update(owner.jar)
        answer = forged.ask("POST", "/auth/refresh", headers=headers)
        context.refused(answer, 403, "cross_origin", f"from {where}", defenses.ORIGIN)
    context.say("The victim's page refreshes. This fails if a forged request used the token up.")
    context.works(owner.refresh(), "The victim's refresh")


def login_csrf(context: AttackContext) -> None:
    """Log the victim's browser in to the attacker's account from another site."""
    context.say("A page elsewhere posts the attacker's credentials to the log-in form.")
    for where, headers in CROSS_SITE.items():
        _log_in_from(context, where, headers)
    context.say("From the right origin, but without the token that the form contains.")
    form = context.account.credentials
    answer = context.browser("victim").ask("POST", "/login", form=form)
    text = f"without the form's token: {answer.status}"
    context.found(text, defenses.FORM_TOKEN, held=answer.status == BAD_REQUEST)


def _log_in_from(context: AttackContext, where: str, headers: dict[str, str]) -> None:
    victim = Visitor(context, "victim's browser", {})
    body = context.account.credentials
    answer = victim.ask("POST", "/login", form=body, headers=headers | HTML)
    held = answer.status == FORBIDDEN
    context.found(f"from {where}: {answer.status}", defenses.ORIGIN, held=held)
    answer = victim.ask("POST", "/auth/login", body, headers=headers)
    context.refused(answer, 403, "cross_origin", f"from {where}, as JSON", defenses.ORIGIN)


def clickjacking(context: AttackContext) -> None:
    """Ask for each page whether another site may show it in a frame."""
    context.say("The attacker's page shows ours in an invisible frame over a button of its own.")
    visitor = context.browser("victim")
    for path in (*PAGES, *OTHER_PAGES):
        policy = visitor.ask("GET", path, headers=HTML).header("Content-Security-Policy")
        held = "frame-ancestors 'none'" in policy
        context.found(f"{path} cannot be framed", defenses.POLICY, held=held)
