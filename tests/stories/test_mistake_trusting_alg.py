"""Trusting the token's own alg header: the attacker writes what the server will then believe."""

import hashlib
import hmac
import json

from tests.support.client import Client, claims, problem
from tests.support.forger import compact, encode, header, signing_key

ALGORITHMS: tuple[object, ...] = (
    *("none", "None", "NONE", "nOnE", "", None, ["HS256"]),
    *("HS384", "HS512", "RS256", "PS256", "ES256", "EdDSA", "hs256", "HS256 "),
)
EXTRAS: tuple[dict[str, object], ...] = (
    {"jwk": {"kty": "oct", "k": "AAAA"}},
    {"jku": "https://evil.example/keys.json"},
    {"x5u": "https://evil.example/cert.pem"},
    {"x5c": ["AAAA"]},
    {"crit": ["exp"]},
    {"b64": False, "crit": ["b64"]},
    {"zip": "DEF"},
    {"cty": "JWT"},
)


def test_another_algorithm(ada: Client, thief: Client) -> None:
    """Refused though rightly signed, and without a signature too; the honest token is let in."""
    for algorithm in ALGORITHMS:
        head = header(ada.access_token) | {"alg": algorithm}
        signed = compact(head, claims(ada.access_token), signing_key(ada))
        unsigned = signed.rpartition(".")[0]

        for token in (signed, unsigned, f"{unsigned}."):
            problem(thief.me(token), 401, "invalid_token")

    assert ada.me().status_code == 200


def test_no_signature_at_all(ada: Client, thief: Client) -> None:
    """The oldest attack: `alg` none, any `sub`, nothing signed."""
    head = encode(json.dumps({"alg": "none", "typ": "at+jwt"}).encode())
    body = encode(json.dumps(claims(ada.access_token)).encode())
    for token in (f"{head}.{body}.", f"{head}.{body}", f"{head}.{body}.AA"):
        problem(thief.me(token), 401, "invalid_token")


def test_right_algorithm_with_the_attackers_key(ada: Client, thief: Client) -> None:
    """HS256 with a guessable secret, an empty one, or something public, as confusion would."""
    head, payload = header(ada.access_token), claims(ada.access_token)
    for key in (
        b"",
        b"secret",
        ada.access_token.encode(),
        head["kid"].encode(),
        b"https://localhost",
    ):
        problem(thief.me(compact(head, payload, key)), 401, "invalid_token")


def test_longer_hash_with_the_right_key(ada: Client, thief: Client) -> None:
    """HS512 truly made with our key is still not what we sign with."""
    head = header(ada.access_token) | {"alg": "HS512"}
    text = ".".join(encode(json.dumps(p).encode()) for p in (head, claims(ada.access_token)))
    signature = encode(hmac.digest(signing_key(ada), text.encode(), hashlib.sha512))
    problem(thief.me(f"{text}.{signature}"), 401, "invalid_token")


def test_header_that_names_keys(ada: Client, thief: Client) -> None:
    """A key inside the token, or a place to fetch one: refused, and nothing is fetched."""
    for extra in EXTRAS:
        head = header(ada.access_token) | extra
        token = compact(head, claims(ada.access_token), signing_key(ada))

        problem(thief.me(token), 401, "invalid_token")

    assert ada.me().status_code == 200


def test_key_of_the_attackers_choice(ada: Client, thief: Client) -> None:
    """`kid` is looked up in a fixed table, and never in a path, a query or all keys in turn."""
    kids: list[object] = ["", "x", "../../dev/null", "' OR 1=1 --", None, 1, ["x"], "A" * 33]
    for kid in kids:
        head = header(ada.access_token) | {"kid": kid}
        token = compact(head, claims(ada.access_token), signing_key(ada))
        problem(thief.me(token), 401, "invalid_token")
