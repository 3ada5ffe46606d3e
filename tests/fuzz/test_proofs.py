import hashlib
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, derive_private_key
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import event, given
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from app.attacks.prover import Prover, token_hash
from app.tokens.dpop import ExpectedRequest, Proof, ProofRefused, read_proof
from app.tokens.nonces import Nonces
from tests.fuzz.effort import SECONDS, effort
from tests.fuzz.forms import ALPHABET, json_object, respelled, texts, unpacked, written
from tests.fuzz.p256 import N, P, on_curve, verifies
from tests.support.clock import NOW, SettableClock
from tests.support.factories import alone
from tests.support.forger import encode

pytestmark = pytest.mark.timeout(SECONDS)

DAY: Final = 86400
URL: Final = "https://localhost/auth/refresh"
TOKEN: Final = "an.access.token"
NONCES: Final = Nonces(b"a key for nonces", 5)


class Signer(Prover):
    """A key that is the same in every run, and signs the same text with the same signature."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self._key = derive_private_key(number, SECP256R1())
        at = self._key.public_key().public_numbers()
        self.jwk |= {"x": encode(at.x.to_bytes(32)), "y": encode(at.y.to_bytes(32))}

    def signature(self, signed: str) -> bytes:
        how = ECDSA(SHA256(), deterministic_signing=True)
        r, s = decode_dss_signature(self._key.sign(signed.encode("utf-8", "surrogatepass"), how))
        return r.to_bytes(32) + s.to_bytes(32)


NONCE: Final = NONCES.current(NOW)
# From the oldest that is still good to the newest that a clock ahead may have made.
GOOD_NONCES: Final = {NONCES.current(NOW + at): NOW + at for at in (0, -239, -1, 1, 16)}
SIGNERS: Final = tuple(Signer(2**200 + number) for number in range(5))
REFRESH: Final = ExpectedRequest("POST", URL, NOW, NONCES)
PROTECTED: Final = ExpectedRequest(
    "GET", "https://localhost/api/me", NOW, NONCES, token_hash(TOKEN)
)
REASONS: Final = {
    *("too_long", "not_compact", "not_canonical", "not_json", "header", "algorithm", "key"),
    *("signature", "claims", "request", "token", "jti", "iat", "nonce"),
}


def says(text: str, asked: ExpectedRequest) -> Proof | None:
    """Return what a proof says that is right in everything (RFC 9449 section 4.3), else None."""
    try:
        head, body, tail = text.split(".")
        header, claims = json_object(unpacked(head)), json_object(unpacked(body))
        signature, jwk = unpacked(tail), header["jwk"]
        x, y = (unpacked(jwk[name]) for name in "xy")
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
        return None
    jti, iat, nonce = claims.get("jti"), claims.get("iat"), claims.get("nonce")
    if isinstance(claims.get("htu"), str):
        claims["htu"] = claims["htu"].partition("#")[0].partition("?")[0]
    about = {"htm": asked.method, "htu": asked.url} | ({"ath": asked.ath} if asked.ath else {})
    right = (
        len(text) <= 2048
        and header == {"typ": "dpop+jwt", "alg": "ES256", "jwk": jwk}
        and jwk == {"kty": "EC", "crv": "P-256", "x": jwk["x"], "y": jwk["y"]}
        and len(x) == len(y) == 32
        and claims == about | {"jti": jti, "iat": iat, "nonce": nonce}
        and isinstance(jti, str)
        and 8 <= len(jti) <= 128
        and set(jti) <= {*ALPHABET, ".", "~"}
        and type(iat) is int
        and -DAY <= iat - asked.now <= DAY
        and isinstance(nonce, str)
        and nonce in GOOD_NONCES
    )
    point = int.from_bytes(x), int.from_bytes(y)
    # Last: it takes its time.
    if not (right and on_curve(*point) and verifies(*point, f"{head}.{body}".encode(), signature)):
        return None
    members = f'{{"crv":"P-256","kty":"EC","x":"{jwk["x"]}","y":"{jwk["y"]}"}}'
    jkt = encode(hashlib.sha256(members.encode()).digest())
    return Proof(jkt, str(jti), GOOD_NONCES[str(nonce)])


def read(text: str, asked: ExpectedRequest) -> tuple[str, Proof | None]:
    """Read a proof; return the reason, if any, and the proof, if any.

    Nothing but a refusal may come out of it, whatever the text.
    """
    try:
        return "", read_proof(text, asked)
    except ProofRefused as refused:
        return refused.reason, None


doors: Final = st.sampled_from([REFRESH, PROTECTED])
numbers_of_proofs: Final = st.text(st.sampled_from(f"{ALPHABET}.~"), min_size=8, max_size=128)


@st.composite
def claims_of(draw: DrawFn, asked: ExpectedRequest) -> dict[str, Any]:
    """Return good claims, mostly, with a time around its limits."""
    off = draw(st.sampled_from([0] * 6 + [DAY, -DAY, DAY + 1, -DAY - 1]))
    bad_nonces = (NONCES.current(NOW + 17), NONCES.current(NOW - 240))
    nonce = draw(st.sampled_from([*GOOD_NONCES, *bad_nonces]))
    said = {"htm": asked.method, "htu": asked.url} | ({"ath": asked.ath} if asked.ath else {})
    return said | {"jti": draw(numbers_of_proofs), "iat": NOW + off, "nonce": nonce}


@st.composite
def proofs(draw: DrawFn, asked: ExpectedRequest) -> str:
    """Return a proof that is right, or wrong in a few ways, by its own key or another."""
    own = draw(st.integers(0, 2))

    def sign(signed: str, number: int) -> bytes:
        return SIGNERS[(own + number) % len(SIGNERS)].signature(signed)

    return draw(written(SIGNERS[own].header(), draw(claims_of(asked)), sign))


def test_a_signed_proof_is_read_if_it_is_exactly_right() -> None:
    """The examples meet every reason for a refusal."""
    reached = set()

    @effort(800)
    @given(data=st.data(), asked=doors)
    def run(data: st.DataObject, asked: ExpectedRequest) -> None:
        text = data.draw(proofs(asked))
        reason, proof = read(text, asked)
        assert proof == says(text, asked)
        assert read(text, asked) == (reason, proof)
        event(reason or "read")
        reached.add(reason)

    run()
    assert reached == REASONS | {""}


@st.composite
def coordinates(draw: DrawFn) -> str:
    """Return a coordinate: of a key, at a limit of the field, of another size, or none at all."""
    own = draw(st.sampled_from(SIGNERS)).jwk[draw(st.sampled_from("xy"))]
    number = int.from_bytes(unpacked(own))
    others = [number, P - number, number + P, 0, 1, P - 1, P, P + 1, 2**256 - 1]
    other = draw(st.sampled_from(others))
    size = draw(st.sampled_from([32] * 6 + [31, 33, 64]))
    return draw(
        st.just(own)
        | st.just(encode(bytes(1) + unpacked(own)))
        | st.just(encode((other % 2 ** (8 * size)).to_bytes(size)))
        | respelled(own)
    )


@effort(150)
@given(data=st.data(), asked=doors)
def test_only_the_signers_own_key_verifies_its_proof(
    data: st.DataObject, asked: ExpectedRequest
) -> None:
    """The header may name any other point."""
    own = data.draw(st.sampled_from(SIGNERS))
    others = {name: data.draw(coordinates()) for name in data.draw(st.sets(st.sampled_from("xy")))}
    jwk = own.jwk | others | data.draw(st.sampled_from([{}, {}, own.private_jwk, {"kid": "1"}]))
    claims = data.draw(claims_of(asked)) | {"iat": NOW, "nonce": NONCE}
    text = own.sign(own.header() | {"jwk": jwk}, claims)
    reason, proof = read(text, asked)
    event(reason or "read")
    assert proof == says(text, asked)
    assert (proof is not None) == (jwk == own.jwk)


@effort(120)
@given(data=st.data(), asked=doors)
def test_a_signature_and_its_twin_are_one_proof(
    data: st.DataObject, asked: ExpectedRequest
) -> None:
    """Of all other r and s only (r, n - s) verifies, and that is the same, consumed proof."""
    own = SIGNERS[0]
    claims = data.draw(claims_of(asked)) | {"iat": NOW, "nonce": NONCE}
    text = own.sign(own.header(), claims)
    signed, _, tail = text.rpartition(".")
    r, s = (int.from_bytes(unpacked(tail)[at : at + 32]) for at in (0, 32))
    limits = [0, 1, N - 1, N, N + 1, 2**256 - 1]
    other = (
        data.draw(st.sampled_from([r, r, r, (N - r) % N, (r + N) % 2**256, s, *limits])),
        data.draw(st.sampled_from([s, N - s, (s + N) % 2**256, r, *limits])),
    )
    mail = b"".join(number.to_bytes(32) for number in other)
    assert read(f"{signed}.{encode(mail[:32] + bytes(1) + mail[32:])}", asked)[0] == "signature"
    twin = f"{signed}.{encode(mail)}"
    assert (read(twin, asked)[1] is not None) == (other in {(r, s), (r, N - s)})
    assert read(twin, asked)[1] == says(twin, asked)
    replay_cache = alone(SettableClock(NOW - 60))
    replay_cache.consume(read_proof(text, asked))
    if other == (r, N - s):
        with pytest.raises(ProofRefused, match=r"^replayed$"):
            replay_cache.consume(read_proof(twin, asked))


@effort(300)
@given(data=st.data(), asked=doors)
def test_a_proof_has_one_spelling(data: st.DataObject, asked: ExpectedRequest) -> None:
    """Another spelling is refused, whether or not the proof was read before."""
    own = data.draw(st.sampled_from(SIGNERS))
    claims = data.draw(claims_of(asked)) | {"iat": NOW, "nonce": NONCE}
    text = own.sign(own.header(), claims)
    if data.draw(st.booleans(), label="read before"):
        assert read(text, asked)[0] == ""
    other = data.draw(respelled(text))
    assert (read(other, asked)[0] == "") == (other == text)
    assert read(text, asked)[1] == Proof(own.thumbprint, claims["jti"], NOW)


@effort(200)
@given(data=st.data(), order=st.permutations(range(6)))
def test_segments_of_two_proofs_make_no_third(data: st.DataObject, order: list[int]) -> None:
    keys = data.draw(st.lists(st.sampled_from(SIGNERS), min_size=2, max_size=2))
    good = [own.sign(own.header(), data.draw(claims_of(REFRESH))) for own in keys]
    segments = ".".join(good).split(".")
    mixed = ".".join(segments[at] for at in order[:3])
    assert read(mixed, REFRESH)[1] == says(mixed, REFRESH)


@effort(300)
@given(text=texts, asked=doors)
def test_any_text_is_refused(text: str, asked: ExpectedRequest) -> None:
    assert read(text, asked)[0]
    assert read(f"{text}.{text}.{text}", asked)[0]


@effort(60)
@given(order=st.lists(st.integers(0, 4), min_size=2, max_size=12), data=st.data())
def test_remembered_keys_are_not_confused(order: list[int], data: st.DataObject) -> None:
    for own in order:
        signer = data.draw(st.sampled_from([own, own, own, (own + 1) % 5]))
        spaces = b" " * data.draw(st.integers(0, 2))
        head = encode(b'{"typ":"dpop+jwt","alg":"ES256","jwk":%b}' % _packed(own, spaces))
        body = SIGNERS[own].proof("POST", URL, iat=NOW, nonce=NONCE).split(".")[1]
        text = f"{head}.{body}.{encode(SIGNERS[signer].signature(f'{head}.{body}'))}"
        proof = read(text, REFRESH)[1]
        assert (proof and proof.jkt) == (SIGNERS[own].thumbprint if signer == own else None)


def _packed(own: int, spaces: bytes) -> bytes:
    members = (f'"{name}":"{value}"'.encode() for name, value in SIGNERS[own].jwk.items())
    return b"{" + (b"," + spaces).join(members) + b"}"
