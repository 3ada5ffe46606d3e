import re
from dataclasses import replace

import pytest

from app import create_app
from app.families.issuer import TokenPair
from app.services import Services
from app.settings.secret_strength import secret_fault
from config import Settings, decode_secret
from tests.support.app import close
from tests.support.clock import SettableClock
from tests.support.factories import a_family, a_user
from tests.unit.cli.conftest import Run, on

NOTHING = "0 families, 0 erased accounts, 0 rows of activity and 0 mails deleted.\n"


@pytest.mark.usefixtures("eve")
def test_active_sessions_of_one_account_are_listed(flask: Run, ada: TokenPair) -> None:
    done = flask("sessions", "list", "--user", " ADA@example.com")
    assert done.exit_code == 0
    assert done.output == (
        f"{ada.session_id}  2027-01-15T08:00:00Z  192.0.2.1  Firefox on Windows\n"
        "1 active sessions.\n"
    )


def test_revoked_sessions_are_not_listed(flask: Run, ada: TokenPair) -> None:
    assert ada.session_id
    flask("sessions", "revoke", "--user", "ada@example.com")
    assert flask("sessions", "list", "--user", "ada@example.com").output == "0 active sessions.\n"


def test_sessions_of_one_account_are_revoked(
    flask: Run, services: Services, ada: TokenPair, eve: TokenPair
) -> None:
    done = flask("sessions", "revoke", "--user", "ada@example.com")
    assert (done.exit_code, done.output) == (0, "1 sessions revoked.\n")
    assert services.denylist.denied(ada.session_id)
    assert not services.denylist.denied(eve.session_id)
    again = flask("sessions", "revoke", "--user", "ada@example.com")
    assert (again.exit_code, again.output) == (0, "0 sessions revoked.\n")


def test_everybodys_sessions_are_revoked(
    flask: Run, services: Services, ada: TokenPair, eve: TokenPair
) -> None:
    done = flask("sessions", "revoke", "--all")
    assert (done.exit_code, done.output) == (0, "2 sessions revoked.\n")
    assert services.denylist.denied(ada.session_id)
    assert services.denylist.denied(eve.session_id)


@pytest.mark.parametrize("words", [[], ["--all", "--user", "ada@example.com"]])
def test_whose_sessions_must_be_said(
    flask: Run, services: Services, ada: TokenPair, words: list[str]
) -> None:
    done = flask("sessions", "revoke", *words)
    assert done.exit_code == 2
    assert "Give either --user EMAIL or --all." in done.output
    assert not services.denylist.denied(ada.session_id)


@pytest.mark.parametrize("command", ["list", "revoke"])
def test_sessions_of_nobody_are_a_sentence(flask: Run, command: str) -> None:
    done = flask("sessions", command, "--user", "nobody@example.com")
    assert done.exit_code == 1
    assert done.output == "Error: There is no account with that e-mail address.\n"


@pytest.mark.usefixtures("ada")
def test_pruning_deletes_what_is_over(
    flask: Run, services: Services, clock: SettableClock
) -> None:
    a_user(services.database, "deleted:eve", disabled_at=1, deleted_at=1)
    flask("users", "reset-link", "ada@example.com")
    clock.forward(100 * 86400)
    assert flask("prune").output == (
        "1 families, 1 erased accounts, 1 rows of activity and 2 mails deleted.\n"
    )
    assert flask("prune").output == NOTHING
    assert services.clock is clock


def test_pruning_names_what_blocks_it(
    flask: Run, services: Services, clock: SettableClock
) -> None:
    """Rows of a product refer to the family, which therefore cannot be deleted."""
    family = a_family(services.database, a_user(services.database, "eve@example.com"))
    with services.database.transaction() as connection:
        connection.exec_driver_sql(
            "CREATE TABLE rows (of VARCHAR(32), FOREIGN KEY (of) REFERENCES families (family_id))"
        )
        connection.exec_driver_sql(f"INSERT INTO rows VALUES ('{family.family_id}')")  # noqa: S608
    clock.forward(40 * 86400)
    done = flask("prune")
    with services.database.transaction() as connection:
        connection.exec_driver_sql("DROP TABLE rows")
    assert done.exit_code == 0
    assert "1 were not deleted, because rows of other tables refer to them by rows.of. " in (
        done.output
    )


def test_new_secrets_are_good_ones(flask: Run) -> None:
    done = flask("secrets", "new")
    match = re.fullmatch(r"JWT_SECRET=(\S+)\nSECRET_KEY=(\S+)\n", done.output)
    assert match is not None
    assert len({*match.groups()}) == 2
    for text in match.groups():
        assert secret_fault(text) is None
        assert len(decode_secret(text) or b"") == 48
    assert flask("secrets", "new").output != done.output


@pytest.mark.parametrize(
    "words",
    [["prune"], ["sessions", "revoke", "--all"], ["sessions", "list", "--user", "a@example.com"]],
    ids=lambda words: "-".join(words[:2]),
)
def test_an_unreachable_database_is_a_sentence(settings: Settings, words: list[str]) -> None:
    app = create_app(replace(settings, database_url="sqlite:////nowhere/hunter2.db"))
    done = on(app, *words)
    assert done.exit_code == 1
    assert done.output == (
        "Error: The database cannot be opened: check that the folder of DATABASE_URL exists "
        "and can be written.\n"
    )
    close(app)
