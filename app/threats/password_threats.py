"""What can be tried with guesses, and with the price of checking them."""

from __future__ import annotations

from typing import Final

from app.threats.entry import Entry

PASSWORD_THREATS: Final = (
    Entry(
        slug="account-enumeration",
        name="Finding out who has an account",
        short="Who has an account",
        stopped_by="One answer, the same work",
        remains="Owners of disabled accounts",
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
        line=(
            "return self._hasher.verify(password_hash or self._dummy, raw) and bool(password_hash)",  # noqa: E501 - as in the source
        ),
        without=("return password_hash is not None and self._hasher.verify(password_hash, raw)",),
        steps=(
            ("thief", "server", "tries an address with an account", "thief"),
            ("server", "server", "one hash", "plain"),
            ("server", "thief", "401 invalid_credentials", "safe"),
            ("thief", "server", "tries an address without one", "thief"),
            ("server", "server", "one hash, of nothing", "safe"),
            ("server", "thief", "401: the same text, the same time", "safe"),
        ),
    ),
    Entry(
        slug="password-spraying",
        name="Guessing and spraying passwords",
        short="Password spraying",
        stopped_by="Counted before the check",
        remains="A botnet: 20 guesses an hour",
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
        line=("self._count((failures, log_ins))",),
        without=("return ()  # the hash is slow, so nothing is counted",),
        steps=(
            ("thief", "server", "guess, guess, guess", "thief"),
            ("server", "server", "counted before the password is read", "safe"),
            ("server", "thief", "429 too_many_attempts", "safe"),
            ("owner", "server", "logs in from a known browser", "live"),
            ("server", "owner", "counted apart: 200", "safe"),
        ),
    ),
    Entry(
        slug="log-in-starvation",
        name="Log-in kept from everybody by one address",
        short="Login starvation",
        stopped_by="Places shared among networks",
        remains="Neighbours of the flood",
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
        line=(
            "if self._held[holder] >= self._free(known=place.known):",
            "    raise Busy(retry_after=RETRY_SECONDS)",
        ),
        without=(
            "if self._held.total() >= OPEN_PLACES:",
            "    raise Busy(retry_after=RETRY_SECONDS)",
        ),
        steps=(
            ("thief", "server", "dozens of log-ins, from one network", "thief"),
            ("server", "server", "half of the places, and no more", "safe"),
            ("server", "thief", "503 for the rest", "safe"),
            ("owner", "server", "logs in from another network", "live"),
            ("server", "owner", "a place is free: 200", "safe"),
        ),
    ),
)
