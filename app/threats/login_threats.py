"""What can be tried while somebody logs in."""

from __future__ import annotations

from typing import Final

from app.threats.entry import Entry

LOGIN_THREATS: Final = (
    Entry(
        slug="login-csrf",
        name="Login CSRF",
        short="Login CSRF",
        stopped_by="Origin rule and form token",
        remains="Typing the attacker's password",
        attack="A page elsewhere logs the victim in as the attacker, and the victim types their "
        "secrets into the attacker's account.",
        needs="A page that the victim opens, and an account of the attacker's own.",
        defense="Log-in and registration obey the origin rule like everything that changes "
        "state, and the forms carry a token of their own besides.",
        detail="app/web/origin.py before any credential; Flask-WTF's token on every form "
        "(app/pages/routes.py), its cookie with the same prefix as the refresh token's.",
        code=("app/web/origin.py:check_origin", "app/pages/routes.py:blueprint"),
        gap="The victim who is talked into typing the attacker's password.",
        standards=("ASVS 3.5.1",),
        proofs=("tests/browser/test_cross_site.py", "tests/http/test_forms.py"),
        line=(
            'if site not in {None, "same-origin"} and not user_navigation:',
            '    raise CrossOrigin(reason="sec_fetch_site")',
        ),
        without=("pass  # at a log-in there is no session to protect yet",),
        steps=(
            ("owner", "thief", "opens the attacker's page", "plain"),
            ("thief", "owner", "sends a form with its own password", "thief"),
            ("owner", "server", "POST /login from another site", "thief"),
            ("server", "server", "it began elsewhere: refused", "safe"),
            ("server", "owner", "403, nobody is logged in", "safe"),
        ),
    ),
    Entry(
        slug="session-fixation",
        name="Session fixation",
        short="Session fixation",
        stopped_by="Cookie prefix, new family",
        remains="Browsers without the prefix",
        attack="The victim's browser is given a refresh token that the attacker knows: tossed by "
        "a sibling host, or planted by script after the cookie jar was made to overflow.",
        needs="A sibling subdomain, or script that runs once.",
        defense="The cookie's prefix lets neither script nor a sibling set it; two cookies of "
        "the name are refused without using either up; and every log-in begins a new family and "
        "ends the one that the browser held.",
        detail="app/web/cookies.py read_refresh counts; app/auth/login.py revokes the former "
        "family in the transaction that begins the new one.",
        code=(
            "app/web/cookies.py:REFRESH",
            "app/web/cookies.py:read_refresh",
            "app/auth/login.py:begin_session",
        ),
        gap="In a browser that does not know the prefix, the planted cookie alone, before a "
        "log-in, is the attacker's own session. An overflowing jar still logs the victim out.",
        standards=("ASVS 7.2.4", "ASVS 3.3.3"),
        proofs=("tests/browser/test_cross_site.py", "tests/http/test_cookies.py"),
        line=('REFRESH: Final = "__Host-Http-refresh"',),
        without=('REFRESH: Final = "refresh"',),
        steps=(
            ("thief", "owner", "plants a refresh token it knows", "thief"),
            ("owner", "owner", "the prefix refuses it", "safe"),
            ("owner", "server", "logs in", "live"),
            ("server", "server", "a new family; the former one ends", "safe"),
            ("server", "owner", "a token that nobody else knows", "live"),
        ),
    ),
    Entry(
        slug="planted-key",
        name="A key planted before the log-in",
        short="Planted key",
        stopped_by="A new key each log-in",
        remains="Script during the log-in",
        attack="Script that runs once puts a key of its own where the browser keeps the one that "
        "sessions are bound to. Whatever session comes later, its proofs are the attacker's to "
        "make, elsewhere and for as long as it lives, also after a new password.",
        needs="Script that runs in the page once, before the log-in.",
        defense="Each log-in, registration and password change makes a new key, which takes the "
        "place of all others once the server has answered; a log-in without script has the "
        "browser forget its keys. A proof by a former key is theft and ends the session.",
        detail="static/js/dpop.js makes and promotes keys; app/auth/password.py binds the new "
        "session to the key that a change names; app/pages/routes.py clears what is stored.",
        code=(
            "static/js/dpop.js:replaceKeys",
            "static/js/dpop.js:makePendingKey",
            "app/auth/password.py:change_password",
            "app/web/headers.py:clear_site_data",
        ),
        gap="Script that runs during the log-in or later can use the new key while the page is "
        "open. A browser that does not know Clear-Site-Data keeps an old key over a log-in "
        "without script.",
        standards=("ASVS 7.2.4", "RFC 9449 10"),
        proofs=("tests/browser/test_new_keys.py", "tests/http/test_bound_sessions.py"),
        line=(
            "const cleared = store.delete(IDBKeyRange.lowerBound(isLogin ? LOGOUT_WISH : CURRENT));",  # noqa: E501 - as in the source
            "return pair ? store.put(pair, CURRENT) : cleared;",
        ),
        without=("return store.add(pair, CURRENT); // a key that is there stays",),
        steps=(
            ("thief", "owner", "script stores a key it knows", "thief"),
            ("owner", "server", "logs in with a new key", "live"),
            ("owner", "owner", "the new key replaces all others", "safe"),
            ("thief", "server", "proves with the planted key", "thief"),
            ("server", "thief", "401: theft, the session ends", "safe"),
        ),
    ),
)
