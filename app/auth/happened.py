"""What a story did to an account: one line of the audit record and one row for its owner."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from app.accounts.activity import Activity, Event
from app.families.issuer import new_id
from app.families.models import RevokedFamily
from app.infra.audit import Audit, Client

NO_CLIENT: Final = Client()


@dataclass(frozen=True, slots=True)
class Happened:
    """Something that happened to the account `user_id`; `Auth.commit` writes it down.

    `sid` is the session that it is about, `reason` says why, and `revoked` are the families that
    it ended. `client` is who caused it; an operator's command has none.
    """

    event: Event
    user_id: str
    client: Client = NO_CLIENT
    sid: str = ""
    reason: str = ""
    revoked: tuple[RevokedFamily, ...] = ()

    def row(self, at: int) -> Activity:
        """Return the row for the owner, with the time `at` (seconds, UTC)."""
        agents = {family.family_id: family.user_agent for family in self.revoked}
        return Activity(
            id=new_id(),
            user_id=self.user_id,
            at=at,
            event=self.event,
            reason=self.reason,
            sid=self.sid,
            ip=self.client.ip,
            user_agent=self.client.user_agent,
            session_user_agent=agents.get(self.sid, ""),
            count=len(self.revoked),
        )

    def record(self, audit: Audit) -> None:
        """Write the audit record: a line for each family that ended, or one if none did."""
        for sid in [family.family_id for family in self.revoked] or [self.sid]:
            audit.record(
                self.event, self.client, user_id=self.user_id, sid=sid, reason=self.reason
            )


def each_ended(
    event: Event, revoked: Iterable[RevokedFamily], client: Client, reason: str = ""
) -> list[Happened]:
    """Return that each of these families ended, one by one."""
    return [
        Happened(event, family.user_id, client, family.family_id, reason, (family,))
        for family in revoked
    ]
