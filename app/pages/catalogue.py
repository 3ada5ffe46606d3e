"""The five threats and the six mistakes: README's tables and the pages say the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Threat:
    """An attack, what stops it, how that is done, and the test that proves it."""

    slug: str
    name: str
    attack: str
    defense: str
    detail: str
    proof: str


@dataclass(frozen=True)
class Mistake:
    """A mistake that gets people hacked, and why it cannot be made here."""

    slug: str
    name: str
    mistake: str
    here: str
    proof: str


THREATS: Final = (
    Threat(
        "xss-token-theft",
        "Token theft by injected script",
        "A script that gets into the page reads the token from where script can read.",
        "There is nothing of value where script can read: the access token is a variable inside "
        "one module, the refresh token a cookie that script cannot see. A strict policy keeps "
        "injected script from running at all.",
        "static/js/session.js holds the access token for ten minutes at most; cookie "
        "__Host-Http-refresh is HttpOnly; Content-Security-Policy without inline script and "
        "with Trusted Types on every response (app/web/headers.py). Script that does run can "
        "act while the page is open; it cannot take a lasting credential away.",
        "tests/browser/test_xss_token_theft.py",
    ),
    Threat(
        "csrf-on-refresh",
        "CSRF on the refresh endpoint",
        "A malicious page makes the browser send a refresh, with the cookie attached.",
        "The cookie is SameSite=Strict, and a state change must prove that it began on this "
        "origin. That is checked before the cookie is read: a forged request uses nothing up.",
        "app/web/origin.py: Sec-Fetch-Site and Origin must name this origin; the answer could "
        "not be read by another origin anyway, because no CORS header is ever sent.",
        "tests/stories/test_csrf_on_refresh.py",
    ),
    Threat(
        "replay",
        "Replay of a captured token",
        "A token that was valid once is captured and sent again.",
        "A refresh token works once: sent again, it ends its whole family. An access token ends "
        "after minutes, and at once when its session ends. Bound to the browser's key, each "
        "request needs a proof of its own, which works once.",
        "app/families/rotation.py: one conditional UPDATE decides, its row count is the verdict; "
        "app/families/denylist.py: Redis by session id, TTL = the token's remaining life.",
        "tests/stories/test_replay.py",
    ),
    Threat(
        "sidejacking",
        "Sidejacking on a hostile network",
        "Someone on the network reads or alters what passes and takes the tokens out of it.",
        "Nothing passes in the clear: outside development the application refuses to start "
        "without https, tells browsers to insist on it, and marks every cookie Secure. What is "
        "taken all the same is of no use without the browser's key.",
        "config.py refuses a PUBLIC_URL without https in staging and production; HSTS for two "
        "years on every response; the prefix __Host-Http- makes Secure a condition of the name.",
        "tests/stories/test_sidejacking.py",
    ),
    Threat(
        "refresh-token-theft",
        "Refresh token stolen and used days later",
        "A thief copies the long-lived refresh token and comes back with it days later.",
        "Bound to the browser's key, it is refused at its first use and its family ends. Unbound, "
        "the owner's browser has rotated it by then: it is spent, and using it ends the family, "
        "the thief's and the owner's side alike. Unused, it expires.",
        "app/auth.py refresh: the revocation is committed and denied before the 401 leaves; idle "
        "and absolute lifetimes are in the row and never extended beyond the first log-in's.",
        "tests/stories/test_stolen_refresh_token.py",
    ),
)

MISTAKES: Final = (
    Mistake(
        "tokens-in-localstorage",
        "Tokens in localStorage",
        "Any script on the page can read localStorage, today's or next year's injected one.",
        "No token is ever put into storage; all that is kept there is a key that script can use "
        "and cannot copy. A browser test looks through everything that "
        "script can read after a log-in and finds no token.",
        "tests/browser/test_xss_token_theft.py",
    ),
    Mistake(
        "unvalidated-audience",
        "Not validating the audience",
        "A token minted for service A opens service B that trusts the same issuer.",
        "The audience must be one string and exactly ours; a list that contains ours is refused, "
        "and a refresh token has another audience, another type and another key.",
        "tests/stories/test_mistake_unvalidated_audience.py",
    ),
    Mistake(
        "one-secret-everywhere",
        "The same secret in every environment",
        "Whoever reads the staging secret signs tokens for production.",
        "No secret is a signing key: keys are derived for each environment, issuer and purpose, "
        "so even a copied secret signs nothing that another environment accepts. Short, "
        "repeated, worded and published secrets refuse to start.",
        "tests/stories/test_mistake_one_secret_everywhere.py",
    ),
    Mistake(
        "long-refresh-without-rotation",
        "Thirty days of refresh without rotation",
        "A refresh token that stays valid for weeks is a password that was never chosen.",
        "Every refresh rotates and there is no switch for it. A lifetime above thirty days "
        "refuses to start, and the absolute one is never extended.",
        "tests/stories/test_mistake_long_refresh_without_rotation.py",
    ),
    Mistake(
        "trusting-alg",
        "Trusting the token's own alg header",
        "The attacker writes none, or makes the server use a public key as an HMAC secret.",
        "The algorithm is compared with the one we sign with, before any key is looked up, and "
        "never obeyed. Headers that name keys or places to fetch them are refused.",
        "tests/stories/test_mistake_trusting_alg.py",
    ),
    Mistake(
        "password-change-keeps-sessions",
        "Keeping sessions alive after a password change",
        "The owner changes the password because of a thief, and the thief stays logged in.",
        "One transaction sets the password and revokes every family; every access token issued "
        "before is refused at once, in every worker.",
        "tests/stories/test_password_change.py",
    ),
)
