import base64

from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.tokens.jws import decode_base64url_strict


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.binary(max_size=80))
@example(b"\x00\x00\x17")  # AAAX: an end that looks like no padding
def test_all_bytes_have_their_one_spelling(raw: bytes) -> None:
    assert decode_base64url_strict(base64.urlsafe_b64encode(raw).decode().rstrip("=")) == raw
