import pytest

from app.infra.user_agents import describe

MOZILLA = "Mozilla/5.0"
WINDOWS = f"{MOZILLA} (Windows NT 10.0; Win64; x64)"
MAC = f"{MOZILLA} (Macintosh; Intel Mac OS X 10_15_7)"
WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
IPHONE = f"{MOZILLA} (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15"

NAMES = {
    f"{WINDOWS} {WEBKIT} Chrome/156.0.0.0 Safari/537.36": "Chrome on Windows",
    f"{WINDOWS} {WEBKIT} Chrome/156.0.0.0 Safari/537.36 Edg/156.0.0.0": "Edge on Windows",
    f"{WINDOWS} {WEBKIT} Chrome/156.0.0.0 Safari/537.36 OPR/142.0.0.0": "Opera on Windows",
    f"{MOZILLA} (Windows NT 10.0; rv:152.0) Gecko/20100101 Firefox/152.0": "Firefox on Windows",
    f"{MAC} AppleWebKit/605.1.15 Version/26.0 Safari/605.1.15": "Safari on macOS",
    f"{MOZILLA} (X11; Linux x86_64; rv:152.0) Gecko/20100101 Firefox/152.0": "Firefox on Linux",
    f"{MOZILLA} (X11; CrOS x86_64) {WEBKIT} Chrome/156.0 Safari/537.36": "Chrome on ChromeOS",
    f"{MOZILLA} (Linux; Android 16) {WEBKIT} Chrome/156.0 Mobile Safari/537.36": (
        "Chrome on Android"
    ),
    f"{MOZILLA} (Linux; Android 16) {WEBKIT} SamsungBrowser/30.0 Chrome/140.0 Safari/537.36": (
        "Samsung Internet on Android"
    ),
    f"{IPHONE} Version/19.0 Mobile/15E148 Safari/604.1": "Safari on iPhone",
    f"{IPHONE} CriOS/156.0 Mobile/15E148 Safari/604.1": "Chrome on iPhone",
    f"{IPHONE} FxiOS/152.0 Mobile/15E148 Safari/605.1.15": "Firefox on iPhone",
    f"{MOZILLA} (iPad; CPU OS 19_0 like Mac OS X) Version/19.0 Safari/604.1": "Safari on iPad",
    "curl/8.16.0": "curl",
    "python-requests/2.32.5": "A Python program",
}


@pytest.mark.parametrize(("user_agent", "name"), NAMES.items(), ids=NAMES.values())
def test_a_browser_is_named_as_people_know_it(user_agent: str, name: str) -> None:
    """Browsers also name others; the most particular name counts."""
    assert describe(user_agent) == name


@pytest.mark.parametrize("user_agent", ["", "-", "x" * 5000, "<script>alert(1)</script>"])
def test_what_is_not_known_is_said_to_be_unknown_and_not_repeated(user_agent: str) -> None:
    assert describe(user_agent) == "Unknown browser"


def test_a_known_system_is_named_beside_an_unknown_browser() -> None:
    assert describe("Konqueror (Linux)") == "Unknown browser on Linux"
