"""Attacks on what a token says and how it is spelled.

Most need the deployment's own key: what an outsider could never sign is tried as well, so that
each rule is seen to hold by itself.
"""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from typing import Final

from app.attacks.context import OK, AttackContext, Inconclusive, Visitor
from app.attacks.forge import read
from app.attacks.prover import base64url
from app.services import ACCESS_KEY, REFRESH_KEY

CODEC: Final = "app/tokens/codec.py:Codec"
FORM: Final = "app/tokens/jws.py:parse_jws"
HEADER: Final = "app/tokens/jws.py:_kid_of"
KEYS: Final = "app/tokens/keys.py:derive"
PROOF_CHECK: Final = "app/tokens/dpop.py:_check"
PROOF_CODES: Final = frozenset({"invalid_dpop_proof", "use_dpop_nonce"})
ALPHABET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
MONTH: Final = 30 * 86400
PUBLIC_KEY: Final = (
    b"-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n-----END PUBLIC KEY-----\n"
)
NONES: Final = ("none", "None", "NONE", "nOnE")
OTHER_ENVIRONMENTS: Final = ("development", "testing", "staging", "production")


def unvalidated_audience(context: AttackContext) -> None:
    """Show tokens for another service to this one."""
    owner, forge, ours = _known_to_forger(context), context.forge, context.target.settings.audience
    context.say("An insider signs the owner's claims for other audiences, with the right key.")
    for aud in (f"{context.public_url}/reports", [ours, "https://reports.example"], [ours], None):
        token = forge.changed(owner.access, claims={"aud": aud})
        context.no_token(owner.me(token), f"access token with aud {aud}", CODEC)
    context.say("The same with the refresh token, which has an audience of its own.")
    token = forge.changed(owner.refresh_token, claims={"aud": ours}, key=forge.key(REFRESH_KEY))
    context.ended(context.thief().refresh(token), "refresh token with the other's audience", CODEC)
    context.works(owner.me(), "The owner's own token")


def one_secret_everywhere(context: AttackContext) -> None:
    """Sign with the secret as another environment would that was given the same one."""
    owner, forge, settings = context.owner(), context.forge, context.target.settings
    context.say("The secret leaked from another environment. It is used as the key, as most do.")
    token = forge.changed(owner.access, key=settings.jwt_secret)
    context.no_token(owner.me(token), "signed with the secret itself", KEYS)
    context.say("Now with the keys that other environments derive from the same secret.")
    for env in OTHER_ENVIRONMENTS:
        if env != settings.env:
            token = forge.changed(owner.access, key=forge.key(env=env))
            context.no_token(owner.me(token), f"signed with the key of {env}", KEYS)
    context.works(owner.me(), "The owner's own token")
    _known_to_forger(context)  # last: it fails where the secret itself is the key


def cross_environment_tokens(context: AttackContext) -> None:
    """Show tokens that another deployment issued."""
    owner, forge = _known_to_forger(context), context.forge
    elsewhere = "https://staging.example"
    context.say("Another deployment with the same secret issues a token for one of its users.")
    token = forge.changed(
        owner.access,
        claims={"iss": elsewhere, "aud": f"{elsewhere}/api"},
        key=forge.key(issuer=elsewhere),
    )
    context.no_token(owner.me(token), "a token of another issuer, under our key's name", KEYS)
    context.say("Even signed with our own key, another issuer is not ours.")
    token = forge.changed(owner.access, claims={"iss": elsewhere})
    context.no_token(owner.me(token), "iss of another deployment", CODEC)
    token = forge.changed(
        owner.refresh_token, claims={"iss": elsewhere}, key=forge.key(REFRESH_KEY)
    )
    context.ended(context.thief().refresh(token), "refresh token with another iss", CODEC)
    context.works(owner.me(), "The owner's own token")


def trusting_alg(context: AttackContext) -> None:
    """Let the token choose no algorithm at all."""
    owner = context.owner()
    header, claims = read(owner.access)
    payload = owner.access.split(".")[1]
    context.say("The header says that there is no signature, and there is none.")
    for alg in NONES:
        head = base64url(_spelled(header | {"alg": alg}))
        context.no_token(owner.me(f"{head}.{payload}."), f"alg {alg}, no signature", FORM)
        context.no_token(owner.me(f"{head}.{payload}.AAAA"), f"alg {alg}, any signature", HEADER)
    context.say("The right header over changed claims, with the signature cut off, and kept.")
    changed = base64url(_spelled(claims | {"sub": "AAAAAAAAAAAAAAAAAAAAAA"}))
    head, _, signature = owner.access.split(".")
    context.no_token(owner.me(f"{head}.{changed}."), "no signature", FORM)
    context.no_token(owner.me(f"{head}.{changed}.{signature}"), "another's signature", CODEC)
    context.works(owner.me(), "The owner's own token")


