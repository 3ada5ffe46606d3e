"""The control experiment of the forging attacks."""

from __future__ import annotations

from app.attacks.context import AttackContext
from app.attacks.obstacles import Inconclusive
from app.attacks.visitor import OK, Visitor


def forgeable_owner(context: AttackContext) -> Visitor:
    """Return the owner, once a forgery with the right content was accepted.

    A forger with another deployment's key would be refused everything, and every defense would
    seem to hold.

    Raises:
        Inconclusive: when the forger's key is not the deployment's.

    """
    owner = context.owner()
    context.say("A control: the owner's token with a new jti, signed by the forger, is accepted.")
    if owner.me(context.forge.changed(owner.access, claims={"jti": "A" * 22})).status != OK:
        raise Inconclusive("the forger's key is not this deployment's: run with its own settings")
    return owner
