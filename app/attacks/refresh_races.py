"""Many refreshes with one token at the same moment."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Final

from app.attacks import defenses
from app.attacks.context import AttackContext
from app.attacks.visitor import OK, Visitor

RACERS: Final = 20
ROUNDS: Final = 2


def refresh_races(context: AttackContext) -> None:
    """Send one refresh token in parallel: a server that reads before it writes answers several."""
    context.say(f"{RACERS} clients send the same refresh token at the same moment.")
    for _ in range(ROUNDS):
        owner = context.owner()
        winners = _race(context, owner.refresh_token)
        text = f"of {RACERS} parallel refreshes {len(winners)} were answered with tokens"
        if context.found(text, defenses.ROTATION, held=len(winners) == 1):
            text = "the successor, ended because the other refreshes were reuse"
            context.ended(winners[0].refresh(), text, defenses.REFRESH)
        context.ended(owner.refresh(), "the owner's token afterwards", defenses.REFRESH)


def _race(context: AttackContext, token: str) -> list[Visitor]:
    """Return those of RACERS thieves whose refresh with `token` was answered with tokens."""
    thieves, start = [context.thief() for _ in range(RACERS)], Barrier(RACERS)

    def wins(thief: Visitor) -> bool:
        start.wait()
        return thief.refresh(token).status == OK

    with ThreadPoolExecutor(RACERS) as pool:
        won = list(pool.map(wins, thieves))
    return [thief for thief, is_winner in zip(thieves, won, strict=True) if is_winner]