def algorithm_confusion(context: AttackContext) -> None:
    """Let the token choose another algorithm, or other rules to be read by."""
    owner, forge = _known_to_forger(context), context.forge
    context.say("Other algorithms of the family, rightly signed: each key is for one alone.")
    for alg, digest in (("HS384", "sha384"), ("HS512", "sha512")):
        token = forge.changed(owner.access, header={"alg": alg}, digest=digest)
        context.no_token(owner.me(token), f"alg {alg}", HEADER)
    context.say("Names of public-key algorithms, and no names, over an HMAC by the right key.")
    for wrong in ("RS256", "ES256", "PS256", "EdDSA", "hs256", "HS256 ", "", 0, ["HS256"], None):
        token = forge.changed(owner.access, header={"alg": wrong})
        context.no_token(owner.me(token), f"alg {wrong!r}", HEADER)
    context.say("The classic: a public key, known to all, used as the HMAC's secret.")
    token = forge.changed(owner.access, key=PUBLIC_KEY)
    context.no_token(owner.me(token), "a public key as secret", CODEC)
    context.say("Extensions that would change how the token is read.")
    for extra in (
        {"crit": ["b64"], "b64": False},
        {"crit": ["x"]},
        {"zip": "DEF"},
        {"cty": "JWT"},
    ):
        token = forge.changed(owner.access, header=extra)
        context.no_token(owner.me(token), f"header {', '.join(extra)}", HEADER)
    context.no_token(owner.me(f"{owner.access}.AAAA.AAAA"), "five segments, as encrypted", FORM)
    context.works(owner.me(), "The owner's own token")


def cross_type_tokens(context: AttackContext) -> None:
    """Use each kind of token where another is wanted."""
    owner, forge = _known_to_forger(context), context.forge
    context.say("The refresh token as access token, the access token as refresh cookie.")
    context.no_token(owner.me(owner.refresh_token), "refresh token as Bearer", HEADER)
    context.ended(context.thief().refresh(owner.access), "access token as cookie", HEADER)
    context.say("An access token that says it is another kind, rightly signed.")
    for typ in ("JWT", "rt+jwt", "application/at+jwt", "AT+JWT", "dpop+jwt", None):
        token = forge.changed(owner.access, header={"typ": typ})
        context.no_token(owner.me(token), f"typ {typ}", HEADER)
    context.say("The right words, signed with the key of the other purpose.")
    for purpose in (REFRESH_KEY, f"{ACCESS_KEY} kid", "nonce", "device"):
        token = forge.changed(owner.access, key=forge.key(purpose))
        context.no_token(owner.me(token), f"signed with the key “{purpose}”", KEYS)
    token = forge.changed(owner.refresh_token, key=forge.key(ACCESS_KEY))
    context.ended(context.thief().refresh(token), "refresh token by the access key", KEYS)
    context.works(owner.me(), "The owner's own token")


def key_injection(context: AttackContext) -> None:
    """Let the token bring its own key, or say where to fetch or find one."""
    owner, forge, own_key = (
        _known_to_forger(context),
        context.forge,
        b"the attacker's own key, 32 bytes!!",
    )
    with socket.create_server(("127.0.0.1", 0)) as canary:
        canary.settimeout(0.5)
        url = f"http://127.0.0.1:{canary.getsockname()[1]}/keys.json"
        context.say("A key of the attacker's own, in the header or at a place that it names.")
        jwk = {"kty": "oct", "k": base64url(own_key), "alg": "HS256"}
        for extra in (
            {"jwk": jwk},
            {"jku": url},
            {"x5u": url},
            {"x5c": ["AAAA"]},
            {"x5t": "AAAA"},
        ):
            token = forge.changed(owner.access, header=extra, key=own_key)
            context.no_token(owner.me(token), f"header {', '.join(extra)}", HEADER)
        context.found("no key was fetched", HEADER, held=not _called(canary))
    context.say("A name that leads to a known file, into a query, or nowhere.")
    for kid in ("../../dev/null", "' OR 1=1--", "AAAAAAAAAAAA", "", "a\0b", ["a"], 7, None):
        token = forge.changed(owner.access, header={"kid": kid}, key=b"")
        context.no_token(owner.me(token), f"kid {str(kid)[:20]!r}", HEADER)
    token = forge.changed(owner.access, header={"kid": "AAAAAAAAAAAA"})
    context.no_token(owner.me(token), "unknown kid over a right signature", CODEC)
    context.works(owner.me(), "The owner's own token")


