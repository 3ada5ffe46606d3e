"""Looking a password up in a filter."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.accounts import breached_passwords
from app.accounts.breached_passwords import HEADER, INDEX, BreachedPasswords, entries_at
from app.settings import breach_filter
from tests.support.breaches import filter_of, import_into, list_of
from tests.support.log import Log

KNOWN, UNKNOWN = "violet harbour anchors", "another marble teapot wanders"
WHOLE = entries_at(8) + 3  # one password in 256 buckets


@pytest.fixture
def log() -> Iterator[Log]:
    log = Log("latchkey.passwords")
    yield log
    log.shut()


def test_a_known_password_is_found(tmp_path: Path, log: Log) -> None:
    """As it is spelled: a list of hashes says nothing about a changed one."""
    known = BreachedPasswords(filter_of(tmp_path, KNOWN))
    assert known.has(KNOWN)
    assert not known.has(UNKNOWN)
    assert not known.has(KNOWN.upper())
    assert log.lines() == []


def test_a_new_import_takes_effect_at_once(tmp_path: Path) -> None:
    """Without a restart of what looks up."""
    known = BreachedPasswords(filter_of(tmp_path, KNOWN))
    import_into(known.path, list_of(UNKNOWN))
    assert known.has(UNKNOWN)
    assert not known.has(KNOWN)


def other_bytes(whole: bytes, at: int, new: bytes) -> bytes:
    return whole[:at] + new + whole[at + len(new) :]


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda _whole: b"", "it ends early"),
        (lambda whole: whole[:-1], "it has not the size that it had"),
        (lambda whole: whole + b"x", "it has not the size that it had"),
        (lambda whole: whole[: HEADER.size], "it has not the size that it had"),
        (lambda whole: other_bytes(whole, 0, b"SQLite f"), "it is not a filter"),
        (lambda whole: other_bytes(whole, 24, INDEX.pack(7)), "it is not a filter"),
        (lambda whole: other_bytes(whole, 24, INDEX.pack(41)), "it is not a filter"),
        (lambda whole: other_bytes(whole, 16, INDEX.pack(9)), "it has not the size that it had"),
        (
            lambda whole: other_bytes(whole, HEADER.size, INDEX.pack(2) * 257),
            "its buckets are not in order",
        ),
    ],
    ids=[
        "empty",
        "cut short",
        "longer",
        "header alone",
        "another file",
        "too few bits",
        "too many bits",
        "entries",
        "buckets",
    ],
)
def test_a_damaged_filter_has_no_password_and_is_reported(
    tmp_path: Path, log: Log, damage: Callable[[bytes], bytes], reason: str
) -> None:
    """Somebody wrote over it while the server ran. Nobody is kept out by that."""
    path = filter_of(tmp_path, KNOWN)
    whole = path.read_bytes()
    assert len(whole) == WHOLE
    path.write_bytes(damage(whole))
    assert not BreachedPasswords(path).has(KNOWN)
    line = f"BREACHED_PASSWORDS cannot be read, so no password is found in it: {reason}"
    assert log.lines() == [line]
    assert log.records[0].levelname == "ERROR"


def test_a_filter_that_is_gone_is_reported(tmp_path: Path, log: Log) -> None:
    path = filter_of(tmp_path, KNOWN)
    path.unlink()
    assert not BreachedPasswords(path).has(KNOWN)
    assert "No such file or directory" in log.lines()[0]


def test_the_settings_know_the_beginning_of_the_file() -> None:
    """They check it before anything of the application is loaded."""
    assert breached_passwords.MAGIC == breach_filter.MAGIC
