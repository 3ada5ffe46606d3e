"""Installing: it does not depend on what the index offers today, and says why it fails."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from config import ROOT
from tests.support.clone import Clone
from tests.support.servers.index import Index

STAMPS = (".venv/.runtime", ".venv/.dev")
WHOLE = ("tool", "lib", "reader")


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    """An index that offers a newer release of everything."""
    return Index(tmp_path_factory.mktemp("index") / "wheels")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory, index: Index) -> Clone:
    """A clone whose lists are those of `index`, installed by make with this Python's pip."""
    clone = Clone(tmp_path_factory.mktemp("installed"))
    (clone.folder / ".venv").unlink()
    for name in ("requirements.txt", "requirements-dev.txt"):
        (clone.folder / name).write_text(index.list_of(*WHOLE), encoding="utf-8")
    done = clone.make(STAMPS[1], f"PYTHON={sys.executable}", **index.variables)
    assert done.returncode == 0, done.stderr
    return clone


@pytest.fixture
def clone(tmp_path: Path, installed: Clone) -> Clone:
    """A clone with a Python and a pip of its own, and nothing else in its .venv."""
    fresh = Clone(tmp_path)
    (tmp_path / ".venv").unlink()
    shutil.copytree(installed.folder / ".venv", tmp_path / ".venv", symlinks=True)
    pip(fresh, "uninstall", "--yes", "--quiet", *WHOLE)
    (tmp_path / ".venv/.runtime").unlink()
    return fresh


def pip(clone: Clone, *words: str) -> str:
    """Run the clone's own pip."""
    command = [str(clone.folder / ".venv/bin/python"), "-m", "pip", *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def refused(clone: Clone, **variables: str) -> str:
    """Have make install the clone's list in vain, and return what it says."""
    done = clone.make(STAMPS[0], **variables)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert not (clone.folder / ".venv/.runtime").exists()
    return done.stderr


def test_newer_releases_do_not_matter(installed: Clone) -> None:
    """Left to resolve, pip 23.2 and older look for `lib[toml]` anew and stop at the new one."""
    listed = pip(installed, "list", "--format=freeze")
    assert {f"{name}==1.0" for name in WHOLE} <= set(listed.split())


def test_the_operators_line_installs(clone: Clone, index: Index) -> None:
    """The line in operations.md, as it stands there."""
    page = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    (line,) = re.findall(r"`(pip install [^`]*requirements\.txt[^`]*)`", page)
    (clone.folder / "requirements.txt").write_text(index.list_of(*WHOLE), encoding="utf-8")
    line = line.replace("pip ", f"{shlex.quote(str(clone.folder / '.venv/bin/python'))} -m pip ")
    done = subprocess.run(
        ["/bin/sh", "-c", line],
        cwd=clone.folder,
        env=clone.environment(**index.variables),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "No broken requirements found" in done.stdout
    assert "lib==1.0" in pip(clone, "list", "--format=freeze")


def test_an_incomplete_list_is_named(clone: Clone, index: Index) -> None:
    """No pip looks for what the list lacks; the check after it says what that is."""
    (clone.folder / "requirements.txt").write_text(index.list_of("tool"), encoding="utf-8")
    said = refused(clone, **index.variables)
    assert "The packages of requirements.txt do not fit together:" in said
    assert "tool 1.0 requires lib, which is not installed." in said


def test_no_network_is_one_sentence(clone: Clone, index: Index) -> None:
    """Nothing answers where the index should be; with it back, the same line goes on."""
    (clone.folder / "requirements.txt").write_text(index.list_of(*WHOLE), encoding="utf-8")
    nowhere = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "0"}
    said = refused(clone, PIP_CONFIG_FILE="/dev/null", **nowhere)
    assert "the package index does not answer: check the network" in said
    assert ".venv/pip.log" in said
    assert clone.make(STAMPS[0], **index.variables).returncode == 0


def test_a_package_of_another_content_is_refused(clone: Clone, index: Index) -> None:
    """The hash of the list decides, not the name of the file."""
    other = re.sub(r"sha256:\w{8}", "sha256:00000000", index.list_of(*WHOLE))
    (clone.folder / "requirements.txt").write_text(other, encoding="utf-8")
    said = refused(clone, **index.variables)
    assert "a package is not the file that requirements.txt names" in said


def test_anything_else_is_in_pips_words(clone: Clone, index: Index) -> None:
    """A release that the index does not have."""
    gone = index.list_of(*WHOLE).replace("reader==1.0", "reader==1.5")
    (clone.folder / "requirements.txt").write_text(gone, encoding="utf-8")
    said = refused(clone, **index.variables)
    assert "pip stopped: No matching distribution found for reader==1.5" in said


def test_an_interrupted_venv_is_made_anew(clone: Clone, index: Index) -> None:
    """Python's `venv` puts pip in last: whoever pressed Ctrl-C before has a Python without it."""
    pip(clone, "uninstall", "--yes", "--quiet", "pip")
    (clone.folder / "requirements.txt").write_text(index.list_of(*WHOLE), encoding="utf-8")
    done = clone.make(STAMPS[0], f"PYTHON={sys.executable}", **index.variables)
    assert done.returncode == 0, done.stderr
