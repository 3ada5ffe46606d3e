"""`flask db`: Flask-Migrate, loaded only when it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from flask import Flask


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_db_commands_are_flask_migrates_own(app: Flask) -> None:
    """The stand-in hands over: the real group runs, and takes its place."""
    stand_in = app.cli.commands["db"]
    result = app.test_cli_runner().invoke(args=["db", "history"])
    assert result.exit_code == 0, result.output
    assert app.cli.commands["db"] is not stand_in
