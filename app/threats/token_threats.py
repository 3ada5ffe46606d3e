"""What can be tried with tokens that nobody was given, or that somebody lost."""

from __future__ import annotations

from typing import Final

from app.threats.entry import Entry

TOKEN_THREATS: Final = (
    Entry(
        slug="algorithm-confusion",
        name="Algorithm confusion, in all its forms",
        short="Algorithm confusion",
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
        short="Wrong token type",
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
    ),
    Entry(
        slug="cross-environment-tokens",
        name="A token of another deployment",
        short="Staging token",
        attack="A token that staging issued is shown to production.",
        needs="An account in the other environment, and the same secret in both.",
        defense="Issuer and audience must be exactly ours, and the key is derived for our "
        "issuer and environment.",
        detail="app/tokens/codec.py checks iss; app/tokens/keys.py derives with it.",
        code=("app/tokens/codec.py:Codec.verify", "app/tokens/keys.py:derive"),
        gap="Two deployments that share APP_ENV, PUBLIC_URL and secret.",
        standards=("ASVS 9.2.4", "RFC 8725 3.8"),
        proofs=("tests/stories/test_mistake_one_secret_everywhere.py",),
    ),
    Entry(
        slug="key-injection",
        name="A token that brings its own key",
        short="Key injection",
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
        short="Respelled token",
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
    ),
    Entry(
        slug="captured-token-log-out",
        name="Logging the owner out with a captured token",
        short="Forced logout",
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
    ),
)
