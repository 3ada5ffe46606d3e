"""Attacks by script in our pages: whether it can run, and what it can read."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urljoin

from app.attacks import defenses
from app.attacks.context import AttackContext
from app.attacks.cross_site import HTML, PAGES
from app.attacks.obstacles import Inconclusive
from app.web.cookies import REFRESH

ATTRIBUTES: Final = ("HttpOnly", "Secure", "SameSite=Strict", "Path=/")
ANSWERS: Final = ("/", "/login", "/account", "/auth/sessions", "/nothing/here")
STORED: Final = re.compile(r"Storage\s*(?:\.setItem|\.\w+\s*=[^=]|\[[^\]]+\]\s*=[^=])")
SCRIPTS: Final = re.compile(r"""(?:(?:src|href)="|from\s+'|import\s+')([^"']+\.js[^"']*)""")


def xss_token_theft(context: AttackContext) -> None:
    """Ask what script can read of a log-in, and whether injected script runs on any page."""
    owner = context.owner()
    context.say("What can script read of the answer to a log-in?")
    line = context.answer_to_log_in().set_cookies.get(REFRESH, "")
    by = defenses.COOKIE_ATTRIBUTES
    for attribute in ATTRIBUTES:
        held = attribute in line.split("; ")
        context.found(f"the refresh cookie is {attribute}", by, held=held)
    context.found("the refresh cookie has no Domain", by, held="domain=" not in line.lower())
    context.say("Does injected script run? One answer without the policy is enough for it.")
    for path in (*ANSWERS, *_scripts(context)):
        policy = owner.ask("GET", path).header("Content-Security-Policy")
        text = f"{path}: no inline script, no foreign script"
        context.found(text, defenses.POLICY, held=_forbids_script(policy))


def tokens_in_localstorage(context: AttackContext) -> None:
    """Look for tokens where any script may read them."""
    owner = context.owner()
    context.say("A client can only store what it is given. Is the refresh token in any body?")
    for what, answer in (("log-in", context.answer_to_log_in()), ("refresh", owner.refresh())):
        token = answer.cookie(REFRESH)
        absent = token.encode() not in answer.body and "refresh_token" not in answer.json
        text = f"the answer to a {what} has no refresh token"
        context.found(text, defenses.TOKEN_RESPONSE, held=bool(token) and absent)
    context.say("Do the scripts of the pages write to a storage that all other scripts can read?")
    for path in _scripts(context):
        source = owner.ask("GET", path).body.decode("utf-8", "replace")
        text = f"{path} puts nothing into web storage"
        context.found(text, defenses.BROWSER_MODULE, held=not STORED.search(source))


def _forbids_script(policy: str) -> bool:
    rules = dict(rule.strip().partition(" ")[::2] for rule in policy.split(";"))
    script = rules.get("script-src", rules.get("default-src", "*"))
    loose = re.search(r"unsafe|\*|data:|https?:", script)
    return not loose and rules.get("require-trusted-types-for") == "'script'"


def _scripts(context: AttackContext) -> list[str]:
    """Return the paths of all scripts that the pages load, and that those scripts import."""
    visitor, unread = context.browser("visitor"), list(PAGES)
    scripts: dict[str, None] = {}
    while unread:
        path = unread.pop(0)
        text = visitor.ask("GET", path, headers=HTML).body.decode("utf-8", "replace")
        named = [urljoin(path, found) for found in SCRIPTS.findall(text)]
        unread += [script for script in named if script not in scripts]
        scripts |= dict.fromkeys(named)
    if not scripts:
        raise Inconclusive("the pages load no script at all")
    return list(scripts)
