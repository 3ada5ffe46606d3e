"""The Makefile's other promises: what it says on an unfit machine, and how Chromium comes."""

import os
import re
import shutil
import sys
from pathlib import Path

import pytest

from config import ROOT
from tests.support.clone import Clone

TOOLS = [
    "sh",
    "make",
    "sed",
    "awk",
    "id",
    "mkdir",
    "rm",
    "touch",
    "env",
    "echo",
    "cat",
    "node",
    "curl",
]


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    folder = tmp_path / "clone"
    folder.mkdir()
    return Clone(folder)


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A PATH with the plainest tools, no Chromium and no apt-get."""
    folder = tmp_path / "tools"
    folder.mkdir()
    for name in TOOLS:
        found = shutil.which(name)
        if found:
            (folder / name).symlink_to(found)
    return folder


def script(path: Path, *lines: str) -> Path:
    """Write a shell script; in place of a link, never through it."""
    path.unlink(missing_ok=True)
    with path.open("x", encoding="utf-8") as file:
        file.write("\n".join(["#!/bin/sh", *lines, ""]))
    path.chmod(0o755)
    return path


def test_help_is_the_default_and_lists_every_target(clone: Clone) -> None:
    """`make` alone shows what can be typed."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"^([a-z-]+):(?!=)", makefile, re.MULTILINE)
    shown = clone.make()
    assert {"help", "run", "test", "test-fast", "check", "bench"} <= set(targets)
    assert re.findall(r"^  make ([\w-]+) +\w", shown.stdout, re.MULTILINE) == targets


def test_old_python_is_one_sentence(clone: Clone, tmp_path: Path) -> None:
    """A Python before 3.11 is named, and what to do."""
    (clone.folder / ".venv").unlink()
    old = script(tmp_path / "python3", '[ "$1" = --version ] && echo "Python 3.10.13"', "exit 1")
    refused = clone.make("run", f"PYTHON={old}")
    assert refused.returncode != 0
    assert "needs Python 3.11 or newer, and found Python 3.10.13" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_no_python_is_one_sentence(clone: Clone, tools: Path) -> None:
    """Without any Python on the PATH the same sentence comes."""
    (clone.folder / ".venv").unlink()
    refused = clone.make("run", PATH=str(tools))
    assert refused.returncode != 0
    assert "needs Python 3.11 or newer, and found none" in refused.stderr


def test_python_without_venv_is_one_sentence(clone: Clone, tmp_path: Path) -> None:
    """Debian ships ensurepip in a package of its own."""
    (clone.folder / ".venv").unlink()
    bare = script(tmp_path / "python3", 'case "$2" in *ensurepip*) exit 1;; esac', "exit 0")
    refused = clone.make("run", f"PYTHON={bare}")
    assert refused.returncode != 0
    assert "apt-get install python3-venv" in refused.stderr


def test_unwritable_folder_is_one_sentence(clone: Clone) -> None:
    """Where .venv cannot be written, the folder and the user are named."""
    (clone.folder / ".venv").unlink()
    (clone.folder / ".venv").write_text("", encoding="utf-8")
    refused = clone.make("run", f"PYTHON={sys.executable}")
    assert refused.returncode != 0
    assert f"cannot write .venv in {clone.folder}" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_finished_install_is_not_repeated(clone: Clone) -> None:
    """The stamps say that nothing is to be done before `make run` serves."""
    planned = clone.make("--dry-run", "run").stdout
    assert "pip" not in planned
    assert "gunicorn wsgi:app" in planned


def chromium_of(clone: Clone, tools: Path, **more: str) -> tuple[str, str]:
    """Run `make test` with a Python that only notes its arguments; return notes and output."""
    notes = clone.folder / "notes"
    python = script(
        tools / "python",
        f'echo "python $*" >>{notes}',
        'case "$*" in *install*) exit ${INSTALL_FAILS:-0};; esac',
    )
    done_before = ("--old-file=.venv/.dev", f"--old-file={python}")
    done = clone.make("test", f"PY={python}", *done_before, PATH=str(tools), **more)
    assert done.returncode == 0, done.stderr
    return notes.read_text(encoding="utf-8"), done.stdout


def test_named_chromium_is_taken(clone: Clone, tools: Path) -> None:
    """$CHROMIUM comes first and nothing is installed."""
    notes, _output = chromium_of(clone, tools, CHROMIUM="/opt/chromium")
    assert "install" not in notes
    assert "-m pytest" in notes


def test_chromium_on_the_path_is_taken(clone: Clone, tools: Path) -> None:
    """`chromium` on the PATH comes second."""
    script(tools / "chromium")
    notes, _output = chromium_of(clone, tools)
    assert "install" not in notes


@pytest.mark.skipif(
    os.geteuid() != 0 or not Path("/etc/debian_version").exists(), reason="needs root on Debian"
)
def test_root_on_debian_gets_the_package(clone: Clone, tools: Path) -> None:
    """Debian's own package is current, and Playwright's build may lack libraries."""
    asked = clone.folder / "asked"
    script(tools / "apt-get", f'echo "$*" >>{asked}')
    notes, _output = chromium_of(clone, tools)
    assert asked.read_text(encoding="utf-8").splitlines() == [
        "update -qq",
        "install -y -qq --no-install-recommends chromium chromium-headless-shell",
    ]
    assert "playwright install" not in notes


def test_others_get_playwrights_own(clone: Clone, tools: Path) -> None:
    """Anyone else gets the build that Playwright downloads."""
    script(tools / "id", "echo 1000")
    notes, _output = chromium_of(clone, tools)
    assert "python -m playwright install chromium" in notes


def test_no_chromium_to_be_had_is_said_and_the_rest_is_tested(clone: Clone, tools: Path) -> None:
    """A failed install does not stop the suite; the browser tests speak for themselves."""
    script(tools / "id", "echo 1000")
    notes, output = chromium_of(clone, tools, INSTALL_FAILS="1")
    assert "could not install Chromium" in output
    assert "-m pytest" in notes
