from __future__ import annotations

import base64
import multiprocessing
import os
import stat
from pathlib import Path

import pytest

import config
from config import Settings, SettingsError, decode_secret, new_secret
from tests.unit.config.reports import GOOD


def test_development_needs_no_variable(instance: Path) -> None:
    settings = Settings.from_env({})
    assert (settings.env, settings.public_url) == ("development", "http://localhost:8000")
    assert settings.database_url == f"sqlite:///{instance / 'latchkey.db'}"
    assert settings.redis_url == f"unix://{instance / 'valkey.sock'}"
    assert len(settings.jwt_secret) == 48
    assert base64.urlsafe_b64encode(settings.jwt_secret).decode() != settings.secret_key


@pytest.mark.parametrize(
    "url",
    [
        *("http://localhost:8000", "http://LOCALHOST", "http://shop.localhost:8000"),
        *("http://127.0.0.1:8000", "http://127.8.9.10", "https://app.example.com"),
    ],
)
@pytest.mark.usefixtures("instance")
def test_development_is_where_browsers_have_a_secure_context(url: str) -> None:
    assert Settings.from_env({"PUBLIC_URL": url}).env == "development"


@pytest.mark.parametrize(
    "url",
    [
        *("http://app.example.com", "http://192.168.1.20:8000", "http://raspberrypi:8000"),
        *("http://localhost.example.com", "http://mylocalhost", "http://0.0.0.0:8000"),
    ],
)
@pytest.mark.usefixtures("instance")
def test_development_elsewhere_without_tls_is_refused(url: str) -> None:
    """Browsers keep no Secure cookie and offer no crypto there."""
    with pytest.raises(SettingsError) as refused:
        Settings.from_env({"PUBLIC_URL": url, "PORT": "8123"})
    (fault,) = refused.value.faults
    assert fault.startswith("PUBLIC_URL is http on another host than localhost")
    assert fault.endswith("use http://localhost:8123, or https.")


def test_the_port_moves_the_default_address(instance: Path) -> None:
    assert Settings.from_env({"PORT": "8123"}).public_url == "http://localhost:8123"
    assert instance.is_dir()


def test_kept_secrets_are_for_their_owner_alone_whatever_the_umask(instance: Path) -> None:
    before = os.umask(0)
    try:
        Settings.from_env({})
    finally:
        os.umask(before)
    files = sorted(path.name for path in instance.iterdir())
    assert files == ["jwt_secret.txt", "secret_key.txt"]
    for name in files:
        assert stat.S_IMODE((instance / name).stat().st_mode) == 0o600
    assert stat.S_IMODE(instance.stat().st_mode) == 0o700


def test_a_second_start_has_the_secrets_of_the_first(instance: Path) -> None:
    first, second = Settings.from_env({}), Settings.from_env({})
    assert (first.jwt_secret, first.secret_key) == (second.jwt_secret, second.secret_key)
    for path in instance.iterdir():
        path.unlink()
    assert Settings.from_env({}).jwt_secret != first.jwt_secret


def test_a_given_secret_is_written_nowhere(instance: Path) -> None:
    given = {"JWT_SECRET": new_secret(), "SECRET_KEY": new_secret()}
    assert Settings.from_env(given).jwt_secret == decode_secret(given["JWT_SECRET"])
    assert list(instance.iterdir()) == []


def test_with_another_variable_wrong_no_secret_is_missing(instance: Path) -> None:
    with pytest.raises(SettingsError) as refused:
        Settings.from_env({"PORT": "none"})
    assert [fault.split()[0] for fault in refused.value.faults] == ["PORT"]
    assert instance.is_dir()


def test_a_kept_secret_that_was_spoilt_is_refused_like_a_given_one(instance: Path) -> None:
    instance.mkdir()
    (instance / "jwt_secret.txt").write_text("secret")
    with pytest.raises(SettingsError, match=r"JWT_SECRET has 4 bytes"):
        Settings.from_env({})


def test_a_folder_that_cannot_be_made_is_a_fault(tmp_path: Path, instance: Path) -> None:
    instance.write_text("in the way")
    with pytest.raises(SettingsError) as refused:
        Settings.from_env({})
    assert refused.value.faults[0].startswith("instance/ cannot be made (File exists)")
    assert tmp_path.is_dir()


def test_a_folder_that_cannot_be_used_is_a_fault(instance: Path) -> None:
    (instance / "jwt_secret.txt").mkdir(parents=True)
    with pytest.raises(SettingsError) as refused:
        Settings.from_env({})
    assert refused.value.faults[0].startswith("instance/ is not usable (Is a directory)")


def read_secret(root: Path, answers: multiprocessing.SimpleQueue[bytes]) -> None:
    config.ROOT = root  # type: ignore[misc]
    answers.put(Settings.from_env({}).jwt_secret)


def test_processes_that_start_together_have_one_secret(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    answers: multiprocessing.SimpleQueue[bytes] = context.SimpleQueue()
    started = [context.Process(target=read_secret, args=(tmp_path, answers)) for _ in range(4)]
    for process in started:
        process.start()
    for process in started:
        process.join()
    assert len({answers.get() for _ in started}) == 1


def test_a_secret_that_another_process_wrote_meanwhile_wins(
    instance: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    instance.mkdir()
    path, link = instance / "jwt_secret.txt", os.link

    def slow(draft: Path, target: Path) -> None:
        if target == path and not path.exists():
            path.write_text(GOOD["JWT_SECRET"])
        link(draft, target)

    monkeypatch.setattr(os, "link", slow)
    assert Settings.from_env({}).jwt_secret == decode_secret(GOOD["JWT_SECRET"])
    assert sorted(path.name for path in instance.iterdir()) == ["jwt_secret.txt", "secret_key.txt"]
