"""What can be tried while somebody logs in."""

from __future__ import annotations

from typing import Final

from app.threats.entry import Entry

LOGIN_THREATS: Final = (
    Entry(
        slug="login-csrf",
        name="Login CSRF",
        short="Login CSRF",
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
    ),
    Entry(
        slug="session-fixation",
        name="Session fixation",
        short="Session fixation",
        attack="The victim's browser is given a refresh token that the attacker knows: tossed by "
        "a sibling host, or planted by script after the cookie jar was made to overflow.",
        needs="A sibling subdomain, or script that runs once.",
        defense="The cookie's prefix lets neither script nor a sibling set it; two cookies of "
        "the name are refused without using either up; and every log-in begins a new family and "
        "ends the one that the browser held.",
        detail="app/web/cookies.py read_refresh counts; app/auth/login.py revokes the former "
        "family in the transaction that begins the new one.",
        code=("app/web/cookies.py:read_refresh", "app/auth/login.py:begin_session"),
        gap="In a browser that does not know the prefix, the planted cookie alone, before a "
        "log-in, is the attacker's own session. An overflowing jar still logs the victim out.",
        standards=("ASVS 7.2.4", "ASVS 3.3.3"),
        proofs=("tests/browser/test_cross_site.py", "tests/http/test_cookies.py"),
    ),
    Entry(
        slug="account-enumeration",
        name="Finding out who has an account",
        short="Who has an account",
        attack="Log-in, registration or the reset of a password answers differently, or faster, "
        "for addresses that have no account.",
        needs="A list of addresses.",
        defense="Unknown account, wrong password and disabled account are one answer after one "
        "hash. Registration and reset give every address one answer after the same work; only "
        "the owner of the mailbox learns the rest.",
        detail="app/accounts/passwords.py verifies against a hash of nothing, with the same "
        "cost; app/infra/throttle.py counts unknown accounts like others; "
        "app/accounts/activity.py counts their refusals in rows that nobody reads; "
        "app/auth/asked_mail.py stores one message for every address, sent or not.",
        code=("app/accounts/passwords.py:Passwords.verify", "app/auth/asked_mail.py:answer"),
        gap="An account that its operator disabled can be told apart by whoever owns its mailbox.",
        standards=("ASVS 6.3.8",),
        proofs=(
            "tests/http/test_login.py",
            "tests/http/test_registration.py",
            "tests/http/test_activity_cost.py",
        ),
    ),
    Entry(
        slug="password-spraying",
        name="Guessing and spraying passwords",
        short="Password spraying",
        attack="Many passwords are tried on one account, or one common password on many.",
        needs="A list of accounts and a list of passwords.",
        defense="Attempts are counted by address and then by account before the password is "
        "looked at; a new password that is on a list of common ones, that an estimator guesses "
        "within a million tries, or that is known from a breach is refused. Whoever logs in with "
        "a breached one is asked to change it. "
        "A browser in which the owner logged in since the last change of password is counted "
        "apart, so guesses elsewhere do not lock it out.",
        detail="app/infra/throttle.py: one atomic increment in Redis; without Redis each worker "
        "counts for itself. app/accounts/known_browsers.py signs account, time and password "
        "epoch; app/accounts/guessing.py judges new passwords; app/accounts/breached_passwords.py "
        "looks each up in the list that an operator imported (BREACHED_PASSWORDS).",
        code=(
            "app/infra/throttle.py:Throttle.log_in",
            "app/accounts/known_browsers.py:KnownBrowsers",
            "app/accounts/guessing.py:early_guess",
            "app/accounts/breached_passwords.py:BreachedPasswords.has",
        ),
        gap="A botnet with an address for each guess gets 20 guesses an hour at one account, "
        "and one at every account; a password reused from a breach needs only one, where its "
        "owner ignores the notice, or the breach is newer than the imported list. There is no "
        "second factor.",
        standards=("ASVS 6.3.1", "ASVS 6.2.4", "ASVS 6.2.12", "ASVS 2.4.1"),
        proofs=(
            "tests/http/test_limits.py",
            "tests/servers/test_throttle_flood.py",
            "tests/unit/accounts/test_guessing.py",
            "tests/http/test_breached_passwords.py",
        ),
    ),
    Entry(
        slug="log-in-starvation",
        name="Log-in kept from everybody by one address",
        short="Login starvation",
        attack="One address logs in without a pause, with right passwords of accounts of its own, "
        "and takes every place in the queue for password hashes: others get 503.",
        needs="Some accounts and some dozen connections.",
        defense="A network gets a place only while more places are free than it holds, so others "
        "find room; networks take turns; known browsers have places and turns of their own. Right "
        "passwords are counted as well.",
        detail="app/accounts/hash_queue.py counts the places of each /24 and /48; "
        "app/infra/throttle.py counts all log-ins of an account and of an address.",
        code=(
            "app/accounts/hash_queue.py:HashQueue.place",
            "app/accounts/hash_queue.py:KNOWN_PLACES",
            "app/infra/buckets.py:ALL_OF_ADDRESS",
        ),
        gap="Strangers behind the flooding address wait with it. A flood from many networks is a "
        "hashing flood, see there.",
        standards=("ASVS 2.4.1", "ASVS 15.2.2"),
        proofs=("tests/servers/test_throttle_flood.py", "tests/unit/accounts/test_hash_queue.py"),
    ),
    Entry(
        slug="planted-key",
        name="A key planted before the log-in",
        short="Planted key",
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
            "static/js/dpop.js:makePendingKey",
            "app/auth/password.py:change_password",
            "app/web/headers.py:clear_site_data",
        ),
        gap="Script that runs during the log-in or later can use the new key while the page is "
        "open. A browser that does not know Clear-Site-Data keeps an old key over a log-in "
        "without script.",
        standards=("ASVS 7.2.4", "RFC 9449 10"),
        proofs=("tests/browser/test_new_keys.py", "tests/http/test_bound_sessions.py"),
    ),
)
