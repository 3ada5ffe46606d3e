"""Everything that may happen to sessions, in any order, against what is promised of them."""

from typing import Any, Final

from hypothesis import event
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.attacks.prover import Prover
from app.families import revocation
from app.families.models import Reason, families
from config import Settings
from tests.fuzz.model import ACCESS, LEEWAY, Family, Token, admitted
from tests.fuzz.world import KEYS, Sent, World, claims_of, cookie_of
from tests.support.client import EMAIL, NEW_PASSWORD, PASSWORD
from tests.support.servers.valkey import ValkeyServer

MAX_SESSIONS: Final = 3  # instead of twenty: reached in a few steps
KILLED: Final = Reason.REVOKED  # none of the others: no code of the application revokes by it
KILLED_SECONDS: Final = 10  # app/families/denylist: how long a killed worker's word may be unheard

workers: Final = st.sampled_from([0, 1])
any_of: Final = st.integers(0, 200)
keys: Final = st.sampled_from([None, *KEYS])
ENDINGS: Final = (
    *("log_out", "log_out_with_cookie", "log_out_with_token", "log_out_everywhere"),
    *("end_session", "end_session", "change_password"),
)
AGES: Final = (0, 0, 0, 1, 1, 2, 3, 9)  # how many rotations ago a token was the current one
GAPS: Final = (0, 1, 20, 30, 31, 31, 100)
SPANS: Final = (
    1,
    5,
    9,
    10,
    11,
    29,
    30,
    31,
    60,
    120,
    240,
    590,
    600,
    606,
    3600,
    6 * 3600,
    12 * 3600,
)


