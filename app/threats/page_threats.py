"""What can be tried with pages, and with what browsers and logs keep."""

from __future__ import annotations

from typing import Final

from app.threats.entry import Entry

PAGE_THREATS: Final = (
    Entry(
        slug="open-redirect",
        name="Open redirect after log-in",
        short="Open redirect",
        stopped_by="Only paths of this site",
        remains="Paths that lead elsewhere: none here",
        attack="A link to the real log-in page ends, after the password was typed, on the "
        "attacker's copy of the site.",
        needs="A link that the victim follows.",
        defense="Only a path of this site is followed, spelled in printable ASCII without a "
        "backslash and without a second slash at its beginning.",
        detail="app/pages/redirects.py, and the same rule in static/js/credentials.js.",
        code=("app/pages/redirects.py:safe_path",),
        gap="A path of this site that itself leads elsewhere; Latchkey has none.",
        standards=("ASVS 3.7.2", "RFC 9700 4.11"),
        proofs=("tests/unit/pages/test_redirects.py", "tests/http/test_forms.py"),
        line=('return wanted if len(wanted) <= MAX_LENGTH and _PATH.fullmatch(wanted) else ""',),
        without=("return wanted",),
        steps=(
            ("thief", "owner", "a link to /login?next=//evil.example", "thief"),
            ("owner", "server", "logs in there", "live"),
            ("server", "server", "two slashes: not a path of ours", "safe"),
            ("server", "owner", "leads to the account", "safe"),
        ),
    ),
    Entry(
        slug="clickjacking",
        name="Clickjacking",
        short="Clickjacking",
        stopped_by="No page can be framed",
        remains="Browsers from before 2016",
        attack="A page of ours is shown invisibly in a frame, above what the victim wants to "
        "click.",
        needs="A page that the victim opens while logged in.",
        defense="No page can be framed, by anybody.",
        detail="app/web/headers.py: frame-ancestors 'none' on every response, errors included; "
        "the Strict cookie would not come along either.",
        code=("app/web/headers.py:CONTENT_SECURITY_POLICY",),
        gap="Browsers from before 2016.",
        standards=("ASVS 3.4.6", "RFC 9700 4.16"),
        proofs=("tests/http/test_headers.py",),
        line=(
            "\"manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; \"",  # noqa: E501 - as in the source
        ),
        without=("\"manifest-src 'self'; form-action 'self'; base-uri 'none'; \"",),
        steps=(
            ("owner", "thief", "opens the attacker's page", "plain"),
            ("thief", "owner", "frames ours, invisibly, above it", "thief"),
            ("owner", "server", "asks for the page", "plain"),
            ("server", "owner", "frame-ancestors 'none'", "safe"),
            ("owner", "owner", "the frame stays empty", "safe"),
        ),
    ),
    Entry(
        slug="cache-leaks",
        name="Leaks through caches and the back button",
        short="Cache leaks",
        stopped_by="no-store, and nothing is kept",
        remains="Caches that ignore no-store",
        attack="A shared cache keeps an answer with a token in it, or the back button brings the "
        "account of whoever logged out before.",
        needs="The same proxy, or the same computer afterwards.",
        defense="Nothing but static files may be stored. A page that is left drops its token "
        "and its content, and checks the session when it comes back; a log-out clears what script "
        "stored.",
        detail="app/web/headers.py: no-store, Clear-Site-Data; static/js/session.js on pagehide "
        "and pageshow; account pages are shells without data.",
        code=("app/web/headers.py:NO_STORE", "app/web/headers.py:clear_site_data"),
        gap="A cache that ignores no-store; a picture of the screen.",
        standards=("ASVS 14.3.1", "ASVS 14.3.2", "RFC 6749 5.1"),
        proofs=("tests/browser/test_way_back.py", "tests/http/test_headers.py"),
        line=('NO_STORE: Final = ("Cache-Control", "no-store")',),
        without=('NO_STORE: Final = ("Cache-Control", "max-age=60")',),
        steps=(
            ("server", "owner", "answers with a token, no-store", "live"),
            ("owner", "server", "logs out", "plain"),
            ("server", "owner", "forget what script stored", "safe"),
            ("thief", "owner", "presses Back, at the same computer", "thief"),
            ("owner", "thief", "an empty page", "safe"),
        ),
    ),
    Entry(
        slug="log-leaks",
        name="Credentials in logs",
        short="Log leaks",
        stopped_by="Named fields only",
        remains="What your proxy logs",
        attack="Tokens and passwords are read from logs, where collectors, operators and backups "
        "keep them for long.",
        needs="Sight of the log, or of a copy.",
        defense="No line has a token, a cookie or a password, whatever went wrong; what is "
        "counted in Redis is counted under hashes.",
        detail="app/infra/audit.py writes named fields only; gunicorn's access log is off and its "
        "error pages are replaced (app/server/early_refusals.py); secrets have no repr.",
        code=("app/infra/audit.py:Audit.record", "app/server/early_refusals.py:refuse"),
        gap="What a proxy in front of the application logs.",
        standards=("ASVS 16.2.5", "ASVS 14.2.1", "ASVS 16.4.1"),
        proofs=("tests/http/test_logs.py", "tests/http/test_secrets.py"),
        line=(
            'line: dict[str, str | int] = {"ts": rfc3339(self._clock.now()), "event": event, **fields}',  # noqa: E501 - as in the source
        ),
        without=('line = {"event": event, "headers": dict(request.headers)}',),
        steps=(
            ("owner", "server", "sends its tokens", "live"),
            ("server", "server", "writes a line of named fields", "safe"),
            ("thief", "server", "reads the log", "thief"),
            ("server", "thief", "no token, cookie or password", "safe"),
        ),
    ),
)
