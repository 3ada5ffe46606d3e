"""Making a filter from a published list of hashes."""

import errno
import gzip
import io
import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from app.accounts import breach_import
from app.accounts.breach_import import ListRefused, import_list
from app.accounts.breached_passwords import BreachedPasswords
from tests.support.breaches import filter_of, import_into, list_of, sha1

PASSWORDS = [f"a password of somebody {number}" for number in range(3_000)]
OTHERS = [f"a password of nobody {number}" for number in range(3_000)]
FORMER = "the only one before"


def shuffled(published: bytes) -> bytes:
    lines = published.splitlines(keepends=True)
    random.Random(1).shuffle(lines)  # noqa: S311 - any order will do
    return b"".join(lines)


def only_the_former(folder: Path) -> bool:
    """Tell whether a folder has the filter of `FORMER`, and nothing beside."""
    found = [path.name for path in folder.iterdir()]
    return found == ["breached"] and BreachedPasswords(folder / "breached").has(FORMER)


@pytest.mark.parametrize(
    "published",
    [
        list_of(*PASSWORDS),
        shuffled(list_of(*PASSWORDS)),
        list_of(*PASSWORDS).replace(b"\r\n", b"\n").lower(),
        list_of(*PASSWORDS).removesuffix(b"\r\n"),
        list_of(*PASSWORDS) * 2,
        gzip.compress(list_of(*PASSWORDS)),
    ],
    ids=["sorted", "unsorted", "small letters", "no last line end", "all twice", "gzip"],
)
@pytest.mark.parametrize("block_bytes", [100, 10_000, 1 << 22])
def test_each_password_of_the_list_is_found_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, published: bytes, block_bytes: int
) -> None:
    """However the list is written, and wherever a block of it ends."""
    monkeypatch.setattr(breach_import, "BLOCK_BYTES", block_bytes)
    assert import_into(tmp_path / "breached", published) == len(PASSWORDS)
    known = BreachedPasswords(tmp_path / "breached")
    assert all(known.has(password) for password in PASSWORDS)
    assert not any(known.has(password) for password in OTHERS)


def test_a_large_list_takes_three_bytes_and_a_quarter_for_each_password(tmp_path: Path) -> None:
    """Of 20,000 other passwords at most one is taken for one of the list."""
    source = random.Random(2)  # noqa: S311 - any hashes will do
    lines = (f"{source.getrandbits(160):040X}:1\n" for _ in range(200_000))
    assert import_into(tmp_path / "breached", "".join(lines).encode()) == 200_000
    assert (tmp_path / "breached").stat().st_size < 3.25 * 200_000
    known = BreachedPasswords(tmp_path / "breached")
    assert sum(known.has(f"another {number}") for number in range(20_000)) <= 1


@pytest.mark.parametrize(
    "line",
    [
        "",
        "password",
        sha1("x"),
        f"{sha1('x')}:",
        f"{sha1('x')};3",
        f"{sha1('x')}:3 ",
        f" {sha1('x')}:3",
        f"{sha1('x')[:-1]}:3",
        f"{sha1('x')}0:3",
        f"{sha1('x')[:-1]}G:3",
        f"{sha1('x')}:-3",
        f"{sha1('x')}:{'9' * 5_000}",
        "\x00" * 5_000,
    ],
)
@pytest.mark.parametrize("block_bytes", [100, 1 << 22])
def test_a_malformed_line_is_named_and_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, block_bytes: int
) -> None:
    """By its number, without quoting it."""
    monkeypatch.setattr(breach_import, "BLOCK_BYTES", block_bytes)
    filter_of(tmp_path, FORMER)
    published = list_of(*PASSWORDS[:1_499]) + line.encode() + b"\n" + list_of(*PASSWORDS[1_499:])
    with pytest.raises(ListRefused) as refused:
        import_into(tmp_path / "breached", published)
    sentence = "Line 1,500 is not a SHA-1 in 40 hex digits, a colon and a count."
    assert str(refused.value) == sentence
    assert only_the_former(tmp_path)


@pytest.mark.parametrize("published", [b"", gzip.compress(b"")], ids=["plain", "gzip"])
def test_an_empty_list_is_refused(tmp_path: Path, published: bytes) -> None:
    filter_of(tmp_path, FORMER)
    with pytest.raises(ListRefused, match=r"^The list is empty\.$"):
        import_into(tmp_path / "breached", published)
    assert only_the_former(tmp_path)


@pytest.mark.parametrize(
    "damage",
    [
        lambda packed: packed[:-100],
        lambda packed: packed[:200] + b"\xff" * 50 + packed[250:],
        lambda packed: packed[:-8] + bytes(8),
    ],
    ids=["cut short", "changed", "wrong sum"],
)
def test_a_damaged_gzip_is_refused(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    """A download that stopped is no list."""
    filter_of(tmp_path, FORMER)
    with pytest.raises(ListRefused, match=r"^The list is gzip and damaged \("):
        import_into(tmp_path / "breached", damage(gzip.compress(list_of(*PASSWORDS))))
    assert only_the_former(tmp_path)


def test_an_interrupted_import_leaves_the_former_filter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C while the list is read, after its progress was told."""
    monkeypatch.setattr(breach_import, "BLOCK_BYTES", 10_000)
    filter_of(tmp_path, FORMER)
    told: list[int] = []

    def interrupt(lines: int) -> None:
        told.append(lines)
        if lines > 1_000:
            raise KeyboardInterrupt

    published = io.BytesIO(list_of(*PASSWORDS))
    with pytest.raises(KeyboardInterrupt):
        import_list(io.BufferedReader(published), tmp_path / "breached", interrupt)
    assert told == sorted(told)
    assert 1_000 < told[-1] < 3_000
    assert only_the_former(tmp_path)


@pytest.mark.parametrize(
    ("owner", "call"), [(os, "fsync"), (Path, "replace")], ids=["fsync", "replace"]
)
def test_a_disk_that_fails_leaves_the_former_filter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: object, call: str
) -> None:
    """The new filter is on the disk before it takes the place of the former one."""
    filter_of(tmp_path, FORMER)

    def fail(*_given: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(owner, call, fail)
    with pytest.raises(OSError, match="No space left on device"):
        import_into(tmp_path / "breached", list_of(*PASSWORDS))
    monkeypatch.undo()
    assert only_the_former(tmp_path)
