"""The six mistakes that get sessions with tokens breached. `defense` says what happens here."""

from __future__ import annotations

from typing import Final

from app.threats.entry import Entry

MISTAKES: Final = (
    Entry(
        slug="tokens-in-localstorage",
        name="Tokens in localStorage",
        short="Tokens in storage",
        stopped_by="No token in storage, ever",
        remains="What your own code stores",
        attack="Any script on the page can read localStorage, today's or next year's injected "
        "one.",
        needs="Any script that runs on the page once: an injected one, or a dependency's.",
        defense="No token is ever put into storage; all that is kept there is a key that script "
        "can use and cannot copy. A browser test looks through everything that script can read "
        "after a log-in and finds no token.",
        detail="The refresh token is in no body (app/web/token_responses.py), so a client cannot "
        "even choose to store it; static/js/session.js keeps the access token in one variable.",
        code=("app/web/token_responses.py:token_response", "static/js/session.js:authorizedFetch"),
        gap="A product built on Latchkey may write what it likes into storage of its own.",
        standards=("ASVS 14.3.3", "ASVS 3.3.4", "RFC 9449 11.4"),
        proofs=("tests/browser/test_xss_token_theft.py",),
        line=("cookies.set_credentials(response, pair)",),
        without=('body["refresh_token"] = pair.refresh_token  # for localStorage',),
        steps=(
            ("owner", "server", "logs in", "live"),
            ("server", "owner", "access token to a variable", "live"),
            ("server", "owner", "refresh token to an HttpOnly cookie", "live"),
            ("thief", "owner", "script reads localStorage", "thief"),
            ("owner", "thief", "a key that cannot be copied", "safe"),
        ),
    ),
    Entry(
        slug="unvalidated-audience",
        name="Not validating the audience",
        short="Wrong audience",
        stopped_by="Audience compared exactly",
        remains="Deployments with the same settings",
        attack="A token issued for service A opens service B that trusts the same issuer.",
        needs="A good token for some other service of the same issuer.",
        defense="The audience must be one string and exactly ours; a list that contains ours is "
        "refused, and a refresh token has another audience, another type and another key.",
        detail="app/tokens/codec.py: PyJWT with a strict audience, and the exact set of claims "
        "with exact types.",
        code=("app/tokens/codec.py:Codec.verify",),
        gap="Two deployments that are given the same JWT_AUDIENCE, PUBLIC_URL, APP_ENV and "
        "secret are one deployment.",
        standards=("ASVS 9.2.3", "RFC 8725 3.9"),
        proofs=(
            "tests/stories/test_mistake_unvalidated_audience.py",
            "tests/http/test_hostile_tokens.py",
        ),
        line=("token, key, algorithms=[ALGORITHM], audience=rules.audience, issuer=rules.issuer",),
        without=('token, key, algorithms=[ALGORITHM], options={"verify_aud": False}',),
        steps=(
            ("thief", "thief", "has a good token for service A", "plain"),
            ("thief", "server", "shows it to service B", "thief"),
            ("server", "server", "aud is not exactly ours", "safe"),
            ("server", "thief", "401 invalid_token", "safe"),
        ),
    ),
    Entry(
        slug="one-secret-everywhere",
        name="The same secret in every environment",
        short="Shared secret",
        stopped_by="Keys derived per environment",
        remains="Whoever has the secret itself",
        attack="Whoever reads the staging secret signs tokens for production.",
        needs="The secret of the environment that is guarded least.",
        defense="No secret is a signing key: keys are derived for each environment, issuer and "
        "purpose, so even a copied secret signs nothing that another environment accepts. Short, "
        "repeated, worded and published secrets refuse to start.",
        detail="app/tokens/keys.py: HKDF-SHA256 over product, APP_ENV, issuer and purpose; "
        "app/settings/secret_strength.py judges every secret before anything starts.",
        code=("app/tokens/keys.py:derive", "app/settings/secret_strength.py:secret_fault"),
        gap="Who has the secret itself, and knows the environment and issuer, can derive the "
        "key. A copied secret is still a leaked secret: replace it.",
        standards=("ASVS 9.2.4", "ASVS 13.3.1", "RFC 8725 3.5", "RFC 8725 3.12"),
        proofs=("tests/stories/test_mistake_one_secret_everywhere.py",),
        line=(
            "return HKDF(algorithm=SHA256(), length=length, salt=None, info=info).derive(secret)",
        ),
        without=("return secret",),
        steps=(
            ("thief", "thief", "reads the secret of staging", "thief"),
            ("thief", "thief", "signs a token with it", "thief"),
            ("thief", "server", "shows it to production", "thief"),
            ("server", "server", "production's key is another one", "safe"),
            ("server", "thief", "401 invalid_token", "safe"),
        ),
    ),
    Entry(
        slug="long-refresh-without-rotation",
        name="Thirty days of refresh without rotation",
        short="No rotation",
        stopped_by="Every refresh rotates",
        remains="A used family, thirty days",
        attack="A refresh token that stays valid for weeks is a password that was never chosen.",
        needs="One refresh token, from any day of the month.",
        defense="Every refresh rotates and there is no switch for it. A lifetime above thirty "
        "days refuses to start, and the absolute one is never extended.",
        detail="app/families/rotation.py rotate: the successor's idle end is cut at the "
        "family's absolute one, which never moves; app/tokens/codec.py refuses a longer life "
        "whoever signed it.",
        code=(
            "app/families/rotation.py:ROTATE",
            "app/tokens/codec.py:Codec.verify",
            "config.py:MAX_REFRESH_TTL",
        ),
        gap="Within its thirty days a family that is used goes on; end it on the sessions page.",
        standards=("ASVS 7.3.2", "ASVS 10.4.8", "RFC 9700 2.2.2"),
        proofs=(
            "tests/stories/test_mistake_long_refresh_without_rotation.py",
            "tests/http/test_lifetimes.py",
        ),
        line=(
            "previous_jti=families.c.jti,",
            'jti=bindparam("successor"),',
        ),
        without=('last_used_at=bindparam("now"),',),
        steps=(
            ("thief", "owner", "copies R1", "thief"),
            ("owner", "server", "exchanges R1 for R2", "live"),
            ("server", "server", "R1 is spent; the end does not move", "plain"),
            ("thief", "server", "weeks later: presents R1", "thief"),
            ("server", "thief", "401: spent, and the family ends", "safe"),
        ),
    ),
    Entry(
        slug="trusting-alg",
        name="Trusting the token's own alg header",
        short="Trusting alg",
        stopped_by="One algorithm, compared first",
        remains="A break of HMAC-SHA256",
        attack="The attacker writes none, or makes the server use a public key as an HMAC secret.",
        needs="Nothing at all: such a token needs no key.",
        defense="The algorithm is compared with the one we sign with, before any key is looked "
        "up, and never obeyed. Headers that name keys or places to fetch them are refused.",
        detail="app/tokens/jws.py: header names, alg and typ are compared exactly; "
        "app/tokens/codec.py calls PyJWT with one algorithm.",
        code=("app/tokens/jws.py:parse_jws", "app/tokens/codec.py:Codec.verify"),
        gap="A break of HMAC-SHA256 itself.",
        standards=("ASVS 9.1.1", "ASVS 9.1.2", "RFC 8725 3.1"),
        proofs=(
            "tests/stories/test_mistake_trusting_alg.py",
            "tests/http/test_hostile_tokens.py",
        ),
        line=(
            'if header["alg"] != ALGORITHM:',
            '    raise TokenRefused("algorithm")',
        ),
        without=('claims = jwt.decode(token, key, algorithms=[header["alg"]])',),
        steps=(
            ("thief", "thief", "writes a token with alg: none", "thief"),
            ("thief", "server", "shows it", "thief"),
            ("server", "server", "alg is not HS256: no key is looked up", "safe"),
            ("server", "thief", "401 invalid_token", "safe"),
        ),
    ),
    Entry(
        slug="password-change-keeps-sessions",
        name="Keeping sessions alive after a password change",
        short="Stale sessions",
        stopped_by="One commit ends every family",
        remains="What was copied before",
        attack="The owner changes the password because of a thief, and the thief stays logged in.",
        needs="A session of the victim's, and the victim's usual remedy.",
        defense="One transaction sets the password and revokes every family; every access token "
        "issued before is refused at once, in every worker.",
        detail="app/auth/password.py: the hash, the revocations and the new family are "
        "one commit; the denylist is written before the answer leaves.",
        code=("app/auth/password.py:change_password", "app/families/revocation.py:revoke_user"),
        gap="What the thief saw and copied before. If a worker is killed between the commit and "
        "its entry in Redis, the others learn of it within ten seconds.",
        standards=("ASVS 7.4.3", "ASVS 7.4.1", "RFC 9700 4.14.2"),
        proofs=("tests/stories/test_password_change.py", "tests/http/test_password.py"),
        line=(
            "revoked = revocation.revoke_user(",
            "    connection, user.id, Reason.PASSWORD_CHANGED, successor.created_at",
            ")",
        ),
        without=("revoked = []  # the other sessions go on",),
        steps=(
            ("thief", "server", "is logged in as the owner", "thief"),
            ("owner", "server", "changes the password", "live"),
            ("server", "server", "one commit: hash, all families end", "safe"),
            ("thief", "server", "uses the access token", "thief"),
            ("server", "thief", "401 at once, in every worker", "safe"),
        ),
    ),
)
