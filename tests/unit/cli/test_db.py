"""`flask db`: Flask-Migrate, loaded only when it is asked for."""

from flask import Flask

from app.cli import COMMANDS
from tests.support.databases import one_database


@one_database
def test_db_commands_are_flask_migrates_own(app: Flask) -> None:
    """The stand-in loads the real group, which takes its place."""
    stand_in = app.cli.commands["db"]
    result = app.test_cli_runner().invoke(args=["db", "history"])
    assert result.exit_code == 0, result.output
    assert app.cli.commands["db"] is not stand_in


def test_help_names_every_command(app: Flask) -> None:
    """Also those that are imported only when they are used, and those of a product."""
    app.cli.command("of-a-product")(lambda: None)
    done = app.test_cli_runner().invoke(args=["--help"])
    assert done.exit_code == 0
    named = {line.split()[0] for line in done.output.partition("Commands:")[2].split("\n") if line}
    assert named == {*COMMANDS, "db", "of-a-product"}
