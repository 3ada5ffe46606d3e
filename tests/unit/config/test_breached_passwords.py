from pathlib import Path

import pytest

import config
from config import Settings
from tests.support.breaches import filter_of
from tests.unit.config.reports import GOOD, faults

REMEDY = (
    "make it with 'BREACHED_PASSWORDS= flask --app wsgi passwords import LIST --to FILTER', "
    "or unset it."
)


def test_there_need_not_be_a_filter() -> None:
    assert Settings.from_env(GOOD).breached_passwords is None


def test_a_relative_path_begins_at_the_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Commands and workers have different working directories."""
    path = filter_of(tmp_path, "one", "two")
    monkeypatch.setattr(config, "ROOT", tmp_path)
    for given in ("breached", str(path)):
        assert Settings.from_env(GOOD | {"BREACHED_PASSWORDS": given}).breached_passwords == path


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("nowhere", "No such file or directory"),
        (".", "Is a directory"),
        ("a\0b", "embedded null byte"),
    ],
)
def test_a_missing_filter_stops_the_start(tmp_path: Path, name: str, reason: str) -> None:
    """Otherwise a defense that somebody asked for would silently be absent."""
    problem = f"BREACHED_PASSWORDS names a file that cannot be read ({reason}): {REMEDY}"
    assert faults(BREACHED_PASSWORDS=f"{tmp_path}/{name}").splitlines()[1:] == [f"  - {problem}"]


@pytest.mark.parametrize("cut", [-1, 40, 12, 0])
def test_a_damaged_filter_stops_the_start(tmp_path: Path, cut: int) -> None:
    """A copy that did not finish is not taken for a filter of fewer passwords."""
    path = filter_of(tmp_path, "one", "two")
    path.write_bytes(path.read_bytes()[:cut])
    problem = "names a file that is not a filter of breached passwords, or not a whole one"
    report = faults(BREACHED_PASSWORDS=str(path)).splitlines()[1:]
    assert report == [f"  - BREACHED_PASSWORDS {problem}: {REMEDY}"]
