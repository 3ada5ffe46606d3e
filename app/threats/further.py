"""Further attacks that matter here: found in the standards, in rivals, and by trying."""

from __future__ import annotations

from typing import Final

from app.threats.entry import Entry

FURTHER: Final = (
    Entry(
        slug="login-csrf",
        name="Login CSRF",
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
        slug="algorithm-confusion",
        name="Algorithm confusion, in all its forms",
        attack="The header names another algorithm, or an extension, that changes how the token "
        "is verified or read.",
        needs="Any token to start from; for some forms a public key.",
        defense="One algorithm, compared as an exact text; a header has three names and no "
        "others, so crit, b64, zip and cty do not exist; five segments are no token.",
        detail="app/tokens/jws.py parse_jws, before any cryptography.",
        code=("app/tokens/jws.py:parse_jws", "app/tokens/jws.py:HEADER_NAMES"),
        gap="Nothing known.",
        standards=("ASVS 9.1.2", "RFC 8725 3.1", "RFC 8725 3.3", "RFC 7515 4.1.11"),
        proofs=("tests/http/test_hostile_tokens.py", "tests/unit/tokens/test_read.py"),
    ),
    Entry(
        slug="cross-type-tokens",
        name="One kind of token used as another",
        attack="The refresh token is shown as an access token, or the reverse.",
        needs="A token of the wrong kind.",
        defense="Each kind has its own type, its own audience, its own claims and its own key; "
        "any one of them alone would refuse.",
        detail="app/tokens/jws.py compares typ; app/tokens/keys.py derives a key for each "
        "purpose; app/tokens/codec.py wants the exact claims.",
        code=("app/tokens/jws.py:_kid_of", "app/tokens/keys.py:derive"),
        gap="Nothing known.",
        standards=("ASVS 9.2.2", "RFC 8725 3.11", "RFC 8725 3.12"),
        proofs=("tests/http/test_hostile_tokens.py", "tests/unit/tokens/test_keys.py"),
    ),
    Entry(
        slug="cross-environment-tokens",
        name="A token of another deployment",
        attack="A token that staging issued is shown to production.",
        needs="An account in the other environment, and the same secret in both.",
        defense="Issuer and audience must be exactly ours, and the key is derived for our "
        "issuer and environment.",
        detail="app/tokens/codec.py checks iss; app/tokens/keys.py derives with it.",
        code=("app/tokens/codec.py:Codec._decoded", "app/tokens/keys.py:derive"),
        gap="Two deployments that share APP_ENV, PUBLIC_URL and secret.",
        standards=("ASVS 9.2.4", "RFC 8725 3.8"),
        proofs=("tests/stories/test_mistake_one_secret_everywhere.py",),
    ),
    Entry(
        slug="key-injection",
        name="A token that brings its own key",
        attack="The header carries a key, an address to fetch one from, or a name that leads to "
        "a known file or into a query.",
        needs="Nothing at all, where the server looks.",
        defense="jwk, jku, x5u, x5c and x5t refuse the token; kid is looked up in a fixed table "
        "in memory and reaches no file, no query and no network.",
        detail="app/tokens/jws.py HEADER_NAMES; app/tokens/keys.py KeyRing.",
        code=("app/tokens/jws.py:HEADER_NAMES", "app/tokens/keys.py:KeyRing"),
        gap="Nothing known.",
        standards=("ASVS 9.1.3", "RFC 8725 3.10"),
        proofs=("tests/http/test_hostile_tokens.py",),
    ),
    Entry(
        slug="token-malleability",
        name="Another spelling of the same token",
        attack="A denied or remembered token is spelled another way that decodes to the same, "
        "and is taken for a new one; or it is sent where the guard does not look first.",
        needs="A token that is denied, or remembered by its text.",
        defense="A token has exactly one spelling, and one place: the Authorization header, "
        "once. Denied is the session, not the text.",
        detail="app/tokens/jws.py canonical decodes, encodes again and compares; PyJWT "
        "2.15.1 takes a trailing =.",
        code=("app/tokens/jws.py:decode_base64url_strict", "app/web/guards.py:credential"),
        gap="Nothing known.",
        standards=("RFC 8725 3.3", "RFC 7515 2", "RFC 6750 2"),
        proofs=("tests/http/test_hostile_tokens.py", "tests/http/test_guards.py"),
    ),
    Entry(
        slug="refresh-races",
        name="Racing the refresh endpoint",
        attack="One refresh token is sent many times at the same moment; where the server looks "
        "first and writes later, several get through.",
        needs="One refresh token, and two connections.",
        defense="Looking and writing are one conditional UPDATE: the database lets exactly one "
        "through, and the others end the family, or with the family's proof get its one "
        "successor.",
        detail="app/families/rotation.py rotate; its row count is the verdict, on SQLite and "
        "PostgreSQL alike.",
        code=("app/families/rotation.py:rotate",),
        gap="An unbound client that races itself loses its session; the browser module takes a "
        "lock.",
        standards=("ASVS 15.4.2", "ASVS 2.3.3", "RFC 9700 4.14.2"),
        proofs=("tests/servers/test_races.py",),
    ),
    Entry(
        slug="account-enumeration",
        name="Finding out who has an account",
        attack="Log-in or registration answers differently, or faster, for addresses that have "
        "no account.",
        needs="A list of addresses.",
        defense="Unknown account, wrong password and disabled account are one answer after one "
        "hash. Both doors count attempts before they look.",
        detail="app/accounts/passwords.py verifies against a hash of nothing, with the same "
        "cost; app/infra/throttle.py counts unknown accounts like others.",
        code=("app/accounts/passwords.py:Passwords.verify", "app/infra/buckets.py:REGISTRATIONS"),
        gap="Registration says that an address is taken, since no mail is sent: 120 questions a "
        "minute and 1,000 an hour from one address.",
        standards=("ASVS 6.3.8",),
        proofs=("tests/http/test_login.py", "tests/http/test_limits.py"),
    ),
    Entry(
        slug="password-spraying",
        name="Guessing and spraying passwords",
        attack="Many passwords are tried on one account, or one common password on many.",
        needs="A list of accounts and a list of passwords.",
        defense="Attempts are counted by address and then by account before the password is "
        "looked at; a new password that an estimator guesses within a million tries is refused. "
        "A browser in which the owner logged in since the last change of password is counted "
        "apart, so guesses elsewhere do not lock it out.",
        detail="app/infra/throttle.py: one atomic increment in Redis; without Redis each worker "
        "counts for itself. app/accounts/known_browsers.py signs account, time and password "
        "epoch; app/accounts/password_policy.py judges new passwords.",
        code=(
            "app/infra/throttle.py:Throttle.log_in",
            "app/accounts/known_browsers.py:KnownBrowsers",
        ),
        gap="A botnet with an address for each guess gets 20 guesses an hour at one account, "
        "and one at every account; a password reused from a breach needs only one: new ones are "
        "compared with no list of breached ones. There is no second factor.",
        standards=("ASVS 6.3.1", "ASVS 2.4.1"),
        proofs=("tests/http/test_limits.py", "tests/servers/test_throttle_flood.py"),
    ),
    Entry(
        slug="planted-key",
        name="A key planted before the log-in",
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
    Entry(
        slug="swallowed-cookie",
        name="A sibling's cookie that swallows ours",
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
    ),
    Entry(
        slug="captured-token-log-out",
        name="Logging the owner out with a captured token",
        attack="A bound access token from a log, worthless to its finder and perhaps long "
        "expired, is sent to the log-out, and ends its owner's session.",
        needs="Any access token that was ever issued to the session.",
        defense="The log-out asks of an access token what every protected route asks: in date, "
        "not denied, the right scheme, and a proof by the session's key. Any other token ends "
        "nothing.",
        detail="app/api/session.py verifies the token as the guard does before app/auth/logout.py "
        "revokes its family; the answer is 204 in either case.",
        code=("app/api/session.py:_verified_sid", "app/auth/logout.py:log_out"),
        gap="A captured refresh token ends its session, there and everywhere it is used. An "
        "unbound access token is good for all that its owner may do until it expires.",
        standards=("ASVS 7.4.1", "RFC 9449 7"),
        proofs=("tests/http/test_logout.py",),
    ),
    Entry(
        slug="denylist-loss",
        name="A denylist that forgets",
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
        "token then lives until it expires, ten minutes at most.",
        standards=("ASVS 7.4.1", "ASVS 16.5.3"),
        proofs=(
            "tests/servers/test_failover.py",
            "tests/servers/test_denylist_outage.py",
            "tests/unit/families/test_denylist.py",
        ),
    ),
    Entry(
        slug="open-redirect",
        name="Open redirect after log-in",
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
        proofs=("tests/browser/test_reload_and_tabs.py", "tests/http/test_headers.py"),
    ),
    Entry(
        slug="log-leaks",
        name="Credentials in logs",
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
    Entry(
        slug="hashing-floods",
        name="Hashing floods",
        attack="Strangers make the server hash: many log-ins at once, or passwords of a megabyte, "
        "until nothing is left for others.",
        needs="A connection.",
        defense="One hash at a time in each worker, at a lower priority than requests, and a "
        "short queue with 503 at once beyond. One network alone gets half of its places, networks "
        "take turns, and known browsers have places and turns of their own. Right passwords are "
        "counted as well; bodies and passwords have a length.",
        detail="app/accounts/hash_queue.py: eight open places a worker, four more for known "
        "browsers; app/infra/throttle.py: 30 log-ins a minute of an account, 300 of an address.",
        code=(
            "app/accounts/hash_queue.py:HashQueue",
            "app/accounts/password_policy.py:MAX_PASSWORD_BYTES",
            "config.py:BODY_BYTES",
        ),
        gap="A flood from many networks keeps strangers from logging in. Known browsers go on, "
        "unless it also has some forty accounts of its own for each worker; those who are logged "
        "in go on in any case.",
        standards=("ASVS 2.4.1", "ASVS 15.1.3", "ASVS 15.2.2"),
        proofs=("tests/unit/accounts/test_hash_queue.py", "tests/servers/test_throttle_flood.py"),
    ),
    Entry(
        slug="log-in-starvation",
        name="Log-in kept from everybody by one address",
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
        slug="slow-requests",
        name="Requests that never end",
        attack="Heads and bodies arrive a byte at a time and never become whole (slowloris, "
        "R-U-Dead-Yet). Each holds a thread of a server that reads in its threads, until none is "
        "left.",
        needs="A few dozen connections.",
        defense="Threads get whole requests only. What is unfinished waits in one event loop, for "
        "15 s at most whatever arrives, and its number is bounded: the network with most of it "
        "makes room first.",
        detail="app/server/loop.py is gunicorn's worker here; app/server/groups.py has the "
        "deadlines and bounds. docs/operations.md has a proxy buffer requests besides.",
        code=(
            "app/server/loop.py:Server",
            "app/server/table.py:READ_SECONDS",
            "app/server/groups.py:Group.surplus",
        ),
        gap="Slow connections from more networks than a worker has places for unfinished requests "
        "push out honest ones on slow lines.",
        standards=("ASVS 15.2.2", "RFC 9112 9.5"),
        proofs=("tests/servers/test_slow_clients.py", "tests/unit/server/test_connections.py"),
    ),
    Entry(
        slug="costly-texts",
        name="Texts that cost seconds",
        attack="An address or a password of 60 kB, chosen so that bringing it into one form takes "
        "seconds during which the worker does nothing else.",
        needs="A connection.",
        defense="A length in characters comes before every step that takes more than linear "
        "time: 320 for an address, 1,024 for a password, 64 for the strength estimate.",
        detail="app/accounts/emails.py and app/accounts/password_policy.py measure before they "
        "normalise, and so does app/web/bodies.py.",
        code=(
            "app/accounts/emails.py:MAX_TYPED",
            "app/accounts/password_policy.py:MAX_CODE_POINTS",
        ),
        gap="Nothing known; docs/limits.md has the worst case of each step.",
        standards=("ASVS 15.2.2", "ASVS 2.2.1"),
        proofs=("tests/unit/accounts/test_emails.py", "tests/unit/accounts/test_passwords.py"),
    ),
)
