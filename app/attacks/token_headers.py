"""Tokens whose header asks for another algorithm, other rules, or another type."""

from __future__ import annotations

from typing import Final

from app.attacks import defenses
from app.attacks.context import AttackContext
from app.attacks.control import forgeable_owner
from app.attacks.forge import encode_segment, read
from app.attacks.visitor import Visitor
from app.signing import ACCESS_KEY, REFRESH_KEY

NONES: Final = ("none", "None", "NONE", "nOnE")
OTHER_HMACS: Final = (("HS384", "sha384"), ("HS512", "sha512"))
WRONG_ALGORITHMS: Final = (
    "RS256", "ES256", "PS256", "EdDSA", "hs256", "HS256 ", "", 0, ["HS256"], None,
)  # fmt: skip
EXTENSIONS: Final = (
    {"crit": ["b64"], "b64": False},
    {"crit": ["x"]},
    {"zip": "DEF"},
    {"cty": "JWT"},
)
WRONG_TYPES: Final = ("JWT", "rt+jwt", "application/at+jwt", "AT+JWT", "dpop+jwt", None)
OTHER_PURPOSES: Final = (REFRESH_KEY, f"{ACCESS_KEY} kid", "nonce", "device")
PUBLIC_KEY: Final = (
    b"-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n-----END PUBLIC KEY-----\n"
)


def trusting_alg(context: AttackContext) -> None:
    """Present tokens that ask for no algorithm, or have no signature."""
    owner = context.owner()
    header, claims = read(owner.access)
    old_header, payload, signature = owner.access.split(".")
    by = defenses.TOKEN_FORM
    context.say("The header says that there is no signature, and there is none.")
    for alg in NONES:
        head = encode_segment(header | {"alg": alg})
        context.no_token(owner.me(f"{head}.{payload}."), f"alg {alg}, no signature", by)
        context.no_token(owner.me(f"{head}.{payload}.AAAA"), f"alg {alg}, any signature", by)
    context.say("The right header over changed claims, without and with the former signature.")
    changed = encode_segment(claims | {"sub": "AAAAAAAAAAAAAAAAAAAAAA"})
    context.no_token(owner.me(f"{old_header}.{changed}."), "no signature", by)
    token = f"{old_header}.{changed}.{signature}"
    context.no_token(owner.me(token), "the former signature", defenses.TOKEN_CLAIMS)
    context.works(owner.me(), "The owner's unchanged token")


def algorithm_confusion(context: AttackContext) -> None:
    """Present tokens that ask for another algorithm, or for extensions."""
    owner, forge = forgeable_owner(context), context.forge
    by = defenses.TOKEN_FORM
    context.say("Other HMAC algorithms with right signatures. A key is for one algorithm only.")
    for alg, digest in OTHER_HMACS:
        token = forge.changed(owner.access, header={"alg": alg}, digest=digest)
        context.no_token(owner.me(token), f"alg {alg}", by)
    context.say("Names of public-key algorithms, and no names, over an HMAC by the right key.")
    for wrong in WRONG_ALGORITHMS:
        token = forge.changed(owner.access, header={"alg": wrong})
        context.no_token(owner.me(token), f"alg {wrong!r}", by)
    context.say("A public key, which everybody knows, used as the secret of the HMAC.")
    token = forge.changed(owner.access, key=PUBLIC_KEY)
    context.no_token(owner.me(token), "a public key as secret", defenses.TOKEN_CLAIMS)
    _extensions(context, owner)
    context.works(owner.me(), "The owner's unchanged token")


def _extensions(context: AttackContext, owner: Visitor) -> None:
    by = defenses.TOKEN_FORM
    context.say("Extensions that change how a token is read.")
    for extra in EXTENSIONS:
        token = context.forge.changed(owner.access, header=extra)
        context.no_token(owner.me(token), f"header {', '.join(extra)}", by)
    encrypted = f"{owner.access}.AAAA.AAAA"
    context.no_token(owner.me(encrypted), "five segments, as in encryption", by)


def cross_type_tokens(context: AttackContext) -> None:
    """Use each kind of token in the place of the other."""
    owner, forge = forgeable_owner(context), context.forge
    by = defenses.TOKEN_FORM
    context.say("The refresh token as access token, the access token as refresh cookie.")
    context.no_token(owner.me(owner.refresh_token), "refresh token as Bearer", by)
    context.ended(context.thief().refresh(owner.access), "access token as cookie", by)
    context.say("Access tokens that name another type, with right signatures.")
    for typ in WRONG_TYPES:
        token = forge.changed(owner.access, header={"typ": typ})
        context.no_token(owner.me(token), f"typ {typ}", by)
    context.say("The right content, signed with the key of another purpose.")
    for purpose in OTHER_PURPOSES:
        token = forge.changed(owner.access, key=forge.key(purpose))
        text = f"signed with the key “{purpose}”"
        context.no_token(owner.me(token), text, defenses.DERIVED_KEYS)
    token = forge.changed(owner.refresh_token, key=forge.key(ACCESS_KEY))
    answer = context.thief().refresh(token)
    context.ended(answer, "refresh token signed with the access key", defenses.DERIVED_KEYS)
    context.works(owner.me(), "The owner's unchanged token")
