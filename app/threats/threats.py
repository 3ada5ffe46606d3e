"""The five threats that every session with tokens faces."""

from __future__ import annotations

from typing import Final

from app.threats.entry import Entry

THREATS: Final = (
    Entry(
        slug="xss-token-theft",
        name="Token theft by injected script",
        short="Script theft",
        attack="A script that gets into the page reads the token from where script can read.",
        needs="A place where text of the attacker's becomes part of a page.",
        defense="There is nothing of value where script can read: the access token is a variable "
        "inside one module, the refresh token a cookie that script cannot see. A strict policy "
        "keeps injected script from running at all.",
        detail="static/js/session.js holds the access token for ten minutes at most; cookie "
        "__Host-Http-refresh is HttpOnly; Content-Security-Policy without inline script and "
        "with Trusted Types on every response (app/web/headers.py).",
        code=("app/web/headers.py:CONTENT_SECURITY_POLICY", "app/web/cookies.py:set_credentials"),
        gap="Script that does run, for example from an extension, can act as the user while the "
        "page is open, and refresh. It cannot take a lasting credential away.",
        standards=("ASVS 3.3.4", "ASVS 3.4.3", "ASVS 14.3.3"),
        proofs=("tests/browser/test_xss_token_theft.py", "tests/http/test_headers.py"),
    ),
    Entry(
        slug="csrf-on-refresh",
        name="CSRF on the refresh endpoint",
        short="Refresh CSRF",
        attack="A malicious page makes the browser send a refresh, with the cookie attached.",
        needs="A page that the victim opens; better, a sibling subdomain or an open redirect.",
        defense="The cookie is SameSite=Strict, and a state change must prove that it began on "
        "this origin. That is checked before the cookie is read: a forged request uses nothing "
        "up.",
        detail="app/web/origin.py: Sec-Fetch-Site and Origin must name this origin; the answer "
        "could not be read by another origin anyway, because no CORS header is ever sent.",
        code=("app/web/origin.py:check_origin", "app/web/cookies.py:set_credentials"),
        gap="A browser that sends neither Origin nor Sec-Fetch-Site with a POST; none since 2020 "
        "does. There, SameSite alone is left.",
        standards=("ASVS 3.5.1", "ASVS 3.3.2", "ASVS 3.4.2"),
        proofs=("tests/stories/test_csrf_on_refresh.py", "tests/browser/test_cross_site.py"),
    ),
    Entry(
        slug="replay",
        name="Replay of a captured token",
        short="Token replay",
        attack="A token that was valid once is captured and sent again.",
        needs="One token, from a log, a crash report, a proxy or a shoulder.",
        defense="A refresh token works once: sent again, it ends its whole family. An access "
        "token ends after minutes, and at once when its session ends. Bound to the browser's "
        "key, each request needs a proof of its own, which works once.",
        detail="app/families/rotation.py: one conditional UPDATE decides, its row count is the "
        "verdict; app/families/denylist.py: Redis by session id, TTL = the token's remaining "
        "life; app/families/replay_cache.py: each proof once.",
        code=(
            "app/families/rotation.py:rotate",
            "app/families/denylist.py:Denylist.denied",
            "app/families/replay_cache.py:ReplayCache.consume",
        ),
        gap="An unbound access token, captured, is good until its session ends, ten minutes at "
        "most.",
        standards=("ASVS 7.4.1", "ASVS 9.2.1", "RFC 9700 4.14.2", "RFC 9449 11.1"),
        proofs=("tests/stories/test_replay.py", "tests/http/test_bound_sessions.py"),
    ),
    Entry(
        slug="sidejacking",
        name="Sidejacking on a hostile network",
        short="Sidejacking",
        attack="Someone on the network reads or alters what passes and takes the tokens out of "
        "it.",
        needs="A place on the way: a rogue access point, a proxy, a leaked TLS key.",
        defense="Nothing passes in the clear: outside development the application refuses to "
        "start without https, tells browsers to insist on it, and marks every cookie Secure. "
        "What is taken all the same is of no use without the browser's key.",
        detail="app/settings/addresses.py refuses a PUBLIC_URL without https in staging and "
        "production; HSTS for two years on every response; the prefix __Host-Http- makes Secure a "
        "condition of the name; app/web/guards.py wants a proof by the family's key.",
        code=("app/web/headers.py:STRICT_TRANSPORT", "app/web/guards.py:authenticate"),
        gap="The first visit ever, before HSTS is known, when the address was typed without "
        "https; and clients that hold no key, whose tokens are plain Bearer tokens.",
        standards=("ASVS 3.4.1", "ASVS 12.2.1", "RFC 9700 2.2.1", "RFC 9449 4"),
        proofs=("tests/stories/test_sidejacking.py", "tests/http/test_bound_sessions.py"),
    ),
    Entry(
        slug="refresh-token-theft",
        name="Refresh token stolen and used days later",
        short="Stolen refresh token",
        attack="A thief copies the long-lived refresh token and comes back with it days later.",
        needs="One look at the cookie store: a backup, a synchronised profile, malware.",
        defense="Bound to the browser's key, it is refused at its first use and its family ends. "
        "Unbound, the owner's browser has rotated it by then: it is spent, and using it ends the "
        "family, the thief's and the owner's side alike. Unused, it expires.",
        detail="app/auth/refresh.py: the revocation is committed and denied before the 401 "
        "leaves; idle and absolute lifetimes are in the row and never extended beyond the first "
        "log-in's.",
        code=("app/auth/refresh.py:refresh", "app/families/models.py:THEFTS"),
        gap="Unbound, a thief who comes before the owner is in until the owner comes back, and "
        "sees what the owner sees until then. Malware with the user's rights can use the "
        "browser's key where it lies.",
        standards=("ASVS 10.4.5", "ASVS 10.4.8", "RFC 9700 4.14.2"),
        proofs=(
            "tests/stories/test_stolen_refresh_token.py",
            "tests/stories/test_bound_stories.py",
        ),
    ),
)
