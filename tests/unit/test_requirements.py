"""The locked lists are complete: pip installs them without looking for anything else."""

import re
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
LISTS = ("requirements", "requirements-dev")
PLATFORMS = {"linux": "Linux", "darwin": "Darwin"}
PYTHONS = ("3.11.0", "3.11.9", "3.12.0", "3.13.0", "3.14.0", "3.15.0")


def wanted(name: str) -> list[Requirement]:
    """Read a list as it was written by hand, with those it includes."""
    lines = (ROOT / f"{name}.in").read_text(encoding="utf-8").splitlines()
    included = [line[3:].removesuffix(".in") for line in lines if line.startswith("-r ")]
    own = [Requirement(line) for line in lines if re.match(r"\w", line)]
    return [*own, *(one for other in included for one in wanted(other))]


def pinned(name: str) -> list[Requirement]:
    text = (ROOT / f"{name}.txt").read_text(encoding="utf-8")
    return [Requirement(line) for line in re.findall(r"^(\w.*?) \\$", text, re.MULTILINE)]


def missing(name: str, environment: dict[str, str]) -> set[str]:
    """List what somebody with this Python would lack, as far as packages installed here tell."""
    pins = {
        canonicalize_name(pin.name): str(pin.specifier).removeprefix("==")
        for pin in pinned(name)
        if pin.marker is None or pin.marker.evaluate(environment)
    }
    lacking, seen = set(), set()
    for_it = [  # a package without a wheel for some machine is left out there by its marker
        one for one in wanted(name) if one.marker is None or one.marker.evaluate(environment)
    ]
    ahead = [(one, extra) for one in for_it for extra in ("", *one.extras)]
    while ahead:
        one, extra = ahead.pop()
        key = canonicalize_name(one.name)
        if key not in pins or not one.specifier.contains(pins[key], prereleases=True):
            lacking.add(str(one))
        if (key, extra) in seen or key not in pins:
            continue
        seen.add((key, extra))
        try:
            here = distribution(key)
        except PackageNotFoundError:
            continue  # one for another platform
        for needed in map(Requirement, here.requires or () if here.version == pins[key] else ()):
            if needed.marker is None or needed.marker.evaluate(environment | {"extra": extra}):
                ahead += [(needed, more) for more in ("", *needed.extras)]
    return lacking


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("name", LISTS)
def test_the_list_has_all_that_its_packages_want(name: str, platform: str, python: str) -> None:
    environment = {key: str(value) for key, value in default_environment().items()} | {
        "sys_platform": platform,
        "platform_system": PLATFORMS[platform],
        "python_full_version": python,
        "python_version": python.rpartition(".")[0],
    }
    assert missing(name, environment) == set()


def test_the_tests_run_on_the_versions_that_are_deployed() -> None:
    assert set(map(str, pinned("requirements"))) <= set(map(str, pinned("requirements-dev")))


@pytest.mark.parametrize("name", LISTS)
def test_every_pin_has_a_hash(name: str) -> None:
    text = (ROOT / f"{name}.txt").read_text(encoding="utf-8")
    entries = re.split(r"^(?=\w)", text, flags=re.MULTILINE)[1:]
    assert len(entries) == len(pinned(name)) > 30
    assert all("--hash=sha256:" in entry for entry in entries)
