"""What is known of the sessions of one account; each answer is held against what model.py says."""

from typing import Any, Final

from hypothesis import event
from hypothesis.stateful import RuleBasedStateMachine, invariant
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.attacks.prover import Prover
from app.families.models import Reason, families
from config import Settings
from tests.fuzz.model import ACCESS, LEEWAY, Family, Token, admitted
from tests.fuzz.world import KEYS, Sent, World, cookie_of
from tests.support.client import EMAIL, PASSWORD, claims
from tests.support.servers.valkey import ValkeyServer

MAX_SESSIONS: Final = 3  # instead of twenty: reached in a few steps
KILLED: Final = Reason.REVOKED  # no code of the application revokes by it

Held = tuple[str, Prover | None]  # the scheme of an access token, and the key that proves it


class Checks(RuleBasedStateMachine):
    """Logs in, refreshes and asks, and asserts what comes of it."""

    settings: Settings
    valkey: ValkeyServer
    world: World

    def __init__(self) -> None:
        super().__init__()
        self.families: list[Family] = []
        self.access: list[Token] = []
        self.password = PASSWORD
        self.used: list[tuple[Sent, int]] = []

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.world.shut()

    @invariant()
    def rows_are_as_they_should_be(self) -> None:
        """There is one row for each log-in, with the promised token, key, ends and reason."""
        rows = {row.family_id: row for row in self._rows()}
        assert rows.keys() == {family.sid for family in self.families}
        for family in self.families:
            row, current = rows[family.sid], family.tokens[-1]
            assert (row.jti, row.jkt) == (claims(current.text)["jti"], family.jkt)
            ends = (row.idle_expires_at, row.absolute_expires_at)
            assert ends == (family.idle_ends, family.absolute_ends)
            assert (row.revoked_reason, row.auth_time) == (family.ended, family.proved)

    # -- logging in and refreshing -----------------------------------------------------------

    def _log_in(
        self, worker: int, key: Prover | None, held: Token | None = None, *, remember: bool = False
    ) -> None:
        body = {"email": EMAIL, "password": self.password, "remember": remember}
        sent = Sent("POST", "/auth/login", body=body)
        answer, _ = self.world.ask(worker, sent, cookie=held.text if held else None, key=key)
        assert answer.status_code == 200
        if held:
            self._end([held.family], "replaced")
        self._make_room(self.world.now(worker))
        self._forget(idle=True)
        self._began(answer, remember=remember, jkt=jkt_of(key), worker=worker)

    def _make_room(self, now: int) -> None:
        """End the excess sessions, those that were used longest ago."""
        live = sorted((f for f in self.families if f.live(now)), key=lambda f: (f.used, f.begun))
        too_many = live[: max(0, len(live) + 1 - MAX_SESSIONS)]
        # Of two used in the same second either may go: the database is asked which.
        gone = {row.family_id for row in self._rows() if row.revoked_reason}
        really = [family for family in live if family.sid in gone]
        assert [(f.used, f.begun) for f in really] == [(f.used, f.begun) for f in too_many]
        self._end(really, "replaced")

    def _forget(self, *, idle: bool) -> None:
        """Forget the families whose rows are deleted: those long over by any worker's clock."""
        now, rows = self.world.clock.now(), {row.family_id for row in self._rows()}
        gone = [family for family in self.families if family.sid not in rows]
        left = [family for family in self.families if family.sid in rows]
        assert all(family.over(now + 2 * LEEWAY, idle=idle) for family in gone)
        assert not any(family.over(now - 2 * LEEWAY, idle=idle) for family in left)
        self.families = left
        for family in gone:
            family.ended = family.ended or "pruned"

    def _began(
        self, answer: TestResponse, *, remember: bool, jkt: str | None, worker: int
    ) -> None:
        sid, now = answer.get_json()["session"]["id"], self.world.now(worker)
        family = Family(sid, EMAIL, now, remember, jkt, used=now, proved=now)
        family.rotate(cookie_of(answer) or "", jkt, now)
        self.families.append(family)
        self._granted(family, answer)

    def _granted(self, family: Family, answer: TestResponse) -> None:
        """Take an access token; it lives ten minutes and not longer than its session."""
        said, ends = answer.get_json(), min(family.used + ACCESS, family.absolute_ends)
        assert said["expires_in"] == ends - family.used
        assert said["token_type"] == ("DPoP" if family.jkt else "Bearer")
        token = Token(family, said["access_token"], family.used, ends, family.jkt, family.proved)
        self.access.append(token)

    def _refresh(self, worker: int, token: Token, key: Prover | None) -> None:
        family, now = token.family, self.world.now(worker)
        verdict = family.verdict(token, jkt_of(key), now)
        event(verdict)
        sent = Sent("POST", "/auth/refresh")
        answer, sent = self.world.ask(worker, sent, cookie=token.text, key=key)
        given = cookie_of(answer)
        if verdict not in {"rotated", "retried"}:
            assert (answer.status_code, given) == (401, "")
            if verdict != "refused":
                self._end([family], verdict)
            return
        assert answer.status_code == 200
        if verdict == "rotated":
            family.rotate(given or "", jkt_of(key), now)
        family.used = max(now, family.used)
        assert given == family.tokens[-1].text
        self._granted(family, answer)
        self._remember(sent)

    # -- asking ------------------------------------------------------------------------------

    def _ask_everybody(self, family: Family) -> None:
        """Ask every worker, twice, with the newest access token of a session."""
        token = self._newest(family)
        for worker in (0, 1, 0, 1):
            self._ask(worker, token, self._own(token))

    def _ask(self, worker: int, token: Token, held: Held) -> None:
        answer, sent = self._protected(worker, token, Sent("GET", "/api/me"), held)
        if answer.status_code == 200:
            assert answer.get_json()["session"]["id"] == token.family.sid
            self._remember(sent)

    def _protected(
        self,
        worker: int,
        token: Token,
        sent: Sent,
        held: Held | None = None,
        *,
        recent: bool = True,
    ) -> tuple[TestResponse, Sent]:
        """Send a protected request and check that it is let in exactly when it must be.

        `recent` says whether the log-in is recent enough for it.
        """
        scheme, key = held or self._own(token)
        admits = admitted(token, scheme, jkt_of(key), self.world.now(worker)) and recent
        answer, sent = self.world.ask(worker, sent, credential=(scheme, token.text), key=key)
        event(f"asked, {'let in' if admits else token.family.ended or 'refused'}")
        if token.family.ended == KILLED and self.world.clock.now() < token.family.known_by:
            return answer, sent
        assert (answer.status_code != 401) == admits, (worker, sent, token, vars(token.family))
        return answer, sent

    def _remember(self, sent: Sent) -> None:
        """Keep a request whose proof every worker will know: Redis was there to be told.

        A worker that found it away asks it again only after a rest.
        """
        needed = "DPoP" in sent.headers and "Bearer" not in sent.headers.get("Authorization", "")
        if needed and self.world.up and self.world.clock.now() > self.world.changed_at:
            self.used.append((sent, self.world.clock.now()))

    # -- choosing ----------------------------------------------------------------------------

    @staticmethod
    def _pick(some: list[Any], at: int) -> Any:  # noqa: ANN401 - one of them
        """Pick one by number, counted from the latest."""
        return some[-1 - at % len(some)] if some else None

    def _family(self, of: int) -> Family:
        """Pick a session, in most cases an active one; log in when there is none."""
        live = [family for family in self.families if family.live(self.world.clock.now())]
        if not live:
            self._log_in(of % 2, [None, *KEYS][of % 4])
        family: Family = self._pick(self.families if of % 5 == 0 else live or self.families, of)
        return family

    @staticmethod
    def _token(family: Family, age: int) -> Token:
        """Return the refresh token that was the current one so many rotations ago."""
        return family.tokens[max(0, len(family.tokens) - 1 - age)]

    def _newest(self, family: Family) -> Token:
        return [one for one in self.access if one.family is family][-1]

    @staticmethod
    def _own(token: Token) -> Held:
        key = key_of(token.jkt)
        return ("DPoP" if key else "Bearer"), key

    # -- the database, and what is known of it -----------------------------------------------

    def _rows(self) -> list[Any]:
        with self.world.own(0).database.autocommit() as connection:
            return list(connection.execute(select(families)))

    def _end(self, some: list[Family], reason: str) -> None:
        for family in some:
            if family.ended is None:
                family.ended, family.ended_at = reason, self.world.clock.now()


def jkt_of(key: Prover | None) -> str | None:
    return key.thumbprint if key else None


def key_of(jkt: str | None) -> Prover | None:
    return next((key for key in KEYS if key.thumbprint == jkt), None)


def other_than(key: Prover | None) -> Prover:
    return KEYS[1] if key is KEYS[0] else KEYS[0]
