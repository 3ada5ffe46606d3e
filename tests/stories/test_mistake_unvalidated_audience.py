"""Not validating the audience: a token minted for service A opens service B.

The forger here even has the signing key: only the audience is wrong.
"""

from tests.support.client import Client, ended, problem
from tests.support.forger import forge

OURS = "https://localhost/api"
AUDIENCES: dict[str, object] = {
    "another service's": "https://billing.example.com/api",
    "ours and another's": [OURS, "https://billing.example.com/api"],
    "a list of ours alone": [OURS],
    "ours with a slash": f"{OURS}/",
    "ours in capitals": OURS.upper(),
    "the beginning of ours": "https://localhost",
    "ours and more": f"{OURS} https://billing.example.com",
    "the refresh token's": "https://localhost/auth/refresh",
    "empty": "",
    "nothing": None,
    "a number": 1,
    "anything": "*",
}


def test_token_for_another_audience(ada: Client, thief: Client) -> None:
    """One string and exactly ours, or it is refused; the same token for us is let in."""
    for audience in AUDIENCES.values():
        problem(thief.me(forge(ada, aud=audience)), 401, "invalid_token")

    assert thief.me(forge(ada)).status_code == 200
    assert ada.me().status_code == 200


def test_token_without_audience(ada: Client, thief: Client) -> None:
    problem(thief.me(forge(ada, without="aud")), 401, "invalid_token")


def test_each_token_has_its_own_audience(ada: Client, thief: Client) -> None:
    problem(thief.me(ada.refresh_token), 401, "invalid_token")
    ended(thief.refresh(ada.access_token))

    assert ada.alive()
