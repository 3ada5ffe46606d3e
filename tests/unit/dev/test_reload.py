import os
import signal
import threading
from pathlib import Path

import pytest

from app.dev.reload import Watched, reloader, watch


@pytest.fixture
def code(tmp_path: Path) -> Path:
    """The folder `app` of a tree."""
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "view.py").write_text("1", encoding="utf-8")
    return folder


def test_each_change_of_the_code_is_seen_once(code: Path) -> None:
    files = Watched(code.parent)
    assert not files.changed()
    os.utime(code / "view.py", (2_000_000_000, 2_000_000_000))
    assert files.changed()
    assert not files.changed()
    (code / "page.html").write_text("1", encoding="utf-8")
    assert files.changed()
    (code / "view.py").unlink()
    assert files.changed()
    assert not files.changed()


def test_what_no_worker_loads_is_not_watched(code: Path) -> None:
    files = Watched(code.parent)
    (code / "notes.js").write_text("1", encoding="utf-8")
    (code.parent / "instance").mkdir()
    (code.parent / "instance" / "run.py").write_text("1", encoding="utf-8")
    assert not files.changed()


def test_a_file_that_goes_away_meanwhile_is_no_error(code: Path) -> None:
    """An editor renames its drafts; here a link leads nowhere."""
    files = Watched(code.parent)
    (code / "gone.py").symlink_to(code / "nowhere")
    assert not files.changed()


def test_a_change_reloads(code: Path) -> None:
    stopped = threading.Event()
    files = Watched(code.parent)
    os.utime(code / "view.py", (2_000_000_000, 2_000_000_000))
    watch(stopped, files, stopped.set)
    assert stopped.is_set()


def test_without_a_change_nothing_is_reloaded(code: Path) -> None:
    stopped = threading.Event()

    class Unchanged(Watched):
        looks = 0

        def changed(self) -> bool:
            self.looks += 1
            if self.looks == 2:
                stopped.set()
            return super().changed()

    watch(stopped, Unchanged(code.parent), lambda: pytest.fail("reloaded"))
    assert stopped.is_set()


def test_the_master_gets_the_signal(monkeypatch: pytest.MonkeyPatch) -> None:
    """After the master's end its process id may belong to another process."""
    sent: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda *call: sent.append(call))
    monkeypatch.setattr(os, "getppid", lambda: 4711)
    reload = reloader()
    reload()
    monkeypatch.setattr(os, "getppid", lambda: 1)
    reload()
    assert sent == [(4711, signal.SIGHUP)]
