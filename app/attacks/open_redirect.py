"""A link to the real log-in page that leads to the attacker's site after the log-in."""

from __future__ import annotations

import re
from functools import partial
from typing import Final
from urllib.parse import quote, urljoin, urlsplit

from app.attacks import defenses
from app.attacks.context import AttackContext
from app.attacks.cross_site import HTML
from app.attacks.obstacles import Inconclusive
from app.attacks.visitor import Visitor

ELSEWHERE: Final = (
    "https://evil.example/", "//evil.example", "/\\evil.example", "\\\\evil.example",
    "/\t/evil.example", "javascript:alert(1)", "https:evil.example", "%2f%2fevil.example",
)  # fmt: skip


def open_redirect(context: AttackContext) -> None:
    """Log in with each spelling of an address elsewhere as the page to go to."""
    context.say("The victim follows a link to the real log-in page, and logs in there.")
    for wanted in ELSEWHERE:
        lands = _landing_page(context, wanted)
        held = urlsplit(lands)[:2] == urlsplit(context.public_url)[:2]
        context.found(f"next={wanted!r} leads to {lands}", defenses.SAFE_PATH, held=held)


def _landing_page(context: AttackContext, wanted: str) -> str:
    """Return where the browser is after a log-in with `next=wanted`.

    Raises:
        Inconclusive: when the log-in form is missing, or its answer is no redirect.

    """
    victim = context.browser("victim")
    form = context.account.credentials
    form |= {"next": wanted, "csrf_token": _form_token(context, victim)}
    path = f"/login?next={quote(wanted)}"
    answer = context.patiently(partial(victim.ask, "POST", path, form=form, headers=HTML))
    if not answer.header("Location"):
        raise Inconclusive(f"the log-in form answered {answer.status}")
    return _resolve(f"{context.public_url}/login", answer.header("Location"))


def _form_token(context: AttackContext, victim: Visitor) -> str:
    page = victim.ask("GET", "/login", headers=HTML).body.decode()
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    if found is None:
        raise Inconclusive(f"{context.public_url}/login shows no form")
    return found[1]


def _resolve(base: str, location: str) -> str:
    """Resolve a Location as browsers do: without tabs and newlines, a backslash as a slash."""
    return urljoin(base, re.sub(r"[\t\r\n]", "", location).replace("\\", "/"))
