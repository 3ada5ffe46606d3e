import pytest

from app.auth.login import log_in as account_log_in
from app.cli.exit_messages import NOT_IN_REDIS
from app.errors import InvalidCredentials
from app.families.issuer import PresentedCredentials, TokenPair
from app.infra.audit import Client
from app.mail import queries as mails
from app.services import Services
from tests.support.servers.valkey import ValkeyServer
from tests.unit.cli.conftest import PASSWORD, Run


def log_in(services: Services, email: str) -> TokenPair:
    return account_log_in(
        services.auth, email, PASSWORD, Client("192.0.2.1"), PresentedCredentials(), remember=False
    )


def test_an_account_is_created_under_the_one_spelling_of_its_address(
    flask: Run, services: Services
) -> None:
    done = flask("users", "create", "Ada@Example.com", "--password", PASSWORD)
    assert done.exit_code == 0
    user_id = log_in(services, "ada@example.com").user_id
    assert done.output == f"Created ada@example.com with id {user_id}.\n"


def test_the_password_is_asked_for_and_not_shown(flask: Run, services: Services) -> None:
    done = flask("users", "create", "ada@example.com", input=f"{PASSWORD}\n{PASSWORD}\n")
    assert done.exit_code == 0
    assert PASSWORD not in done.output
    assert log_in(services, "ada@example.com").email == "ada@example.com"


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_program_gives_the_password_on_standard_input(
    flask: Run, services: Services, end: str
) -> None:
    """Without the line break at its end; nothing is asked, and nothing is mailed."""
    words = ("users", "create", "ada@example.com", "--password-stdin")
    done = flask(*words, input=PASSWORD + end)
    assert not services.database.read(mails.any_due, 2**62)
    user_id = log_in(services, "ada@example.com").user_id
    assert (done.exit_code, done.output) == (0, f"Created ada@example.com with id {user_id}.\n")


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (b"", "Use at least 15 characters; a few words will do."),
        (b"short\n", "Use at least 15 characters; a few words will do."),
        (b"x" * 5000, "Use at most 1024 bytes."),
        (b"caf\xe9 quarry lantern", "The password on standard input is not UTF-8."),
    ],
    ids=["nothing", "weak", "long", "Latin-1"],
)
def test_a_bad_password_on_standard_input_is_a_sentence(
    flask: Run, given: bytes, sentence: str
) -> None:
    done = flask("users", "create", "ada@example.com", "--password-stdin", input=given)
    assert (done.exit_code, done.output) == (1, f"Error: {sentence}\n")


def test_two_ways_to_give_the_password_are_refused(flask: Run) -> None:
    words = ("users", "create", "ada@example.com", "--password", PASSWORD, "--password-stdin")
    done = flask(*words, input=PASSWORD)
    assert done.exit_code == 2
    assert "Give either --password or --password-stdin." in done.output
    assert PASSWORD not in done.output


@pytest.mark.usefixtures("ada")
@pytest.mark.parametrize(
    ("email", "password", "sentence"),
    [
        ("ada@example.com", PASSWORD, "There is already an account for this e-mail address."),
        ("eve", PASSWORD, "Enter an e-mail address such as name@example.com."),
        ("eve@example.com", "short", "Use at least 15 characters; a few words will do."),
    ],
    ids=["taken", "no-address", "weak"],
)
def test_what_is_refused_is_a_sentence(
    flask: Run, email: str, password: str, sentence: str
) -> None:
    done = flask("users", "create", email, "--password", password)
    assert (done.exit_code, done.output) == (1, f"Error: {sentence}\n")


def test_disabling_ends_the_sessions_of_the_account_alone(
    flask: Run, services: Services, ada: TokenPair, eve: TokenPair
) -> None:
    done = flask("users", "disable", "ADA@example.com")
    assert (done.exit_code, done.output) == (0, "Disabled. 1 sessions ended.\n")
    assert services.denylist.denied(ada.session_id)
    assert not services.denylist.denied(eve.session_id)
    with pytest.raises(InvalidCredentials):
        log_in(services, "ada@example.com")
    assert log_in(services, "eve@example.com").email == "eve@example.com"


def test_enabling_opens_the_account_and_leaves_its_sessions_ended(
    flask: Run, services: Services, ada: TokenPair
) -> None:
    flask("users", "disable", "ada@example.com")
    done = flask("users", "enable", "ada@example.com")
    assert (done.exit_code, done.output) == (0, "Enabled.\n")
    assert services.denylist.denied(ada.session_id)
    assert not services.denylist.denied(log_in(services, "ada@example.com").session_id)


def test_deleting_erases_and_frees_the_address(
    flask: Run, services: Services, ada: TokenPair
) -> None:
    done = flask("users", "delete", "ada@example.com", "--yes")
    assert (done.exit_code, done.output) == (0, "Deleted. 1 sessions ended.\n")
    assert services.denylist.denied(ada.session_id)
    with pytest.raises(InvalidCredentials):
        log_in(services, "ada@example.com")
    assert flask("users", "create", "ada@example.com", "--password", PASSWORD).exit_code == 0


def test_deleting_asks_first(flask: Run, services: Services, ada: TokenPair) -> None:
    assert flask("users", "delete", "ada@example.com", input="n\n").exit_code == 1
    assert not services.denylist.denied(ada.session_id)
    assert log_in(services, "ada@example.com").email == "ada@example.com"


@pytest.mark.parametrize("command", ["disable", "enable", "delete"])
def test_an_unknown_account_is_a_sentence(flask: Run, command: str) -> None:
    words = [command, "nobody@example.com", *(["--yes"] if command == "delete" else [])]
    done = flask("users", *words)
    assert done.exit_code == 1
    assert done.output == "Error: There is no account with that e-mail address.\n"


@pytest.mark.parametrize("command", ["disable", "delete"])
def test_without_redis_an_account_ends_and_the_operator_is_told_what_is_missing(
    flask: Run,
    services: Services,
    ada: TokenPair,
    valkey: ValkeyServer,
    command: str,
) -> None:
    valkey.stop()
    done = flask("users", command, "ada@example.com", *(["--yes"] if command == "delete" else []))
    assert done.exit_code == 1
    assert done.output.splitlines() == [
        f"{command.capitalize()}d. 1 sessions ended.",
        f"Error: {NOT_IN_REDIS}",
    ]
    assert services.denylist.denied(ada.session_id)
