import pytest

from app.accounts.password_policy import PasswordPolicy
from app.errors import WeakPassword

EMAIL = "ada.lovelace@example.com"
GOOD = "violet harbour anchors"
POLICY = PasswordPolicy(15, product_words=("Inkwell", "accounts.inkwell.example"))


def codes(password: str) -> list[str]:
    """Return the codes of the reasons against a new password, none when it is accepted."""
    try:
        POLICY.check(password, EMAIL)
    except WeakPassword as weak:
        return [code for code, _ in weak.reasons]
    return []


@pytest.mark.parametrize(
    "password",
    [
        GOOD,
        "zvkqhwmxjfubtpd",
        "  zvk qhw mxj fub  ",
        "correct horse battery staple",
        "\u0431\u0443\u0434\u0435\u0442 \u0441\u043d\u0435\u0433 \u0437\u0438\u043c\u043e\u0439",
        "9173640285501927366",
        "qz" + "\U0001f511\U0001f40e\U0001f50b\U0001f4ce" * 4,
        "x" * 70 + "unlisted",
    ],
)
def test_a_long_uncommon_password_is_accepted(password: str) -> None:
    """There are no rules of composition."""
    assert codes(password) == []


def test_length_is_counted_in_code_points() -> None:
    """After composition (NFC)."""
    assert codes("\u00fc\u0436\u4e2d" + "kqzvwxjhfbm") == ["too_short"]
    assert codes("\u00fc\u0436\u4e2d" + "kqzvwxjhfbmp") == []
    assert codes("u\u0308\u0436\u4e2d" + "kqzvwxjhfbm") == ["too_short"]


def test_the_shortest_length_is_a_setting_that_the_refusal_names() -> None:
    policy = PasswordPolicy(20)
    with pytest.raises(WeakPassword) as weak:
        policy.check("zvkqhwmxjfubtpdrgyc", EMAIL)
    assert weak.value.detail == "Use at least 20 characters; a few words will do."
    policy.check("zvkqhwmxjfubtpdrgycs", EMAIL)


def test_a_password_has_at_most_1024_bytes() -> None:
    assert codes("\u00fcq" * 341 + "x") == []
    assert codes("\u00fcq" * 341 + "xy") == ["too_long"]


@pytest.mark.parametrize(
    "password",
    [
        *("passwordpassword", "password123456789", "P@ssw0rdP@ssw0rd", "iloveyouiloveyou"),
        *("qwertyuiopasdfghjkl", "abcdefghijklmnopqrst", "123456789012345678"),
        *(
            "aaaaaaaaaaaaaaaa",
            "20012001200120012001",
            "inkwellinkwell1",
            "Accounts.Inkwell.Example",
        ),
    ],
)
def test_what_attackers_try_first_is_refused(password: str) -> None:
    assert codes(password) == ["too_common"]


@pytest.mark.parametrize("password", [EMAIL, EMAIL.upper()])
def test_ones_own_address_is_refused(password: str) -> None:
    assert codes(password) == ["own_email"]


def test_the_part_of_ones_address_before_the_at_is_refused() -> None:
    policy = PasswordPolicy(8)
    with pytest.raises(WeakPassword) as weak:
        policy.check("ada.lovelace", EMAIL)
    assert weak.value.detail == "Do not use your e-mail address as your password."
    policy.check("zvkqhwmxjf", EMAIL)


def test_of_a_short_password_nothing_else_is_said() -> None:
    assert codes("password") == ["too_short"]
