"""Thieves of cookies and access tokens, with every proof they can make."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from app.attacks.prover import Prover
from app.web.cookies import REFRESH
from tests.support.bound_clients.browser import REFRESH_PATH, Browser, LoggedOut
from tests.support.bound_clients.exchange import Answer, Request, exchange


@dataclass(frozen=True)
class Theft:
    """What a thief has, and what must come of it; `ends` is the reason, empty when it goes on."""

    loot: str
    proof: str
    status: int
    code: str
    ends: str = ""


PROOFS: Final = (
    ("no proof", 401, "session_ended", "no_proof"),
    ("foreign key", 401, "session_ended", "foreign_key"),
    ("replayed", 400, "invalid_dpop_proof", ""),
    ("old nonce", 400, "use_dpop_nonce", ""),
    ("guessed nonce", 400, "use_dpop_nonce", ""),
)

COOKIE_THEFTS: Final = tuple(
    Theft(f"{which} cookie", *proof) for which in ("current", "spent", "older") for proof in PROOFS
)

ACCESS_THEFTS: Final = (
    Theft("access token", "as Bearer", 401, "invalid_token"),
    Theft("access token", "no proof", 401, "invalid_dpop_proof"),
    Theft("access token", "foreign key", 401, "invalid_dpop_proof"),
    Theft("access token", "replayed", 401, "invalid_dpop_proof"),
    Theft("access token", "old nonce", 401, "use_dpop_nonce"),
)

THEFTS: Final = COOKIE_THEFTS + ACCESS_THEFTS


class Thief:
    """A program elsewhere, with copies of what a victim's browser holds.

    It has no key of the victim. Proofs by that key it has are those recorded on their way, and
    those that script in the victim's page made ahead, with an old or a guessed nonce.
    """

    def __init__(self, victim: Browser, old_nonce: str) -> None:
        self._victim, self._old_nonce = victim, old_nonce
        self._own = Prover()

    async def attempt(self, theft: Theft) -> tuple[Answer, str]:
        """Copy the loot of a victim who is just working, use it; also return whose it was."""
        victim = self._victim
        older = victim.cookie
        await victim.refresh()
        spent = victim.cookie
        access = await victim.refresh()
        cookies = {"current cookie": victim.cookie, "spent cookie": spent, "older cookie": older}
        headers = victim.headers
        if cookie := cookies.get(theft.loot):
            headers["Cookie"] = f"{REFRESH}={cookie}"
            headers |= self._proof(theft.proof, "POST", REFRESH_PATH, victim.proofs[-1])
            return await self._try("POST", REFRESH_PATH, headers), victim.family
        recorded = victim.prove("GET", "/api/me", access)
        headers |= {"Authorization": f"DPoP {access}", "DPoP": recorded}
        seen = await self._try("GET", "/api/me", headers)  # the victim's own request
        assert seen.status == 200
        del headers["DPoP"]
        if theft.proof == "as Bearer":
            headers["Authorization"] = f"Bearer {access}"
        headers |= self._proof(theft.proof, "GET", "/api/me", recorded, access)
        return await self._try("GET", "/api/me", headers), victim.family

    async def _try(self, method: str, path: str, headers: dict[str, str]) -> Answer:
        return await exchange(self._victim.port, Request(method, path, headers))

    def _proof(
        self, kind: str, method: str, path: str, recorded: str, access: str | None = None
    ) -> dict[str, str]:
        victim = self._victim
        made = {
            "foreign key": lambda: self._own.proof(
                method, victim.url + path, access, nonce=victim.prover.nonce
            ),
            "replayed": lambda: recorded,
            "old nonce": lambda: victim.prove(method, path, access, nonce=self._old_nonce),
            "guessed nonce": lambda: victim.prove(
                method, path, access, nonce=secrets.token_urlsafe(16)
            ),
        }.get(kind)
        return {"DPoP": made()} if made else {}


async def rob(
    victim: Browser, thief: Thief, theft: Theft, reason_of: Callable[[str], str | None]
) -> str:
    """Let one theft happen; return what was not as promised, empty when all was.

    `reason_of` reads from the database why a family was revoked; None when it was not.
    """
    if not victim.cookie:
        await victim.enter()
    answer, family = await thief.attempt(theft)
    found = (answer.status, answer.code, reason_of(family) or "")
    wrong = [] if found == (theft.status, theft.code, theft.ends) else [f"answered {found}"]
    if answer.status == 200 or (answer.cookie and answer.status != 200):
        wrong.append("the thief was given something")
    try:
        access = await victim.refresh()
        if (await victim.ask(access)).status != 200 or theft.ends:
            wrong.append("the victim's session does not do as promised")
    except LoggedOut:
        if not theft.ends:
            wrong.append("the victim was logged out")
    if theft.ends and (await victim.ask(victim.grants[-1][1])).status != 401:
        wrong.append("the victim's access token outlived the session")
    return f"{theft.loot}, {theft.proof}: {'; '.join(wrong)}" if wrong else ""
