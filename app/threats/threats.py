"""The five threats that every session with tokens faces."""

from __future__ import annotations

from typing import Final

from app.threats.entry import Entry

THREATS: Final = (
    Entry(
        slug="xss-token-theft",
        name="Token theft by injected script",
        short="Script theft",
        stopped_by="Memory, HttpOnly, strict policy",
        remains="Acts while the page is open",
        attack="A script that gets into the page reads the token from where script can read.",
        needs="A place where text of the attacker's becomes part of a page.",
        defense="There is nothing of value where script can read: the access token is a variable "
        "inside one module, the refresh token a cookie that script cannot see. A strict policy "
        "keeps injected script from running at all.",
        detail="static/js/session.js holds the access token for ten minutes at most; cookie "
        "__Host-Http-refresh is HttpOnly; Content-Security-Policy without inline script and "
        "with Trusted Types on every response (app/web/headers.py).",
        code=(
            "app/web/cookies.py:set_credentials",
            "app/web/headers.py:CONTENT_SECURITY_POLICY",
        ),
        gap="Script that does run, for example from an extension, can act as the user while the "
        "page is open, and refresh. It cannot take a lasting credential away.",
        standards=("ASVS 3.3.4", "ASVS 3.4.3", "ASVS 14.3.3"),
        proofs=("tests/browser/test_xss_token_theft.py", "tests/http/test_headers.py"),
        line=(
            'name, value, max_age=max_age, path="/", secure=True, httponly=True, samesite="Strict"',  # noqa: E501 - as in the source
        ),
        without=("name, value, max_age=max_age",),
        steps=(
            ("server", "owner", "sets the refresh token, HttpOnly", "live"),
            ("thief", "owner", "gets a script into the page", "thief"),
            ("owner", "owner", "the policy does not run it", "safe"),
            ("thief", "owner", "reads storage and document.cookie", "thief"),
            ("owner", "thief", "no token is there", "safe"),
        ),
    ),
    Entry(
        slug="csrf-on-refresh",
        name="CSRF on the refresh endpoint",
        short="Refresh CSRF",
        stopped_by="SameSite=Strict and origin rule",
        remains="Browsers that send no Origin",
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
        line=(
            'if headers.get("Origin", public_url) != public_url:',
            '    raise CrossOrigin(reason="origin")',
        ),
        without=("pass  # the cookie came along, so the request is trusted",),
        steps=(
            ("owner", "thief", "opens the attacker's page", "plain"),
            ("thief", "owner", "makes the browser send a POST", "thief"),
            ("owner", "server", "POST /auth/refresh, foreign Origin", "thief"),
            ("server", "server", "refused before the cookie is read", "safe"),
            ("server", "owner", "403, and nothing is used up", "safe"),
        ),
    ),
    Entry(
        slug="replay",
        name="Replay of a captured token",
        short="Token replay",
        stopped_by="Works once, proof per request",
        remains="Unbound: ten minutes at most",
        attack="A token that was valid once is captured and sent again.",
        needs="One token, from a log, a crash report, a proxy or a shoulder.",
        defense="A refresh token works once: sent again, it ends its whole family. An access "
        "token ends after minutes, and at once when its session ends. Bound to the browser's "
        "key, each request needs a proof of its own, which works once.",
        detail="app/families/rotation.py: one conditional UPDATE decides, its row count is the "
        "verdict; app/families/denylist.py: Redis by session id, TTL = the token's remaining "
        "life; app/families/replay_cache.py: each proof once.",
        code=(
            "app/families/rotation.py:ROTATE",
            "app/families/denylist.py:Denylist.denied",
            "app/families/replay_cache.py:ReplayCache.consume",
        ),
        gap="An unbound access token, captured, is good until its session ends, ten minutes at "
        "most.",
        standards=("ASVS 7.4.1", "ASVS 9.2.1", "RFC 9700 4.14.2", "RFC 9449 11.1"),
        proofs=("tests/stories/test_replay.py", "tests/http/test_bound_sessions.py"),
        line=('families.c.jti == bindparam("presented"),',),
        without=("families.c.revoked_at.is_(None),",),
        steps=(
            ("owner", "server", "exchanges R1 for R2", "live"),
            ("server", "server", "R1 is spent", "plain"),
            ("thief", "server", "sends R1 again", "thief"),
            ("server", "server", "R1 is not current: family revoked", "safe"),
            ("server", "thief", "401 session_ended", "safe"),
        ),
    ),
    Entry(
        slug="sidejacking",
        name="Sidejacking on a hostile network",
        short="Sidejacking",
        stopped_by="HTTPS only, key-bound tokens",
        remains="First visit by http; unbound clients",
        attack="Someone on the network reads or alters what passes and takes the tokens out of "
        "it.",
        needs="A place on the way: a rogue access point, a proxy, a leaked TLS key.",
        defense="Nothing passes in the clear: outside development the application refuses to "
        "start without https, tells browsers to insist on it, and marks every cookie Secure. "
        "What is taken all the same is of no use without the browser's key.",
        detail="app/settings/addresses.py refuses a PUBLIC_URL without https in staging and "
        "production; HSTS for two years on every response; the prefix __Host-Http- makes Secure a "
        "condition of the name; app/web/guards.py wants a proof by the family's key.",
        code=(
            "app/web/guards.py:authenticate",
            "app/web/headers.py:STRICT_TRANSPORT",
        ),
        gap="The first visit ever, before HSTS is known, when the address was typed without "
        "https; and clients that hold no key, whose tokens are plain Bearer tokens.",
        standards=("ASVS 3.4.1", "ASVS 12.2.1", "RFC 9700 2.2.1", "RFC 9449 4"),
        proofs=("tests/stories/test_sidejacking.py", "tests/http/test_bound_sessions.py"),
        line=("proof = _proof_for(scheme, token, claims.cnf)",),
        without=("proof = None  # whoever has the token may use it",),
        steps=(
            ("owner", "server", "sends token and proof, over TLS", "live"),
            ("thief", "owner", "copies the token on the way", "thief"),
            ("thief", "server", "sends it without the key", "thief"),
            ("server", "server", "the proof is missing", "safe"),
            ("server", "thief", "401", "safe"),
        ),
    ),
    Entry(
        slug="refresh-token-theft",
        name="Refresh token stolen and used days later",
        short="Stolen refresh token",
        stopped_by="Spent token ends the family",
        remains="Unbound: until the owner returns",
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
        line=("revoked = revocation.revoke_family(connection, sid, reason, now, client.ip)",),
        without=("raise SessionEnded(reason=reason)  # and the other copy lives on",),
        steps=(
            ("thief", "owner", "copies R1, from a backup", "thief"),
            ("owner", "server", "exchanges R1 for R2: R1 is spent", "live"),
            ("thief", "server", "days later: presents R1", "thief"),
            ("server", "server", "family revoked, tokens denied", "safe"),
            ("server", "thief", "401 session_ended", "safe"),
            ("server", "owner", "401 as well: log in again", "safe"),
        ),
    ),
)
