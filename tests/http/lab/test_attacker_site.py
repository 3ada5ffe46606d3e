"""The attacker site: which pages it has, where they are, and what they lack."""

from typing import Final

import pytest
from flask.testing import FlaskClient

from app.dev.lab.attacker_pages import ATTACKS
from app.dev.lab.attacker_site import attacker_origin
from app.dev.lab.weakened_pages import LOGIN, SESSION
from app.web.headers import ALWAYS
from tests.http.lab.visits import opened

POLICY: Final = "Content-Security-Policy"


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("http://localhost:8000", "http://127.0.0.1:8000"),
        ("http://127.0.0.1", "http://localhost"),
        ("https://app.example.com", ""),
        ("http://localhost.example.com", ""),
    ],
)
def test_another_site(ours: str, theirs: str) -> None:
    assert attacker_origin(ours) == theirs


def test_the_attacker_site_is_for_open_runs(visitor: FlaskClient, attacker: FlaskClient) -> None:
    run = f"lab_run={opened(visitor)['run']}"
    theirs = [f"/lab/attacker-site/attacker/{slug}" for slug in ATTACKS]
    ours = [
        "/lab/attacker-site/injected/search",
        "/lab/attacker-site/injected/plant",
        "/lab/attacker-site/weakened/framed",
    ]
    for path in theirs:
        assert attacker.get(f"{path}?{run}").status_code == 200
        assert visitor.get(f"{path}?{run}").status_code == 404
    for path in ours:
        assert visitor.get(f"{path}?{run}").status_code == 200
        assert attacker.get(f"{path}?{run}").status_code == 404
    for client, paths in ((attacker, theirs), (visitor, ours)):
        for path in paths:
            for query in ("", "?lab_run=", "?lab_run=x", f"?lab_run={'0' * 32}"):
                assert client.get(path + query).status_code == 404
    assert attacker.get(f"/lab/attacker-site/attacker/replay?{run}").status_code == 404


def test_exceptions_from_the_headers(visitor: FlaskClient, attacker: FlaskClient) -> None:
    """Injected script runs in one page, without the policy but with all else."""
    run = f"lab_run={opened(visitor)['run']}"
    for page in ("search", "search?weakened", "plant"):
        joined = f"{page}{'&' if '?' in page else '?'}{run}"
        headers = visitor.get(f"/lab/attacker-site/injected/{joined}").headers
        assert POLICY not in headers
        rest = [(name, value) for name, value in ALWAYS if name != POLICY]
        assert [(name, headers.get(name)) for name, _ in rest] == rest
    guarded = visitor.get(f"/lab/page/guarded?{run}")
    assert guarded.headers[POLICY] == dict(ALWAYS)[POLICY]
    assert "<script>" in guarded.get_data(as_text=True)
    assert POLICY not in visitor.get(f"/lab/attacker-site/weakened/framed?{run}").headers
    assert POLICY not in attacker.get(f"/lab/attacker-site/attacker/clickjacking?{run}").headers


def test_weakened_session(visitor: FlaskClient, attacker: FlaskClient) -> None:
    """The weakened endpoint serves whoever makes the browser send its cookie."""
    run = f"lab_run={opened(visitor)['run']}"
    used = visitor.post(f"/lab/attacker-site/weakened/session?{run}").get_json(force=True)["used"]
    cookie = visitor.get_cookie(SESSION, path="/lab/attacker-site/")
    assert cookie is not None
    assert cookie.same_site == "None"
    path = f"/lab/attacker-site/weakened/refresh?{run}"
    assert attacker.post(path).status_code == 204
    answer = visitor.post(f"{path}&then=csrf-on-refresh", headers={"Origin": "null"})
    assert answer.status_code == 303
    assert answer.location.endswith(f"/lab/attacker-site/attacker/csrf-on-refresh?{run}&second")
    now = visitor.get(f"/lab/attacker-site/weakened/whoami?{run}").get_json(force=True)
    assert now == {"name": "", "used": used + 1}


def test_weakened_log_in(visitor: FlaskClient) -> None:
    run = f"lab_run={opened(visitor)['run']}"
    form = {"email": "attacker@example.com"}
    visitor.post(f"/lab/attacker-site/weakened/login?{run}&then=login-csrf", data=form)
    whoami = f"/lab/attacker-site/weakened/whoami?{run}"
    assert visitor.get(whoami).get_json(force=True)["name"] == "attacker@example.com"
    visitor.post(f"/lab/attacker-site/weakened/leave?{run}")
    assert visitor.get_cookie(LOGIN, path="/lab/attacker-site/") is None
    assert visitor.get(whoami).get_json(force=True)["name"] == ""
