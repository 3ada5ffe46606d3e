"""A change of address raced over four workers: one wins, and what an undo ended is over."""

from concurrent.futures import ThreadPoolExecutor

from werkzeug.test import TestResponse

from app.mail.models import Kind
from tests.support.at_once import at_once
from tests.support.client import NEW_PASSWORD, PASSWORD, Client, pair, program
from tests.support.derived_links import link_in, mails_of, the_link

MANY = 20


def somebody(wire: Client, name: str) -> tuple[Client, str]:
    """Return another account of the server, with an access token."""
    client = program(wire.server, email=f"{name}-{wire.email}")
    client.create_account()
    return client, pair(client.log_in())[0]


def link_to(client: Client, access: str, address: str) -> str:
    """Ask for an address, and return the token that is mailed there."""
    answer = client.ask("POST", "/auth/email", {"email": address}, access=access)
    assert answer.status_code == 202
    return the_link(client.server, Kind.NEW_EMAIL, client.user_id)


def confirm(client: Client, token: str) -> TestResponse:
    return client.ask("POST", "/auth/email/confirm", {"token": token})


def address_of(client: Client, access: str) -> str:
    return str(client.me(access).get_json()["email"])


def test_twenty_at_once_change_it_once(wire: Client) -> None:
    access, _ = pair(wire.log_in())
    token = link_to(wire, access, f"new-{wire.email}")
    answers = at_once(MANY, lambda _: confirm(wire, token))
    assert sorted(one.status_code for one in answers) == [204] + [400] * (MANY - 1)
    assert address_of(wire, access) == f"new-{wire.email}"
    assert len(mails_of(wire.server, Kind.EMAIL_CHANGED, wire.user_id)) == 1


def test_two_accounts_race_for_one_address(wire: Client) -> None:
    """One gets it, whoever asks how often; the other is told so, and keeps its own."""
    access, _ = pair(wire.log_in())
    other, others = somebody(wire, "other")
    wanted = f"wanted-{wire.email}"
    tokens = [link_to(wire, access, wanted), link_to(other, others, wanted)]
    answers = at_once(MANY, lambda number: confirm(wire, tokens[number % 2]))
    statuses = [[one.status_code for one in answers[first::2]] for first in (0, 1)]
    won, lost = sorted(statuses, key=lambda found: 204 not in found)
    assert sorted(won) == [204] + [400] * (MANY // 2 - 1)
    assert lost == [409] * (MANY // 2)
    addresses = [address_of(wire, access), address_of(other, others)]
    assert addresses.count(wanted) == 1


def test_an_address_that_another_account_leaves_at_this_moment(wire: Client) -> None:
    """Whoever comes too early is told that it is taken, and may use the link again."""
    for turn in range(4):
        (one, access), (other, others) = (
            somebody(wire, f"one{turn}"),
            somebody(wire, f"other{turn}"),
        )
        wanted = f"wanted{turn}-{wire.email}"
        token = link_to(one, access, wanted)
        assert confirm(other, link_to(other, others, wanted)).status_code == 204
        answer = other.ask("POST", "/auth/email", {"email": f"left-{wanted}"}, access=others)
        assert answer.status_code == 202
        (leaving,) = [
            mail
            for mail in mails_of(other.server, Kind.NEW_EMAIL, other.user_id)
            if mail.spent_at is None
        ]
        tokens = [token, link_in(other.server, leaving)]
        took, left = at_once(2, lambda number, tokens=tokens: confirm(wire, tokens[number]))  # type: ignore[misc]
        assert left.status_code == 204
        assert took.status_code in {204, 409}
        if took.status_code == 409:
            assert confirm(one, token).status_code == 204
        assert address_of(one, access) == wanted
        assert address_of(other, others) == f"left-{wanted}"


def test_it_races_with_a_registration(wire: Client) -> None:
    """For the same address: the unique index decides."""
    for turn in range(4):
        client, access = somebody(wire, f"mover{turn}")
        wanted = f"wanted{turn}-{wire.email}"
        token = link_to(client, access, wanted)
        newcomer = program(wire.server, email=wanted)

        def act(
            number: int,
            client: Client = client,
            newcomer: Client = newcomer,
            token: str = token,
        ) -> str:
            if number == 0:
                return str(confirm(client, token).status_code)
            try:
                newcomer.create_account()
            except Exception as error:  # noqa: BLE001 - any refusal of the story
                return type(error).__name__
            return "created"

        outcome = at_once(2, act)
        assert outcome in (["204", "EmailTaken"], ["409", "created"])


def test_it_races_with_a_change_of_the_password(wire: Client) -> None:
    """Either it came first, or the link is dead: never a change from before the new password."""
    access, _ = pair(wire.log_in())
    token = link_to(wire, access, f"new-{wire.email}")

    def act(number: int) -> TestResponse:
        if number == 0:
            body = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
            return wire.ask("POST", "/auth/password", body, access=access)
        return confirm(wire, token)

    changed, *answers = at_once(6, act)
    assert changed.status_code == 200
    statuses = sorted(one.status_code for one in answers)
    assert statuses in ([204] + [400] * 4, [400] * 5)
    moved = address_of(wire, pair(changed)[0]) != wire.email
    assert moved == (204 in statuses)
    assert confirm(wire, token).status_code == 400


def test_an_undo_ends_what_races_with_it(wire: Client) -> None:
    """Refreshes, log-ins and another change: when it is answered, none of them opens anything."""
    access, refresh = pair(wire.log_in())
    former, wire.email = wire.email, f"thief-{wire.email}"
    assert confirm(wire, link_to(wire, access, wire.email)).status_code == 204
    undo = the_link(wire.server, Kind.EMAIL_CHANGED, wire.user_id)
    answer = wire.ask("POST", "/auth/email", {"email": f"2-{wire.email}"}, access=access)
    assert answer.status_code == 202
    (mail,) = [
        one for one in mails_of(wire.server, Kind.NEW_EMAIL, wire.user_id) if one.spent_at is None
    ]
    assert mail.address == f"2-{wire.email}"
    tokens = [access]

    def rotate() -> None:
        current = refresh
        while (answer := wire.refresh(current)).status_code == 200:
            token, current = pair(answer)
            tokens.append(token)

    def log_in() -> None:
        answer = wire.log_in()
        if answer.status_code == 200:
            tokens.append(pair(answer)[0])

    with ThreadPoolExecutor(4) as pool:
        others = [pool.submit(rotate), pool.submit(log_in), pool.submit(log_in)]
        done = wire.ask("POST", "/auth/email/undo", {"token": undo})
        assert done.status_code == 204
        dead = list(tokens)
        for token in dead:
            assert wire.me_everywhere(token) == {401}
        for one in others:
            one.result()
    for token in tokens:
        assert wire.me_everywhere(token) == {401}
    assert wire.log_in().status_code == 401
    wire.email = former
    assert wire.log_in().status_code == 401
    assert wire.ask("POST", "/auth/email/undo", {"token": undo}).status_code == 400


def test_four_log_ins_at_once_are_told_of_once(wire: Client) -> None:
    """By four workers, of one client without cookies."""
    answers = at_once(4, lambda _: wire.log_in())
    assert [one.status_code for one in answers].count(200) >= 2
    assert len(mails_of(wire.server, Kind.NEW_BROWSER, wire.user_id)) == 1
