"""The folder of development's mailbox."""

from email.message import EmailMessage
from pathlib import Path

import pytest

from app.mail import folder
from app.mail.folder import Folder
from app.mail.transports import Failed


def a_message(number: int) -> EmailMessage:
    made = EmailMessage()
    made["Message-ID"] = f"<{number:022}@localhost>"
    return made


def test_a_folder_keeps_the_newest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "MAX_MAILBOX", 3)
    with Folder(tmp_path / "mailbox").connect() as deliver:
        for number in range(5):
            deliver(a_message(number))
    names = [path.stem.partition("-")[2] for path in sorted((tmp_path / "mailbox").iterdir())]
    assert names == [f"{number:022}" for number in (2, 3, 4)]


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "mailbox").write_text("a file")
    with (
        pytest.raises(Failed, match=r"cannot be written \(File exists\)"),
        Folder(tmp_path / "mailbox").connect(),
    ):
        pass
