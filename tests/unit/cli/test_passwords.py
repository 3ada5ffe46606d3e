"""`flask passwords import`."""

import errno
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import Result

from app import create_app
from app.accounts import breach_import
from app.accounts.breached_passwords import BreachedPasswords
from app.cli import passwords
from config import Settings
from tests.support.app import close
from tests.support.breaches import filter_of, list_of
from tests.support.databases import one_database
from tests.unit.cli.conftest import on

pytestmark = one_database
KNOWN = [f"a password of somebody {number}" for number in range(1_000)]
FORMER = "the only one before"


@pytest.fixture
def published(tmp_path: Path) -> Path:
    path = tmp_path / "pwned.txt"
    path.write_bytes(list_of(*KNOWN))
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "filters"
    folder.mkdir()
    return folder


@pytest.fixture
def environment(environment: dict[str, str], folder: Path) -> dict[str, str]:
    """An environment with a filter of one password."""
    return environment | {"BREACHED_PASSWORDS": str(filter_of(folder, FORMER))}


def test_the_configured_filter_is_replaced(
    flask: Callable[..., Result], published: Path, folder: Path
) -> None:
    done = flask("passwords", "import", str(published))
    path = folder / "breached"
    size = path.stat().st_size
    assert done.output == f"1,000 passwords are in {path}, {size:,} bytes.\n"
    assert (done.exit_code, size) == (0, 5_088)
    assert BreachedPasswords(path).has(KNOWN[0])


def test_another_filter_may_be_named(
    flask: Callable[..., Result], published: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer says how to use it. Progress is told on standard error."""
    monkeypatch.setattr(passwords, "PROGRESS_LINES", 400)
    monkeypatch.setattr(breach_import, "BLOCK_BYTES", 10_000)
    done = flask("passwords", "import", str(published), "--to", str(folder / "new"))
    assert done.exit_code == 0
    assert f"Set BREACHED_PASSWORDS={folder / 'new'}, then reload the workers.\n" in done.stdout
    assert done.stderr == "446 lines are read.\n892 lines are read.\n"
    assert BreachedPasswords(folder / "breached").has(FORMER)
    assert BreachedPasswords(folder / "new").has(KNOWN[0])


def test_a_list_that_is_refused_is_said_to_be(
    flask: Callable[..., Result], published: Path, folder: Path
) -> None:
    published.write_bytes(b"password\n" + list_of(*KNOWN))
    done = flask("passwords", "import", str(published))
    sentence = "Line 1 is not a SHA-1 in 40 hex digits, a colon and a count."
    assert done.output == f"Error: {sentence} The filter is what it was before.\n"
    assert done.exit_code == 1
    assert BreachedPasswords(folder / "breached").has(FORMER)


def test_a_full_disk_is_said_to_be(
    flask: Callable[..., Result], published: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fail)
    done = flask("passwords", "import", str(published))
    monkeypatch.undo()
    sentence = "The import stopped (No space left on device). The filter is what it was before."
    assert (done.exit_code, done.output) == (1, f"Error: {sentence}\n")
    assert BreachedPasswords(folder / "breached").has(FORMER)


def test_without_the_setting_the_filter_has_to_be_named(
    settings: Settings, published: Path
) -> None:
    app = create_app(replace(settings, breached_passwords=None))
    done = on(app, "passwords", "import", str(published))
    close(app)
    assert done.exit_code == 2
    assert "Name the filter with --to PATH, or set BREACHED_PASSWORDS." in done.output
