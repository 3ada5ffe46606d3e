"""Attacks through the victim's browser, as far as a program can send what a browser would."""

from __future__ import annotations

import re
from functools import partial
from typing import Final
from urllib.parse import quote, urljoin, urlsplit

from app.attacks.context import OK, AttackContext, Inconclusive, Visitor
from app.attacks.wire import Answer
from app.web.cookies import REFRESH

ORIGIN: Final = "app/web/origin.py:check_origin"
COOKIE: Final = "app/web/cookies.py:_set"
POLICY: Final = "app/web/headers.py:CONTENT_SECURITY_POLICY"
NO_STORE: Final = "app/web/headers.py:NO_STORE"
CLEAR: Final = "app/web/headers.py:clear_site_data"
FORMS: Final = "app/pages/routes.py:blueprint"
REDIRECT: Final = "app/pages/redirects.py:safe_path"
ANSWER: Final = "app/web/responses.py:token_response"
MODULE: Final = "static/js/session.js:authorizedFetch"

CROSS_SITE: Final = {
    "another site": {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
    "a sibling subdomain": {"Origin": "https://blog.localhost", "Sec-Fetch-Site": "same-site"},
    "a sandboxed frame, or a bounce": {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
    "an old browser": {"Origin": "https://evil.example"},
    "a browser without Origin": {"Sec-Fetch-Site": "cross-site"},
}
HTML: Final = {"Accept": "text/html"}
FORBIDDEN: Final = 403
BAD_REQUEST: Final = 400
PAGES: Final = ("/", "/login", "/register", "/account", "/account/sessions", "/account/password")
ELSEWHERE: Final = (
    "https://evil.example/", "//evil.example", "/\\evil.example", "\\\\evil.example",
    "/\t/evil.example", "javascript:alert(1)", "https:evil.example", "%2f%2fevil.example",
)  # fmt: skip
ATTRIBUTES: Final = ("HttpOnly", "Secure", "SameSite=Strict", "Path=/")
STORED: Final = re.compile(r"Storage\s*(?:\.setItem|\.\w+\s*=[^=]|\[[^\]]+\]\s*=[^=])")
SCRIPTS: Final = re.compile(r"""(?:(?:src|href)="|from\s+'|import\s+')([^"']+\.js[^"']*)""")


def csrf_on_refresh(context: AttackContext) -> None:
    """Send what a browser sends when another site makes it refresh."""
    owner = context.owner()
    context.say("A page elsewhere makes the victim's browser refresh; the cookie is attached.")
    for where, headers in CROSS_SITE.items():
        forged = Visitor(context, "victim's browser", {})
        forged.jar.update(owner.jar)
        answer = forged.ask("POST", "/auth/refresh", headers=headers)
        context.refused(answer, 403, "cross_origin", f"from {where}", ORIGIN)
    context.say("Was anything used up? The victim's own page refreshes.")
    context.works(owner.refresh(), "The victim's own refresh")


def login_csrf(context: AttackContext) -> None:
    """Log the victim in as the attacker, so that what they type lands in the attacker's hands."""
    form = {"email": context.account.email, "password": context.account.password}
    context.say("A page elsewhere posts the attacker's credentials to the log-in form.")
    for where, headers in CROSS_SITE.items():
        victim = Visitor(context, "victim's browser", {})
        answer = victim.ask("POST", "/login", form=form, headers=headers | HTML)
        context.found(f"from {where}: {answer.status}", ORIGIN, held=answer.status == FORBIDDEN)
        body = {"email": context.account.email, "password": context.account.password}
        answer = victim.ask("POST", "/auth/login", body, headers=headers)
        context.refused(answer, 403, "cross_origin", f"from {where}, as JSON", ORIGIN)
    context.say("Without the browser's headers, the form's own token is what is missing.")
    answer = context.browser("victim").ask("POST", "/login", form=form)
    context.found(
        f"without the form's token: {answer.status}", FORMS, held=answer.status == BAD_REQUEST
    )


def open_redirect(context: AttackContext) -> None:
    """Have a link to the real log-in end on the attacker's copy of it."""
    context.say("The victim follows a link to the real log-in page, and logs in there.")
    for wanted in ELSEWHERE:
        victim = context.browser("victim")
        form = {"email": context.account.email, "password": context.account.password}
        form |= {"next": wanted, "csrf_token": _form_token(context, victim)}
        path = f"/login?next={quote(wanted)}"
        answer = context.patiently(partial(victim.ask, "POST", path, form=form, headers=HTML))
        if not answer.header("Location"):
            raise Inconclusive(f"the log-in form answered {answer.status}")
        lands = _as_browser(f"{context.public_url}/login", answer.header("Location"))
        own = urlsplit(lands)[:2] == urlsplit(context.public_url)[:2]
        context.found(f"next={wanted!r} leads to {lands}", REDIRECT, held=own)


def xss_token_theft(context: AttackContext) -> None:
    """Look for a place where script could run, and for what it could read."""
    owner = context.owner()
    context.say("What would a script be able to read of the answer to a log-in?")
    line = _log_in(context).set_cookies.get(REFRESH, "")
    for attribute in ATTRIBUTES:
        held = attribute in line.split("; ")
        context.found(f"the refresh cookie is {attribute}", COOKIE, held=held)
    context.found("the refresh cookie has no Domain", COOKIE, held="domain=" not in line.lower())
    context.say("Could it run at all? One answer without the policy would be enough.")
    for path in ("/", "/login", "/account", "/auth/sessions", "/nothing/here", *_scripts(context)):
        policy = owner.ask("GET", path).header("Content-Security-Policy")
        held = _forbids_script(policy)
        context.found(f"{path}: no inline script, no foreign script", POLICY, held=held)


def tokens_in_localstorage(context: AttackContext) -> None:
    """Look for tokens where any script may read them."""
    owner = context.owner()
    context.say("A client can only store what it is given: is the refresh token in any body?")
    for what, answer in (("log-in", _log_in(context)), ("refresh", owner.refresh())):
        token = answer.cookie(REFRESH)
        bare = token.encode() not in answer.body and "refresh_token" not in answer.json
        context.found(
            f"the answer to a {what} has no refresh token", ANSWER, held=bool(token) and bare
        )
    context.say("Do the pages' own scripts use a storage that is open to all others?")
    for path in _scripts(context):
        source = owner.ask("GET", path).body.decode("utf-8", "replace")
        context.found(
            f"{path} puts nothing into web storage", MODULE, held=not STORED.search(source)
        )


def clickjacking(context: AttackContext) -> None:
    """Frame a page under something that the victim wants to click."""
    context.say("The attacker's page shows ours in a frame, invisibly, under a button of its own.")
    visitor = context.browser("victim")
    for path in (*PAGES, "/threats", "/mistakes", "/nothing/here"):
        policy = visitor.ask("GET", path, headers=HTML).header("Content-Security-Policy")
        context.found(f"{path} cannot be framed", POLICY, held="frame-ancestors 'none'" in policy)


def cache_leaks(context: AttackContext) -> None:
    """Read from a cache, or with the back button, what was meant for somebody else."""
    owner = context.owner()
    context.say(
        "A shared proxy, or the browser's own cache, keeps answers that carry credentials."
    )
    answers = {
        "the answer to a log-in": _log_in(context),
        "the answer to a refresh": owner.refresh(),
        "what /api/me says": owner.me(),
        "the account's fragment": owner.protected("GET", "/fragments/account"),
        "a page with a form": owner.ask("GET", "/login"),
        "a refusal": context.thief().me("x"),
    }
    for what, answer in answers.items():
        held = "no-store" in answer.header("Cache-Control")
        context.found(f"{what} is kept nowhere", NO_STORE, held=held)
    context.say("After the log-out somebody else presses the back button.")
    left = owner.protected("POST", "/auth/logout").header("Clear-Site-Data")
    context.found(f"the browser is told to forget {left}", CLEAR, held='"storage"' in left)


def _log_in(context: AttackContext) -> Answer:
    body = {"email": context.account.email, "password": context.account.password}
    answer = context.patiently(lambda: context.browser().ask("POST", "/auth/login", body))
    if answer.status != OK:
        raise Inconclusive(f"the owner could not log in: {answer.status} {answer.code}")
    return answer


def _as_browser(at: str, location: str) -> str:
    """Return where a browser goes: it drops tabs and newlines and reads a backslash as a slash."""
    return urljoin(at, re.sub(r"[\t\r\n]", "", location).replace("\\", "/"))


def _form_token(context: AttackContext, victim: Visitor) -> str:
    page = victim.ask("GET", "/login", headers=HTML).body.decode()
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    if found is None:
        raise Inconclusive(f"{context.public_url}/login shows no form")
    return found[1]


def _forbids_script(policy: str) -> bool:
    rules = dict(rule.strip().partition(" ")[::2] for rule in policy.split(";"))
    script = rules.get("script-src", rules.get("default-src", "*"))
    loose = re.search(r"unsafe|\*|data:|https?:", script)
    return not loose and rules.get("require-trusted-types-for") == "'script'"


def _scripts(context: AttackContext) -> list[str]:
    """Return the paths of all scripts that the pages load, and that those load in turn."""
    visitor, left = context.browser("visitor"), list(PAGES)
    scripts: dict[str, None] = {}
    while left:
        at = left.pop(0)
        text = visitor.ask("GET", at, headers=HTML).body.decode("utf-8", "replace")
        new = [urljoin(at, found) for found in SCRIPTS.findall(text)]
        left += [path for path in new if path not in scripts]
        scripts |= dict.fromkeys(new)
    if not scripts:
        raise Inconclusive("the pages load no script at all")
    return list(scripts)
