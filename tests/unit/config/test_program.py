import json

import pytest

import config


@pytest.mark.usefixtures("dotenv")
def test_main_prints_what_a_server_needs_and_no_secret(capsys: pytest.CaptureFixture[str]) -> None:
    config.main()
    assert json.loads(capsys.readouterr().out) == {
        "env": "development",
        "host": "127.0.0.1",
        "port": 8000,
        "workers": 2,
        "public_url": "http://localhost:8000",
        "threads": config.THREADS,
        "this_machine": True,
    }


@pytest.mark.usefixtures("dotenv")
def test_main_says_what_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEB_CONCURRENCY", "many")
    with pytest.raises(SystemExit, match="WEB_CONCURRENCY is out of range"):
        config.main()
