"""What can be tried with tokens that nobody was given, or that somebody lost."""

from __future__ import annotations

from typing import Final

from app.threats.entry import Entry

TOKEN_THREATS: Final = (
    Entry(
        slug="algorithm-confusion",
        name="Algorithm confusion, in all its forms",
        short="Algorithm confusion",
        stopped_by="Three header names, no others",
        remains="Nothing known",
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
        line=(
            "if header.keys() != HEADER_NAMES:",
            '    raise TokenRefused("header")',
        ),
        without=("claims = jwt.decode(token, key, algorithms=list(get_default_algorithms()))",),
        steps=(
            ("thief", "thief", "writes crit, b64 or another alg", "thief"),
            ("thief", "server", "shows the token", "thief"),
            ("server", "server", "a name too many: no cryptography", "safe"),
            ("server", "thief", "401 invalid_token", "safe"),
        ),
    ),
    Entry(
        slug="cross-type-tokens",
        name="One kind of token used as another",
        short="Wrong token type",
        stopped_by="Own type, audience and key",
        remains="Nothing known",
        attack="The refresh token is shown as an access token, or the reverse.",
        needs="A token of the wrong kind.",
        defense="Each kind has its own type, its own audience, its own claims and its own key; "
        "any one of them alone would refuse.",
        detail="app/tokens/jws.py compares typ; app/tokens/keys.py derives a key for each "
        "purpose; app/tokens/codec.py wants the exact claims.",
        code=("app/tokens/jws.py:parse_jws", "app/tokens/keys.py:derive"),
        gap="Nothing known.",
        standards=("ASVS 9.2.2", "RFC 8725 3.11", "RFC 8725 3.12"),
        proofs=("tests/http/test_hostile_tokens.py", "tests/unit/tokens/test_keys.py"),
        line=(
            'if header["typ"] != typ:',
            '    raise TokenRefused("type")',
        ),
        without=('kid = header["kid"]  # whatever typ says',),
        steps=(
            ("thief", "thief", "has a refresh token", "plain"),
            ("thief", "server", "shows it as an access token", "thief"),
            ("server", "server", "typ is another, and so is the key", "safe"),
            ("server", "thief", "401 invalid_token", "safe"),
        ),
    ),
    Entry(
        slug="cross-environment-tokens",
        name="A token of another deployment",
        short="Staging token",
        stopped_by="Only this issuer's key",
        remains="Deployments with the same settings",
        attack="A token that staging issued is shown to production.",
        needs="An account in the other environment, and the same secret in both.",
        defense="Issuer and audience must be exactly ours, and the key is derived for our "
        "issuer and environment.",
        detail="app/tokens/codec.py checks iss; app/tokens/keys.py derives with it.",
        code=(
            "app/tokens/keys.py:derive",
            "app/tokens/codec.py:Codec.verify",
        ),
        gap="Two deployments that share APP_ENV, PUBLIC_URL and secret.",
        standards=("ASVS 9.2.4", "RFC 8725 3.8"),
        proofs=("tests/stories/test_mistake_one_secret_everywhere.py",),
        line=("parts = (PRODUCT, env, issuer, purpose)",),
        without=("parts = (PRODUCT, purpose)",),
        steps=(
            ("thief", "thief", "logs in to staging", "plain"),
            ("thief", "server", "shows that token to production", "thief"),
            ("server", "server", "another issuer has another key", "safe"),
            ("server", "thief", "401 invalid_token", "safe"),
        ),
    ),
    Entry(
        slug="key-injection",
        name="A token that brings its own key",
        short="Key injection",
        stopped_by="kid looked up in memory",
        remains="Nothing known",
        attack="The header carries a key, an address to fetch one from, or a name that leads to "
        "a known file or into a query.",
        needs="Nothing at all, where the server looks.",
        defense="jwk, jku, x5u, x5c and x5t refuse the token; kid is looked up in a fixed table "
        "in memory and reaches no file, no query and no network.",
        detail="app/tokens/jws.py HEADER_NAMES; app/tokens/keys.py KeyRing.",
        code=(
            "app/tokens/codec.py:Codec.verify",
            "app/tokens/jws.py:HEADER_NAMES",
            "app/tokens/keys.py:KeyRing",
        ),
        gap="Nothing known.",
        standards=("ASVS 9.1.3", "RFC 8725 3.10"),
        proofs=("tests/http/test_hostile_tokens.py",),
        line=("key = self._ring.by_kid.get(kid)",),
        without=('key = header.get("jwk") or fetch(header["jku"])',),
        steps=(
            ("thief", "thief", "signs with a key of its own", "thief"),
            ("thief", "server", "sends it along in the header", "thief"),
            ("server", "server", "jwk and jku refuse the token", "safe"),
            ("server", "thief", "401 invalid_token", "safe"),
        ),
    ),
    Entry(
        slug="token-malleability",
        name="Another spelling of the same token",
        short="Respelled token",
        stopped_by="One spelling, one place",
        remains="Nothing known",
        attack="A denied or remembered token is spelled another way that decodes to the same, "
        "and is taken for a new one; or it is sent where the guard does not look first.",
        needs="A token that is denied, or remembered by its text.",
        defense="A token has exactly one spelling, and one place: the Authorization header, "
        "once. Denied is the session, not the text.",
        detail="app/tokens/jws.py decode_base64url_strict decodes, encodes again and compares; "
        "PyJWT 2.15.1 takes a trailing =.",
        code=("app/tokens/jws.py:decode_base64url_strict", "app/web/guards.py:credential"),
        gap="Nothing known.",
        standards=("RFC 8725 3.3", "RFC 7515 2", "RFC 6750 2"),
        proofs=("tests/http/test_hostile_tokens.py", "tests/http/test_guards.py"),
        line=(
            'if base64.urlsafe_b64encode(raw).rstrip(b"=").decode() != segment:',
            '    raise TokenRefused("not_canonical")',
        ),
        without=("return raw  # however it was spelled",),
        steps=(
            ("server", "server", "a session is denied", "plain"),
            ("thief", "thief", "spells its token another way", "thief"),
            ("thief", "server", "shows it", "thief"),
            ("server", "server", "not the one spelling of these bytes", "safe"),
            ("server", "thief", "401 invalid_token", "safe"),
        ),
    ),
    Entry(
        slug="captured-token-log-out",
        name="Logging the owner out with a captured token",
        short="Forced logout",
        stopped_by="A log-out asks for proof",
        remains="A captured refresh token",
        attack="A bound access token from a log, worthless to its finder and perhaps long "
        "expired, is sent to the log-out, and ends its owner's session.",
        needs="Any access token that was ever issued to the session.",
        defense="The log-out asks of an access token what every protected route asks: in date, "
        "not denied, the right scheme, and a proof by the session's key. Any other token ends "
        "nothing.",
        detail="app/api/session.py verifies the token as the guard does before app/auth/logout.py "
        "revokes its family; the answer is 204 in either case.",
        code=("app/api/session.py:post_logout", "app/auth/logout.py:log_out"),
        gap="A captured refresh token ends its session, there and everywhere it is used. An "
        "unbound access token is good for all that its owner may do until it expires.",
        standards=("ASVS 7.4.1", "RFC 9449 7"),
        proofs=("tests/http/test_logout.py",),
        line=(
            "try:",
            "    authenticate()",
        ),
        without=("return services().access_tokens.verify_ignoring_times(token).sid",),
        steps=(
            ("thief", "thief", "finds a bound token in a log", "thief"),
            ("thief", "server", "POST /auth/logout with it", "thief"),
            ("server", "server", "no proof by the key: ends nothing", "safe"),
            ("server", "thief", "204, the usual answer", "safe"),
            ("owner", "server", "goes on", "live"),
        ),
    ),
)