def token_malleability(context: AttackContext) -> None:
    """Spell a good token another way: what is denied under one name must be under all."""
    owner = context.owner()
    token = owner.access
    context.say("Each of these decodes to the same signature in a lenient reader.")
    for other, what in _respelled(token):
        context.no_token(owner.me(other), what, FORM)
    context.say(
        "The token where it does not belong: places that are logged, or sent by themselves."
    )
    guard = "app/web/guards.py:credential"
    form = context.browser("owner")
    context.no_token(form.ask("GET", f"/api/me?access_token={token}"), "in the address", guard)
    context.no_token(
        form.ask("GET", "/api/me", headers={"Cookie": f"access_token={token}"}),
        "in a cookie",
        guard,
    )
    both = f"Bearer {token}, Bearer {token}"
    context.no_token(form.ask("GET", "/api/me", headers={"Authorization": both}), "twice", guard)
    context.works(owner.me(), "The owner's own token")


def replay(context: AttackContext) -> None:
    """Send again what was valid once."""
    owner = _known_to_forger(context)
    _out_of_time(context, owner)
    context.say("The refresh token of a step before, sent again by somebody else.")
    first = owner.refresh_token
    context.works(owner.refresh(), "The owner's refresh")
    rotation = "app/families/rotation.py:rotate"
    context.ended(context.thief().refresh(first), "a spent refresh token", rotation)
    context.say("The access token of a session that was logged out.")
    again = context.owner()
    context.works(again.protected("POST", "/auth/logout"), "The log-out")
    context.no_token(again.me(), "after the log-out", "app/families/denylist.py:Denylist.denied")
    _proofs_again(context)


def _known_to_forger(context: AttackContext) -> Visitor:
    """Return the owner, once it is sure that forgeries fail for their content alone."""
    owner = context.owner()
    context.say("A control: the owner's token, signed again without a change, is good.")
    if owner.me(context.forge.changed(owner.access, claims={"jti": "A" * 22})).status != OK:
        raise Inconclusive("the forger's key is not this deployment's: run with its own settings")
    return owner


def _out_of_time(context: AttackContext, owner: Visitor) -> None:
    now, change = int(time.time()), context.forge.changed
    context.say("The owner's access token, signed again with other times.")
    expired = {"iat": now - 700, "exp": now - 100, "auth_time": now - 700}
    read_ = "app/tokens/codec.py:Codec.verify"
    context.no_token(owner.me(change(owner.access, claims=expired)), "expired", read_)
    later = {"iat": now + 300, "exp": now + 600}
    context.no_token(owner.me(change(owner.access, claims=later)), "not yet issued", read_)
    for exp in (now + MONTH, str(now + 60), float(now + 60), True, None):
        token = change(owner.access, claims={"exp": exp})
        context.no_token(owner.me(token), f"exp as {type(exp).__name__} {exp}", CODEC)


def _proofs_again(context: AttackContext) -> None:
    context.say("A bound session: a captured proof is sent again, and for other requests.")
    bound, path = context.owner(bound=True), "/api/me"
    proof = bound.prove("GET", path, bound.access)
    scheme = f"DPoP {bound.access}"
    context.works(
        bound.ask("GET", path, headers={"Authorization": scheme, "DPoP": proof}), "The first use"
    )
    wrong = (
        ("the same proof again", proof, "app/families/denylist.py:LOOK_AND_USE"),
        ("for another path", bound.prove("GET", "/auth/sessions", bound.access), PROOF_CHECK),
        ("for another method", bound.prove("POST", path, bound.access), PROOF_CHECK),
        ("for another token", bound.prove("GET", path, bound.access + "x"), PROOF_CHECK),
        ("without a nonce", bound.prove("GET", path, bound.access, nonce=None), PROOF_CHECK),
    )
    for what, text, by in wrong:
        answer = bound.ask("GET", path, headers={"Authorization": scheme, "DPoP": text})
        held = answer.status == 401 and answer.code in PROOF_CODES  # noqa: PLR2004 - RFC 9449
        context.found(f"{what}: {answer.status} {answer.code}", by, held=held)


def _respelled(token: str) -> Iterator[tuple[str, str]]:
    head, payload, signature = token.split(".")
    yield f"{token}=", "with padding"
    yield f"{head}=.{payload}.{signature}", "with padding inside"
    # 32 bytes leave two bits of the last character unused: three other characters decode alike.
    last = ALPHABET[ALPHABET.index(signature[-1]) ^ 1]
    yield f"{token[:-1]}{last}", "with another last character"
    yield f"{head}.{payload}.{signature[:8]}!!{signature[8:]}", "with characters skipped"
    yield f"{token}.", "with a fourth segment"


def _called(canary: socket.socket) -> bool:
    try:
        canary.accept()[0].close()
    except TimeoutError:
        return False
    return True


def _spelled(part: object) -> bytes:
    return json.dumps(part).encode()
