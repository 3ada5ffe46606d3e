from pathlib import Path

import pytest

from config import Settings, SettingsError, new_secret


def written(path: Path, text: str, mode: int = 0o600) -> None:
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)


def dotenv_faults() -> tuple[str, ...]:
    """Return what this process's environment and the file have wrong."""
    with pytest.raises(SettingsError) as refused:
        Settings.from_env()
    return refused.value.faults


def test_no_file_is_no_fault(dotenv: Path) -> None:
    assert not dotenv.exists()
    assert Settings.from_env().port == 8000


def test_the_file_is_read_under_the_environment(
    dotenv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Quotes, comments and `export` work; a variable of the environment has precedence."""
    written(dotenv, "# mine\nexport PORT=8123\nCLOCK_LEEWAY='7'\nPASSWORD_MIN_LENGTH=12 # short\n")
    settings = Settings.from_env()
    assert (settings.port, settings.clock_leeway, settings.password_min_length) == (8123, 7, 12)
    monkeypatch.setenv("PORT", "8456")
    assert Settings.from_env().port == 8456


def test_beside_a_given_environment_the_file_is_not_read(dotenv: Path) -> None:
    written(dotenv, "PORT=8123\n")
    assert Settings.from_env({}).port == 8000


def test_a_value_is_taken_as_it_stands(dotenv: Path) -> None:
    """A password may contain what looks like a variable."""
    url = "postgresql+psycopg://u:pa${HOME}$x@db.example.com/latchkey"
    written(dotenv, f"HOME=/root\nDATABASE_URL='{url}'\n")
    assert Settings.from_env().database_url == url


@pytest.mark.parametrize("value", ["1", "true", "yes"])
def test_flask_skip_dotenv_is_honoured(
    dotenv: Path, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    written(dotenv, "PORT=8123\n")
    monkeypatch.setenv("FLASK_SKIP_DOTENV", value)
    assert Settings.from_env().port == 8000
    for off in ("", "0", "false", "No"):
        monkeypatch.setenv("FLASK_SKIP_DOTENV", off)
        assert Settings.from_env().port == 8123


def test_faults_have_file_and_line(dotenv: Path) -> None:
    """The content of a line is not quoted, because it may be a secret."""
    written(dotenv, "PORT=0\nJWT_SECRET\nthis is hunter2\n'=x\nCLOCK_LEEWAY=1\nCLOCK_LEEWAY=2\n")
    told = dotenv_faults()
    assert told == (
        ".env line 2 is not a setting: write NAME=value.",
        ".env line 3 is not a setting: write NAME=value.",
        ".env line 4 is not a setting: write NAME=value.",
        ".env line 6 sets CLOCK_LEEWAY again: keep one of the two.",
        "PORT is out of range: use a whole number from 1 to 65535.",
    )


@pytest.mark.parametrize(
    "line",
    [
        f"JWT_SECRET={new_secret()}",
        f"SECRET_KEY={new_secret()}",
        f"JWT_SECRET_PREVIOUS={new_secret()}",
        "DATABASE_URL=postgresql+psycopg://u:hunter2@db/x",
        "REDIS_URL=redis://:hunter2@redis:6379/0",
        "MAIL_URL=smtp://u:hunter2@mail",
    ],
    ids=[
        "JWT_SECRET",
        "SECRET_KEY",
        "JWT_SECRET_PREVIOUS",
        "DATABASE_URL",
        "REDIS_URL",
        "MAIL_URL",
    ],
)
def test_secrets_that_everybody_can_read_are_refused(dotenv: Path, line: str) -> None:
    """A copy of .env.example has mode 0644. The group may read, as a service's user does."""
    written(dotenv, f"{line}\n", 0o644)
    assert dotenv_faults() == (".env holds secrets and everybody can read it: chmod 600 .env.",)
    dotenv.chmod(0o640)
    Settings.from_env()


def test_a_file_without_secrets_may_be_read_by_everybody(dotenv: Path) -> None:
    urls = "DATABASE_URL=sqlite:////nowhere/x.db\nREDIS_URL=redis://redis:6379/0\n"
    written(dotenv, f"PORT=8123\nJWT_SECRET=\n{urls}", 0o644)
    assert Settings.from_env().port == 8123


def test_a_file_that_cannot_be_read_is_a_fault(dotenv: Path) -> None:
    dotenv.write_bytes(b"PORT=\xff\n")
    assert dotenv_faults() == (".env is not UTF-8 text: save it as UTF-8.",)
    dotenv.unlink()
    dotenv.mkdir()
    assert dotenv_faults() == (
        ".env cannot be read (Is a directory): make it readable, or remove it.",
    )
