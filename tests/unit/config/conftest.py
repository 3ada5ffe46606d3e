import os
from pathlib import Path

import pytest

import config


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that development keeps its secrets in; it does not exist yet."""
    monkeypatch.setattr(config, "ROOT", tmp_path)
    monkeypatch.delenv("FLASK_SKIP_DOTENV")
    return tmp_path / "instance"


@pytest.fixture
def dotenv(instance: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file beside config.py, which is not there yet, and an empty environment."""
    for name in list(os.environ):
        monkeypatch.delenv(name)
    return instance.with_name(".env")
