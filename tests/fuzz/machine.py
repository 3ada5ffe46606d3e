"""Everything that may happen to sessions, in any order, against what is promised of them."""

from typing import Any, Final

from hypothesis import event
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from app.attacks.prover import Prover
from app.families import revocation
from tests.fuzz.checks import KILLED, Checks, Held, jkt_of, key_of, other_than
from tests.fuzz.model import LEEWAY, Family, Token, admitted
from tests.fuzz.world import KEYS, Sent, World, cookie_of
from tests.support.accounts import create_account
from tests.support.client import EMAIL, NEW_PASSWORD, PASSWORD

KILLED_SECONDS: Final = 10  # how long other workers may not know what a killed one committed

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
    *(1, 5, 9, 10, 11, 29, 30, 31, 60, 120, 240, 590, 600, 606),
    *(3600, 6 * 3600, 12 * 3600),
)
MOVES: Final = st.tuples(workers, st.sampled_from(AGES), st.sampled_from(GAPS))


class Sessions(Checks):
    """What clients, thieves, operators and machines do to the sessions of one account."""

    @initialize(behind=st.sampled_from([0, LEEWAY]))
    def begin(self, behind: int) -> None:
        """Start two workers, the clock of one a little behind, and open an account."""
        self.world = World(self.settings, self.valkey, behind)
        create_account(self.world.workers[0].app, EMAIL, PASSWORD)
        for key in (None, KEYS[0]):
            self._log_in(0, key)

    # -- logging in and refreshing -----------------------------------------------------------

    @rule(worker=workers, key=keys, remember=st.booleans(), former=st.none() | any_of)
    def log_in(
        self, worker: int, key: Prover | None, *, remember: bool, former: int | None
    ) -> None:
        """Begin a session; it replaces that of the browser's cookie, and the oldest of four."""
        tokens = [token for family in self.families for token in family.tokens]
        held = None if former is None else self._pick(tokens, former)
        self._log_in(worker, key, held, remember=remember)

    @rule(of=any_of, moves=st.lists(MOVES, min_size=1, max_size=6))
    def refresh(self, of: int, moves: list[tuple[int, int, int]]) -> None:
        """Refresh a few times at some speed, sometimes with spent tokens."""
        family = self._family(of)
        for worker, age, gap in moves:
            self._refresh(worker, self._token(family, age), key_of(family.jkt))
            self.world.forward(gap)

    @rule(worker=workers, of=any_of, age=st.sampled_from(AGES), key=keys)
    def steal(self, worker: int, of: int, age: int, key: Prover | None) -> None:
        """Send any refresh token with any proof."""
        self._refresh(worker, self._token(self._family(of), age), key)

    @precondition(lambda self: self.families)
    @rule(worker=workers, of=any_of, wrong=st.sampled_from(["rubbish", "nonce", "path", "twice"]))
    def refresh_with_a_bad_proof(self, worker: int, of: int, wrong: str) -> None:
        """A proof that is malformed, stale, for another request, or sent twice ends no session."""
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
        """A request that is repeated unchanged is refused, whatever Redis forgot."""
        family = self._family(of)
        # With a new nonce: it is good for longest.
        self.world.nonce = ""
        if refreshed:
            self._refresh(0, family.tokens[-1], key_of(family.jkt))
        else:
            newest = self._newest(family)
            self._ask(0, newest, self._own(newest))
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
        """Ask with any access token, in the ways of its owner and of thieves."""
        token = self._pick(self.access, of % 6 if of % 3 else of)
        scheme, key = self._own(token)
        for held in (("Bearer", key), ("DPoP", other_than(key)), ("DPoP", None), (scheme, key)):
            self._ask(worker, token, held)

    @precondition(lambda self: self.access)
    @rule(of=any_of)
    def ask_everybody(self, of: int) -> None:
        self._ask_everybody(self._pick(self.families or [self.access[-1].family], of % 4))

    # -- ending ------------------------------------------------------------------------------

    @precondition(lambda self: self.families)
    @rule(worker=workers, how=st.sampled_from(ENDINGS), of=any_of, which=any_of)
    def end(self, worker: int, how: str, of: int, which: int) -> None:
        """End sessions in one of the possible ways, with any access token or any session."""
        token, family = self._pick(self.access, of), self._pick(self.families, which)
        event(how)
        self._ask_everybody(family)
        getattr(self, f"_{how}")(worker, token, family)
        self._ask_everybody(family)

    def _log_out(self, worker: int, token: Token, family: Family) -> None:
        """Both credentials are sent, as by a browser; they may name two sessions."""
        self._log_out_by(worker, token, family, self._own(token))

    def _log_out_by(self, worker: int, token: Token, family: Family | None, held: Held) -> None:
        """End the session of a refresh token, and that of an access token if it is admitted."""
        scheme, key = held
        admits = admitted(token, scheme, jkt_of(key), self.world.now(worker))
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
        """Only the cookie counts, because the access token is sent with another key's proof."""
        self._log_out_by(worker, token, family, ("DPoP", other_than(self._own(token)[1])))

    def _log_out_with_token(self, worker: int, token: Token, _family: Family) -> None:
        """A token ends its session only with its own scheme and proof."""
        wrong = ("DPoP" if token.jkt is None else "Bearer"), None
        self._log_out_by(worker, token, None, wrong)
        self._ask_everybody(token.family)
        self._log_out_by(worker, token, None, self._own(token))

    def _log_out_everywhere(self, worker: int, token: Token, _family: Family) -> None:
        recent = token.recent(self.world.now(worker))
        sent = Sent("POST", "/auth/logout-everywhere")
        answer, _ = self._protected(worker, token, sent, recent=recent)
        if answer.status_code == 204:
            self._end(self.families, "logged_out")

    def _end_session(self, worker: int, token: Token, family: Family) -> None:
        """End one's own session with any log-in, and another one with a recent log-in."""
        recent = token.recent(self.world.now(worker)) or family is token.family
        sent = Sent("DELETE", f"/auth/sessions/{family.sid}")
        answer, _ = self._protected(worker, token, sent, recent=recent)
        if answer.status_code != 401:
            assert answer.status_code == (404 if family.ended else 204)
            self._end([family], "logged_out")

    def _change_password(self, worker: int, token: Token, _family: Family) -> None:
        """It ends every session and begins one that is bound to the same key."""
        new = NEW_PASSWORD if self.password == PASSWORD else PASSWORD
        body = {"current_password": self.password, "new_password": new}
        answer, _ = self._protected(worker, token, Sent("POST", "/auth/password", body=body))
        if answer.status_code == 200:
            family = token.family
            assert family.ended is None
            self.password = new
            self._end(self.families, "password_changed")
            self._began(answer, remember=family.remembered, jkt=family.jkt, worker=worker)

    @precondition(lambda self: self.access)
    @rule(worker=workers, of=any_of)
    def reauthenticate(self, worker: int, of: int) -> None:
        """Prove the password again with any access token; the session and its cookie go on."""
        token = self._pick(self.access, of if of % 3 else 0)
        family, now = token.family, self.world.now(worker)
        sent = Sent("POST", "/auth/reauthenticate", body={"password": self.password})
        answer, _ = self._protected(worker, token, sent, recent=family.live(now))
        if answer.status_code == 200:
            assert cookie_of(answer) is None
            family.used, family.proved = max(now, family.used), now
            self._granted(family, answer)

    @rule(worker=workers, of=any_of, seconds=st.sampled_from(SPANS))
    def log_out_and_be_killed(self, worker: int, of: int, seconds: int) -> None:
        """A worker commits a log-out and is killed before it tells Redis; then time passes."""
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
        """Let time pass until about the end of a token or session, and try both."""
        family = self._family(of)
        while what == "absolute" and family.live(self.world.clock.now()):
            if family.idle_ends == family.absolute_ends:
                break
            self.world.forward(family.idle_ends - LEEWAY - self.world.clock.now())
            for _ in range(2):
                self._refresh(worker, family.tokens[-1], key_of(family.jkt))
        newest = self._newest(family)
        ends = {"idle": family.idle_ends, "absolute": family.absolute_ends, "access": newest.ends}
        self.world.forward(max(0, ends[what] + off - self.world.clock.now()))
        self._ask_everybody(family)
        self._refresh(worker, self._token(family, age), key_of(family.jkt))

    @rule(how=st.sampled_from(["flush", "stop", "start", "restart", "replace"]), of=any_of)
    def something_happens_to_redis(self, how: str, of: int) -> None:
        """No client notices that Redis forgets, stops, or comes back with or without data."""
        family = self._pick(self.families or [self.access[-1].family], of)
        self._ask_everybody(family)
        self.world.redis(how)
        self._ask_everybody(family)

    @rule(worker=workers)
    def prune(self, worker: int) -> None:
        self.world.own(worker).auth.pruning.prune()
        self._forget(idle=False)
