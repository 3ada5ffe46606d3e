from dataclasses import FrozenInstanceError, fields
from typing import Any, get_type_hints

import pytest

from app.tokens.claims import AccessTokenClaims, with_claims

OURS = {
    "iss": "https://localhost",
    "aud": "https://localhost",
    "sub": "u" * 22,
    "sid": "s" * 22,
    "jti": "j" * 22,
    "iat": 1_800_000_000,
    "exp": 1_800_000_600,
    "auth_time": 1_800_000_000,
}


def made(further: dict[str, type[str | int]], **values: object) -> Any:  # noqa: ANN401 - of a class made here
    """Return claims of the class with `further` claims."""
    make: Any = with_claims(further)
    return make(**OURS, **values)


def test_without_further_claims_the_class_is_ours() -> None:
    assert with_claims({}) is AccessTokenClaims


def test_further_claims_come_after_ours_and_may_be_absent() -> None:
    """A token from before the claim was added is still complete."""
    kind = with_claims({"plan": str, "seats": int})
    names = [one.name for one in fields(AccessTokenClaims)]
    assert [one.name for one in fields(kind)] == [*names, "plan", "seats"]
    claims = made({"plan": str, "seats": int}, plan="pro")
    assert (claims.sub, claims.cnf, claims.plan, claims.seats) == ("u" * 22, None, "pro", None)


def test_a_further_claim_has_its_type_or_is_absent() -> None:
    hints = get_type_hints(with_claims({"plan": str, "seats": int}))
    assert (hints["plan"], hints["seats"]) == (str | None, int | None)


def test_claims_with_further_ones_are_access_token_claims() -> None:
    kind = with_claims({"plan": str})
    assert issubclass(kind, AccessTokenClaims)
    assert kind.__name__ == "AccessTokenClaims"


def test_verified_claims_never_change() -> None:
    """They are cached and shared between requests."""
    claims = made({"plan": str}, plan="pro")
    with pytest.raises(FrozenInstanceError):
        claims.plan = "enterprise"
    assert not hasattr(claims, "__dict__")


@pytest.mark.parametrize(
    "name",
    [
        *(one.name for one in fields(AccessTokenClaims)),
        *("family_id", "nbf", "scope", "client_id", "acr", "azp", "act", "roles"),
        *("groups", "entitlements", "two words", "1st", "a-b", ""),
    ],
)
def test_a_claim_that_means_something_else_cannot_be_added(name: str) -> None:
    with pytest.raises(ValueError, match="cannot add the claim") as refused:
        with_claims({"plan": str, name: str})
    assert str(refused.value) == (
        f"A feature cannot add the claim {name!r}: choose a Python identifier that is not"
        " a registered claim."
    )


@pytest.mark.parametrize("type_", [list, bool, float, object])
def test_a_claim_is_a_text_or_a_number(type_: Any) -> None:  # noqa: ANN401 - not a type of claims
    with pytest.raises(ValueError, match="'plan' of a feature has to be"):
        with_claims({"plan": type_})


@pytest.mark.parametrize("name", ["sub", "cnf", "family_id", "scope", "amr", "no name", "class"])
def test_a_claim_of_ours_cannot_be_redefined(name: str) -> None:
    """The application does not start, instead of signing what means something else."""
    with pytest.raises(ValueError, match=f"cannot add the claim '{name}'"):
        with_claims({name: str})
