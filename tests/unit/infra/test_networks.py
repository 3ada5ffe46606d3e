import pytest

from app.infra.networks import network, parse_address, site

SPELLINGS = {
    "192.0.2.1": [
        "192.0.2.1",
        " 192.0.2.1",
        "192.0.2.1:4711",
        "::ffff:192.0.2.1",
        "[::ffff:c000:201]:9",
    ],
    "2001:db8::1": ["2001:db8::1", "2001:0DB8:0:0:0:0:0:1", "[2001:db8::1]", "[2001:db8::1]:443"],
    "fe80::1": ["fe80::1%eth0", "[fe80::1%25eth0]:443", "fe80::1"],
    "": ["", "unknown", "_hidden", "x" * 5000, "1.2.3", "1.2.3.4.5", "[", "[]", ":", "::1::", "%"],
}


@pytest.mark.parametrize(
    ("text", "address"), [(text, one) for one, texts in SPELLINGS.items() for text in texts]
)
def test_an_address_has_one_spelling(text: str, address: str) -> None:
    """Neither a port nor a zone makes another visitor; all that is no address counts as one."""
    assert parse_address(text) == address
    assert parse_address(address) == address


@pytest.mark.parametrize(
    ("address", "narrow", "wide"),
    [
        ("192.0.2.77", "192.0.2.77/32", "192.0.2.0/24"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64", "2001:db8:1::/48"),
        ("::ffff:192.0.2.77", "192.0.2.77/32", "192.0.2.0/24"),
        ("192.0.2.77:80", "192.0.2.77/32", "192.0.2.0/24"),
        ("nobody", "", ""),
    ],
)
def test_a_network_is_narrow_or_wide(address: str, narrow: str, wide: str) -> None:
    assert (network(address), site(address)) == (narrow, wide)
