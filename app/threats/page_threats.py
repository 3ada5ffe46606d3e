"""What can be tried with pages, and with what browsers and logs keep."""

from __future__ import annotations

from typing import Final

from app.threats.entry import Entry

PAGE_THREATS: Final = (
    Entry(
        slug="open-redirect",
        name="Open redirect after log-in",
        short="Open redirect",
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
    ),
    Entry(
        slug="clickjacking",
        name="Clickjacking",
        short="Clickjacking",
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
    ),
    Entry(
        slug="cache-leaks",
        name="Leaks through caches and the back button",
        short="Cache leaks",
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
    ),
    Entry(
        slug="log-leaks",
        name="Credentials in logs",
        short="Log leaks",
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
    ),
)
