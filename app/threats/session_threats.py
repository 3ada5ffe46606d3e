"""What can be tried against a session that lives, by timing and by outages."""

from __future__ import annotations

from typing import Final

from app.threats.entry import Entry

SESSION_THREATS: Final = (
    Entry(
        slug="refresh-races",
        name="Racing the refresh endpoint",
        short="Refresh race",
        stopped_by="One conditional UPDATE",
        remains="Unbound clients that race themselves",
        attack="One refresh token is sent many times at the same moment; where the server looks "
        "first and writes later, several get through.",
        needs="One refresh token, and two connections.",
        defense="Looking and writing are one conditional UPDATE: the database lets exactly one "
        "through, and the others end the family, or with the family's proof get its one "
        "successor.",
        detail="app/families/rotation.py rotate; its row count is the verdict, on SQLite and "
        "PostgreSQL alike.",
        code=(
            "app/families/rotation.py:exchange",
            "app/families/rotation.py:rotate",
        ),
        gap="An unbound client that races itself loses its session; the browser module takes a "
        "lock.",
        standards=("ASVS 15.4.2", "ASVS 2.3.3", "RFC 9700 4.14.2"),
        proofs=("tests/servers/test_races.py",),
        line=(
            "if rotated := database.write(rotate, claims, successor):",
            "    return Rotated(*rotated)",
        ),
        without=(
            "family = database.read(find, claims.family_id)",
            "if family.jti == claims.jti:",
            "    database.write(replace_jti, family, successor)",
        ),
        steps=(
            ("thief", "server", "sends R1 twice at one moment", "thief"),
            ("server", "server", "the UPDATE matches for one", "safe"),
            ("server", "thief", "200 for the one", "plain"),
            ("server", "thief", "401 for the other: the family ends", "safe"),
        ),
    ),
    Entry(
        slug="denylist-loss",
        name="A denylist that forgets",
        short="Lost denylist",
        stopped_by="Rebuilt before it is believed",
        remains="Whoever can write to Redis",
        attack="Redis restarts, fails over, is flushed or evicts, and tokens of ended sessions "
        "or used proofs work again.",
        needs="Bad luck, or a way to restart Redis; for a proof, a captured request.",
        defense="A process believes Redis only under a random marker under which it wrote the "
        "list itself; who the server is, and whether it evicts, is asked every ten seconds. "
        "Nonces from before the marker are refused. Without Redis the database is asked, without "
        "both the answer is 503.",
        detail="app/families/denylist_sync.py: marker read in the same round trip, written again "
        "before trust; app/families/replay_cache.py refuses proofs whose use may be forgotten.",
        code=(
            "app/families/denylist_sync.py:DenylistSync.vouch",
            "app/families/marker.py:Marker.replace_if_stale",
            "app/tokens/nonces.py:Nonces.is_outdated",
        ),
        gap="A fail-over that breaks no connection is noticed within ten seconds. Somebody who "
        "can write to Redis can delete one entry and leave the marker: that session's access "
        "token then lives until it expires, ten minutes at most. Losses are dated in whole "
        "seconds: when two follow within one, and a process noticed only the second, a proof "
        "captured between them works once more.",
        standards=("ASVS 7.4.1", "ASVS 16.5.3"),
        proofs=(
            "tests/servers/test_failover.py",
            "tests/servers/test_denylist_outage.py",
            "tests/unit/families/test_denylist_loss.py",
        ),
        line=(
            "if trusted and not review_due:",
            "    return trusted is trusted_before, trusted.lost_at",
        ),
        without=("return redis.exists(sid), 0  # an empty list denies nobody",),
        steps=(
            ("owner", "server", "logs out: the session is denied", "live"),
            ("server", "server", "Redis restarts, the list is gone", "plain"),
            ("thief", "server", "sends the access token of before", "thief"),
            ("server", "server", "unknown marker: asks the database", "safe"),
            ("server", "thief", "401 invalid_token", "safe"),
        ),
    ),
    Entry(
        slug="stale-log-in",
        name="An old log-in that ends the owner's sessions",
        short="Stale login",
        stopped_by="Proof under five minutes old",
        remains="Five minutes after a log-in",
        attack="Somebody finds a session open that began hours ago, on an unlocked device or with "
        "a stolen cookie, and ends the owner's other sessions: then the owner cannot end theirs.",
        needs="A session of the owner's; the password is not needed.",
        defense="Ending other sessions needs a proof of who the caller is that is at most five "
        "minutes old. The log-in is one, and the password given again; a refresh is none. A "
        "wrong password is counted as at the log-in.",
        detail="app/web/step_up.py compares auth_time of the access token, which comes from the "
        "family's row; app/auth/reauthenticate.py verifies the password and writes it with one "
        "conditional UPDATE (app/families/auth_time.py).",
        code=(
            "app/web/step_up.py:require_recent",
            "app/auth/reauthenticate.py:reauthenticate",
            "app/families/auth_time.py:renew",
        ),
        gap="In the five minutes after a log-in the session alone is enough. Script that runs in "
        "the page sees the password when it is typed.",
        standards=("ASVS 7.5.2", "RFC 9470 3"),
        proofs=(
            "tests/http/test_step_up.py",
            "tests/http/test_reauthenticate.py",
            "tests/servers/test_reauthentication_races.py",
        ),
        line=(
            "if now - caller().auth_time > max_age + leeway:",
            "    raise InsufficientAuthentication(max_age)",
        ),
        without=("pass  # whoever has the session may end all others",),
        steps=(
            ("owner", "server", "logged in, hours ago", "live"),
            ("thief", "server", "finds it open: end all sessions", "thief"),
            ("server", "server", "the last proof is too old", "safe"),
            ("server", "thief", "401: the password, please", "safe"),
            ("thief", "server", "guesses: counted as at a log-in", "thief"),
        ),
    ),
    Entry(
        slug="swallowed-cookie",
        name="A sibling's cookie that swallows ours",
        short="Swallowed cookie",
        stopped_by="Split at each semicolon",
        remains="Hundreds of cookies at once",
        attack='A sibling host sets the cookies a=" and z=" for the whole domain. A parser that '
        "honours quotes reads one long value from the one to the other, finds no refresh token, "
        "and the session is over.",
        needs="A sibling subdomain, or script that runs once.",
        defense="The header is split at each semicolon, as browsers put it together, and a quote "
        "means nothing: for the refresh token, the mark of a known browser and the form's cookie.",
        detail="app/web/cookies.py pairs, for every cookie that any part of Flask reads.",
        code=("app/web/cookies.py:pairs", "app/web/cookies.py:CookieRequest"),
        gap="Hundreds of cookies for the domain make a header that no server takes; only "
        "deleting them helps.",
        standards=("RFC 6265 5.4", "ASVS 3.3.3"),
        proofs=("tests/http/test_cookies.py", "tests/browser/test_cookie_as_stored.py"),
        line=('parts = (part.partition("=") for part in header.split(";"))',),
        without=("parts = parse_cookie(header).items()  # a quote opens a value",),
        steps=(
            ("thief", "owner", 'sets a=" and z=" for the domain', "thief"),
            ("owner", "server", 'sends a="; refresh=R1; z="', "live"),
            ("server", "server", "a quote means nothing: finds R1", "safe"),
            ("server", "owner", "200, the session goes on", "safe"),
        ),
    ),
)