class Sessions(RuleBasedStateMachine):
    """Sessions of one account and what remains of them."""

    settings: Settings
    valkey: ValkeyServer

    def __init__(self) -> None:
        super().__init__()
        self.families: list[Family] = []
        self.access: list[Token] = []
        self.password = PASSWORD
        self.used: list[tuple[Sent, int]] = []

    @initialize(behind=st.sampled_from([0, LEEWAY]))
    def begin(self, behind: int) -> None:
        """Start two workers, the clock of one a little behind, and open an account."""
        self.world = World(self.settings, self.valkey, behind)
        body = {"email": EMAIL, "password": PASSWORD}
        answer, _ = self.world.ask(0, Sent("POST", "/auth/register", body=body))
        assert answer.status_code == 201
        for key in (None, KEYS[0]):
            self._log_in(0, key)

    # -- logging in and refreshing -----------------------------------------------------------

    @rule(worker=workers, key=keys, remember=st.booleans(), former=st.none() | any_of)
    def log_in(
        self, worker: int, key: Prover | None, *, remember: bool, former: int | None
    ) -> None:
        """Begin a session, bound or not; the one of the browser's cookie ends, and a fourth."""
        held = None if former is None else self._pick(self._refresh_tokens(), former)
        self._log_in(worker, key, held, remember=remember)

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
        self._began(answer, remember=remember, jkt=key.thumbprint if key else None, worker=worker)

    def _make_room(self, now: int) -> None:
        """End the live sessions that are one too many, those that were used longest ago."""
        live = sorted((f for f in self.families if f.live(now)), key=lambda f: (f.used, f.begun))
        too_many = live[: max(0, len(live) + 1 - MAX_SESSIONS)]
        # Of two used in the same second either may go: the database is asked which.
        gone = {row.family_id for row in self._rows() if row.revoked_reason}
        really = [family for family in live if family.sid in gone]
        assert [(f.used, f.begun) for f in really] == [(f.used, f.begun) for f in too_many]
        self._end(really, "replaced")

    @rule(
        of=any_of,
        moves=st.lists(
            st.tuples(workers, st.sampled_from(AGES), st.sampled_from(GAPS)),
            min_size=1,
            max_size=6,
        ),
    )
    def refresh(self, of: int, moves: list[tuple[int, int, int]]) -> None:
        """Refresh a few times, sometimes with tokens that were overtaken, at some speed."""
        family = self._family(of)
        for worker, age, gap in moves:
            self._refresh(worker, self._token(family, age), self._key(family))
            self.world.forward(gap)

    @rule(worker=workers, of=any_of, age=st.sampled_from(AGES), key=keys)
    def steal(self, worker: int, of: int, age: int, key: Prover | None) -> None:
        """Send any refresh token with any proof; the first one of an unbound session binds it."""
        self._refresh(worker, self._token(self._family(of), age), key)

    @staticmethod
    def _key(family: Family) -> Prover | None:
        return next((key for key in KEYS if key.thumbprint == family.jkt), None)

    @staticmethod
    def _token(family: Family, age: int) -> Token:
        return family.tokens[max(0, len(family.tokens) - 1 - age)]

    def _family(self, of: int) -> Family:
        """Pick a session, mostly a live one; who has none logs in."""
        live = [family for family in self.families if family.live(self.world.clock.now())]
        if not live:
            self._log_in(of % 2, [None, *KEYS][of % 4])
        family: Family = self._pick(self.families if of % 5 == 0 else live or self.families, of)
        return family

    def _refresh(self, worker: int, token: Token, key: Prover | None) -> None:
        family, jkt, now = token.family, key.thumbprint if key else None, self.world.now(worker)
        verdict = family.verdict(token, jkt, now)
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
            family.rotate(given or "", jkt, now)
        family.used = max(now, family.used)
        assert given == family.tokens[-1].text
        self._granted(family, answer)
        self._remember(sent)

    @precondition(lambda self: self.families)
    @rule(worker=workers, of=any_of, wrong=st.sampled_from(["rubbish", "nonce", "path", "twice"]))
    def refresh_with_a_bad_proof(self, worker: int, of: int, wrong: str) -> None:
        """A proof that is malformed, stale, of another request, or one of two ends nothing."""
        token = self._pick(self.families, of).tokens[-1]
        if not token.timely(self.world.now(worker)):
            return
        path = "/auth/login" if wrong == "path" else "/auth/refresh"
        claims: dict[str, Any] = {"iat": self.world.now(worker), "nonce": self.world.nonce}
        claims |= {"nonce": "of-another-day"} if wrong == "nonce" else {}
        proof = KEYS[0].proof("POST", f"https://localhost{path}", **claims)
        text = {"rubbish": "rubbish", "twice": f"{proof},{proof}"}.get(wrong, proof)
        sent = Sent("POST", "/auth/refresh", {"DPoP": text})
        answer, _ = self.world.ask(worker, sent, cookie=token.text)
        assert (answer.status_code, cookie_of(answer)) == (400, None)

    @rule(of=any_of, refreshed=st.booleans(), age=st.sampled_from([0, 0, 119, 120, 239, 240, 244]))
    def replay(self, of: int, age: int, *, refreshed: bool) -> None:
        """A request sent again as it was is refused and changes nothing, whatever Redis forgot."""
        family = self._family(of)
        # With a new nonce: it is good for longest.
        self.world.nonce = ""
        if refreshed:
            self._refresh(0, family.tokens[-1], self._key(family))
        else:
            newest = [one for one in self.access if one.family is family][-1]
            self._ask(0, newest, *self._own(newest))
        if not self.used:
            return
        sent, at = self.used[-1] if age else self._pick(self.used, of % 8)
        self.world.forward(max(0, at + age - self.world.clock.now()))
        for worker in (0, 1):
            answer = self.world.send(worker, sent)
            assert answer.status_code in {400, 401}, (worker, sent, at)

    # -- asking ------------------------------------------------------------------------------

    @precondition(lambda self: self.access)
    @rule(worker=workers, of=any_of)
    def ask(self, worker: int, of: int) -> None:
        """Ask with any access token there ever was, as its owner would and as thieves might."""
        token = self._pick(self.access, of % 6 if of % 3 else of)
        scheme, key = self._own(token)
        foreign = KEYS[0] if key is not KEYS[0] else KEYS[1]
        for held in (("Bearer", key), ("DPoP", foreign), ("DPoP", None), (scheme, key)):
            self._ask(worker, token, *held)

    @precondition(lambda self: self.access)
    @rule(of=any_of)
    def ask_everybody(self, of: int) -> None:
        """Ask every worker, twice, with the newest access token of a session."""
        self._ask_everybody(self._pick(self.families or [self.access[-1].family], of % 4))

    def _ask_everybody(self, family: Family) -> None:
        token = [one for one in self.access if one.family is family][-1]
        for worker in (0, 1, 0, 1):
            self._ask(worker, token, *self._own(token))

    def _ask(self, worker: int, token: Token, scheme: str, key: Prover | None) -> None:
        answer, sent = self._protected(worker, token, Sent("GET", "/api/me"), (scheme, key))
        if answer.status_code == 200:
            assert answer.get_json()["session"]["id"] == token.family.sid
            self._remember(sent)

    def _protected(
        self, worker: int, token: Token, sent: Sent, held: tuple[str, Prover | None] | None = None
    ) -> tuple[TestResponse, Sent]:
        """Send a protected request; it gets in if it must, and only then."""
        scheme, key = held or self._own(token)
        admits = admitted(token, scheme, key.thumbprint if key else None, self.world.now(worker))
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

    def _own(self, token: Token) -> tuple[str, Prover | None]:
        own = next((key for key in KEYS if key.thumbprint == token.jkt), None)
        return ("DPoP" if own else "Bearer"), own

    # -- ending ------------------------------------------------------------------------------

    @precondition(lambda self: self.families)
    @rule(worker=workers, how=st.sampled_from(ENDINGS), of=any_of, which=any_of)
    def end(self, worker: int, how: str, of: int, which: int) -> None:
        """End sessions in one of the ways there are, with any access token or any session."""
        token, family = self._pick(self.access, of), self._pick(self.families, which)
        event(how)
        self._ask_everybody(family)
        getattr(self, f"_{how}")(worker, token, family)
        self._ask_everybody(family)

    def _log_out(self, worker: int, token: Token, family: Family) -> None:
        """Both credentials come, as from a browser; they may name two sessions."""
        self._log_out_by(worker, token, family, self._own(token))

    def _log_out_by(
        self, worker: int, token: Token, family: Family | None, held: tuple[str, Prover | None]
    ) -> None:
        """End the session of a refresh token, and that of an access token if it is admitted."""
        scheme, key = held
        now = self.world.now(worker)
        admits = admitted(token, scheme, key.thumbprint if key else None, now)
        answer, _ = self.world.ask(
            worker,
            Sent("POST", "/auth/logout"),
            cookie=family.tokens[0].text if family else None,
            credential=(scheme, token.text),
            key=key,
        )
        assert answer.status_code == 204
        self._end([one for one in (token.family if admits else None, family) if one], "logged_out")

    def _log_out_with_cookie(self, worker: int, token: Token, family: Family) -> None:
        """The cookie alone decides: the access token is shown with another's key."""
        foreign = KEYS[0] if self._own(token)[1] is not KEYS[0] else KEYS[1]
        self._log_out_by(worker, token, family, ("DPoP", foreign))

    def _log_out_with_token(self, worker: int, token: Token, _family: Family) -> None:
        """A captured token ends nothing; with its own scheme and proof it ends its session."""
        wrong = ("DPoP", None) if token.jkt is None else ("Bearer", None)
        self._log_out_by(worker, token, None, wrong)
        self._ask_everybody(token.family)
        self._log_out_by(worker, token, None, self._own(token))

    def _log_out_everywhere(self, worker: int, token: Token, _family: Family) -> None:
        answer, _ = self._protected(worker, token, Sent("POST", "/auth/logout-everywhere"))
        if answer.status_code == 204:
            self._end(self.families, "logged_out")

    def _end_session(self, worker: int, token: Token, family: Family) -> None:
        answer, _ = self._protected(worker, token, Sent("DELETE", f"/auth/sessions/{family.sid}"))
        if answer.status_code != 401:
            assert answer.status_code == (404 if family.ended else 204)
            self._end([family], "logged_out")

    def _change_password(self, worker: int, token: Token, _family: Family) -> None:
        """End every session and begin one that is bound to the same key."""
        new = NEW_PASSWORD if self.password == PASSWORD else PASSWORD
        body = {"current_password": self.password, "new_password": new}
        answer, _ = self._protected(worker, token, Sent("POST", "/auth/password", body=body))
        if answer.status_code == 200:
            family = token.family
            assert family.ended is None
            self.password = new
            self._end(self.families, "password_changed")
            self._began(answer, remember=family.remembered, jkt=family.jkt, worker=worker)

    @rule(worker=workers, of=any_of, seconds=st.sampled_from(SPANS))
    def log_out_and_be_killed(self, worker: int, of: int, seconds: int) -> None:
        """A worker commits a log-out, and is killed before Redis is told; time passes."""
        family = self._family(of)
        self._ask_everybody(family)
        with self.world.own(worker).database.autocommit() as connection:
            revocation.revoke_family(connection, family.sid, KILLED, self.world.now(worker))
        if family.ended is None:
            self._end([family], KILLED)
            family.known_by = self.world.clock.now() + KILLED_SECONDS
        self.world.forward(seconds)
        self._ask_everybody(family)

    # -- the world ---------------------------------------------------------------------------

    @rule(seconds=st.sampled_from(SPANS))
    def wait(self, seconds: int) -> None:
        """Let time pass."""
        self.world.forward(seconds)

    @rule(
        worker=workers,
        of=any_of,
        age=st.sampled_from(AGES),
        what=st.sampled_from(["idle", "absolute", "access"]),
        off=st.sampled_from([-6, -5, -1, 0, 1, 4, 5, 6, 9]),
    )
    def wait_until_something_ends(
        self, worker: int, of: int, age: int, what: str, off: int
    ) -> None:
        """Let time pass until about when a token or a session ends, and try them."""
        family = self._family(of)
        while what == "absolute" and family.live(self.world.clock.now()):
            if family.idle_ends == family.absolute_ends:
                break
            self.world.forward(family.idle_ends - LEEWAY - self.world.clock.now())
            for _ in range(2):
                self._refresh(worker, family.tokens[-1], self._key(family))
        newest = [one for one in self.access if one.family is family][-1]
        ends = {"idle": family.idle_ends, "absolute": family.absolute_ends, "access": newest.ends}
        self.world.forward(max(0, ends[what] + off - self.world.clock.now()))
        self._ask_everybody(family)
        self._refresh(worker, self._token(family, age), self._key(family))

    @rule(how=st.sampled_from(["flush", "stop", "start", "restart", "replace"]), of=any_of)
    def something_happens_to_redis(self, how: str, of: int) -> None:
        """It forgets, goes away, comes back with its memory or without; who asks sees nothing."""
        family = self._pick(self.families or [self.access[-1].family], of)
        self._ask_everybody(family)
        self.world.redis(how)
        self._ask_everybody(family)

    @rule(worker=workers)
    def prune(self, worker: int) -> None:
        """Delete what is over."""
        self.world.own(worker).auth.pruning.prune()
        self._forget(idle=False)

    def _forget(self, *, idle: bool) -> None:
        """Forget the families whose rows are deleted: those long over, by any worker's clock."""
        now, rows = self.world.clock.now(), {row.family_id for row in self._rows()}
        gone = [family for family in self.families if family.sid not in rows]
        left = [family for family in self.families if family.sid in rows]
        assert all(family.over(now + 2 * LEEWAY, idle=idle) for family in gone)
        assert not any(family.over(now - 2 * LEEWAY, idle=idle) for family in left)
        self.families = left
        for family in gone:
            family.ended = family.ended or "pruned"

    # -- what always holds -------------------------------------------------------------------

    @invariant()
    def rows_are_as_they_should_be(self) -> None:
        """One row a log-in; the current token, the key, the end and its reason are as promised."""
        stored = {
            row.family_id: (
                row.jti,
                row.jkt,
                row.idle_expires_at,
                row.absolute_expires_at,
                row.revoked_reason,
            )
            for row in self._rows()
        }
        expected = {
            family.sid: (
                claims_of(family.tokens[-1].text)["jti"],
                family.jkt,
                family.idle_ends,
                family.absolute_ends,
                family.ended,
            )
            for family in self.families
        }
        assert stored == expected

    def teardown(self) -> None:
        """Ask a last time with every access token, and let everything end."""
        if hasattr(self, "world"):
            self.world.shut()

    # -- how it is kept ----------------------------------------------------------------------

    def _rows(self) -> list[Any]:
        if not hasattr(self, "world"):
            return []
        with self.world.own(0).database.autocommit() as connection:
            return list(connection.execute(select(families)))

    def _refresh_tokens(self) -> list[Token]:
        return [token for family in self.families for token in family.tokens]

    @staticmethod
    def _pick(some: list[Any], at: int) -> Any:  # noqa: ANN401 - one of them
        """Pick one, the latest first."""
        return some[-1 - at % len(some)] if some else None

    def _end(self, some: list[Family], reason: str) -> None:
        for family in some:
            if family.ended is None:
                family.ended, family.ended_at = reason, self.world.clock.now()

    def _began(
        self, answer: TestResponse, *, remember: bool, jkt: str | None, worker: int
    ) -> None:
        sid, now = answer.get_json()["session"]["id"], self.world.now(worker)
        family = Family(sid, EMAIL, now, remember, jkt, used=now)
        family.rotate(cookie_of(answer) or "", jkt, now)
        self.families.append(family)
        self._granted(family, answer)

    def _granted(self, family: Family, answer: TestResponse) -> None:
        """Take an access token; it lives ten minutes and not longer than its session."""
        said, ends = answer.get_json(), min(family.used + ACCESS, family.absolute_ends)
        assert said["expires_in"] == ends - family.used
        assert said["token_type"] == ("DPoP" if family.jkt else "Bearer")
        self.access.append(Token(family, said["access_token"], family.used, ends, family.jkt))
