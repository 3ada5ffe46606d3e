"""Tokens that bring their own key, or say where the server can fetch or find one."""

from __future__ import annotations

import socket
from typing import Final

from app.attacks import defenses
from app.attacks.context import AttackContext
from app.attacks.control import forgeable_owner
from app.attacks.prover import base64url
from app.attacks.visitor import Visitor

ATTACKERS_KEY: Final = b"the attacker's own key, 32 bytes!!"
JWK: Final = {"kty": "oct", "k": base64url(ATTACKERS_KEY), "alg": "HS256"}
UNKNOWN_KID: Final = "AAAAAAAAAAAA"
WRONG_KIDS: Final = (
    "../../dev/null", "' OR 1=1--", UNKNOWN_KID, "", "a\0b", ["a"], 7, None,
)  # fmt: skip
FETCH_SECONDS: Final = 0.5


def key_injection(context: AttackContext) -> None:
    """Present tokens with keys in their header, addresses of keys, and wrong key names."""
    owner = forgeable_owner(context)
    _brought_keys(context, owner)
    by = defenses.TOKEN_FORM
    context.say("A key name that is the path of a known file, a piece of SQL, or unknown.")
    for kid in WRONG_KIDS:
        token = context.forge.changed(owner.access, header={"kid": kid}, key=b"")
        context.no_token(owner.me(token), f"kid {str(kid)[:20]!r}", by)
    token = context.forge.changed(owner.access, header={"kid": UNKNOWN_KID})
    text = "unknown kid over a right signature"
    context.no_token(owner.me(token), text, defenses.TOKEN_CLAIMS)
    context.works(owner.me(), "The owner's unchanged token")


def _brought_keys(context: AttackContext, owner: Visitor) -> None:
    """Offer the attacker's key; a listening socket tells whether the server fetches one."""
    by = defenses.TOKEN_FORM
    context.say("The attacker's key in the header, or at an address that the header names.")
    with socket.create_server(("127.0.0.1", 0)) as canary:
        canary.settimeout(FETCH_SECONDS)
        url = f"http://127.0.0.1:{canary.getsockname()[1]}/keys.json"
        headers = ({"jwk": JWK}, {"jku": url}, {"x5u": url}, {"x5c": ["AAAA"]}, {"x5t": "AAAA"})
        for extra in headers:
            token = context.forge.changed(owner.access, header=extra, key=ATTACKERS_KEY)
            context.no_token(owner.me(token), f"header {', '.join(extra)}", by)
        context.found("no key was fetched", by, held=not _called(canary))


def _called(canary: socket.socket) -> bool:
    try:
        canary.accept()[0].close()
    except TimeoutError:
        return False
    return True
