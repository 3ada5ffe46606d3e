"""Tokens of another service, another environment, or another deployment.

They are signed with the deployment's secret where an outsider could not sign them, so that each
rule is tested alone.
"""

from __future__ import annotations

from typing import Final

from app.attacks import defenses
from app.attacks.context import AttackContext
from app.attacks.control import forgeable_owner
from app.signing import REFRESH_KEY

OTHER_ENVIRONMENTS: Final = ("development", "testing", "staging", "production")
OTHER_ISSUER: Final = "https://staging.example"


def unvalidated_audience(context: AttackContext) -> None:
    """Present tokens for another service to this one."""
    owner, forge = forgeable_owner(context), context.forge
    ours, by = context.target.settings.audience, defenses.TOKEN_CLAIMS
    context.say("An insider signs the owner's claims for other audiences, with the right key.")
    other = f"{context.public_url}/reports"
    for aud in (other, [ours, "https://reports.example"], [ours], None):
        token = forge.changed(owner.access, claims={"aud": aud})
        context.no_token(owner.me(token), f"access token with aud {aud}", by)
    context.say("The same with the refresh token, which has an audience of its own.")
    token = forge.changed(owner.refresh_token, claims={"aud": ours}, key=forge.key(REFRESH_KEY))
    answer = context.thief().refresh(token)
    context.ended(answer, "refresh token with the audience of access tokens", by)
    context.works(owner.me(), "The owner's unchanged token")


def one_secret_everywhere(context: AttackContext) -> None:
    """Sign as another environment does that has the same secret."""
    owner, forge, settings = context.owner(), context.forge, context.target.settings
    by = defenses.DERIVED_KEYS
    context.say("The secret leaked from another environment. Most programs use it as the key.")
    token = forge.changed(owner.access, key=settings.jwt_secret)
    context.no_token(owner.me(token), "signed with the secret itself", by)
    context.say("Now with the keys that other environments derive from the same secret.")
    for env in OTHER_ENVIRONMENTS:
        if env != settings.env:
            token = forge.changed(owner.access, key=forge.key(env=env))
            context.no_token(owner.me(token), f"signed with the key of {env}", by)
    context.works(owner.me(), "The owner's unchanged token")
    forgeable_owner(context)  # last: the control fails where the secret itself is the key


def cross_environment_tokens(context: AttackContext) -> None:
    """Present tokens that another deployment issued."""
    owner, forge = forgeable_owner(context), context.forge
    context.say("Another deployment with the same secret issues a token for one of its users.")
    claims = {"iss": OTHER_ISSUER, "aud": f"{OTHER_ISSUER}/api"}
    token = forge.changed(owner.access, claims=claims, key=forge.key(issuer=OTHER_ISSUER))
    text = "a token of another issuer that names our key"
    context.no_token(owner.me(token), text, defenses.DERIVED_KEYS)
    context.say("Even signed with our key, a token of another issuer is refused.")
    token = forge.changed(owner.access, claims={"iss": OTHER_ISSUER})
    context.no_token(owner.me(token), "iss of another deployment", defenses.TOKEN_CLAIMS)
    key = forge.key(REFRESH_KEY)
    token = forge.changed(owner.refresh_token, claims={"iss": OTHER_ISSUER}, key=key)
    answer = context.thief().refresh(token)
    context.ended(answer, "refresh token with another iss", defenses.TOKEN_CLAIMS)
    context.works(owner.me(), "The owner's unchanged token")
