"""Bodies that nobody's client sends."""

import json
from itertools import product

from werkzeug.test import TestResponse

from tests.support.client import EMAIL, NEW_PASSWORD, PASSWORD, Client, problem
from tests.support.databases import one_database

pytestmark = one_database

GOOD = {"email": EMAIL, "password": PASSWORD}
RAW = {
    "empty": b"",
    "space": b"  \n",
    "array": b"[]",
    "array of one": json.dumps([GOOD]).encode(),
    "text": b'"ada"',
    "number": b"1",
    "null": b"null",
    "true": b"true",
    "two objects": json.dumps(GOOD).encode() * 2,
    "cut off": json.dumps(GOOD).encode()[:-1],
    "single quotes": str(GOOD).encode(),
    "trailing comma": b'{"email": "ada@example.com", "password": "x",}',
    "comment": b'{"email": "ada@example.com", /* */ "password": "x"}',
    "BOM": b"\xef\xbb\xbf" + json.dumps(GOOD).encode(),
    "UTF-16": json.dumps(GOOD).encode("utf-16"),
    "UTF-16 without BOM": json.dumps(GOOD).encode("utf-16-le"),
    "UTF-32": json.dumps(GOOD).encode("utf-32"),
    "Latin-1": '{"email": "ad\u00e4@example.com", "password": "x"}'.encode("latin-1"),
    "overlong UTF-8": b'{"email": "\xc0\xaf@example.com", "password": "x"}',
    "encoded surrogate": b'{"email": "\xed\xa0\x80@example.com", "password": "x"}',
    "NaN": b'{"email": "ada@example.com", "password": "x", "n": NaN}',
    "Infinity": b'{"email": "ada@example.com", "password": "x", "n": -Infinity}',
    "huge number": b'{"email": "ada@example.com", "password": "x", "n": ' + b"9" * 5000 + b"}",
    "deep arrays": b"[" * 20_000 + b"]" * 20_000,
    "deep objects": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "deep and unclosed": b"[" * 60_000,
    "twice": b'{"email": "ada@example.com", "email": "eve@example.com", "password": "x"}',
    "twice inside": b'{"email": "ada@example.com", "password": "x", "a": {"b": 1, "b": 2}}',
    "twice, once escaped": b'{"email": "a", "\\u0065mail": "b", "password": "x"}',
    "control character": b'{"email": "ada\n@example.com", "password": "x"}',
}
WRONG: dict[str, object] = {
    "number": 5,
    "true": True,
    "null": None,
    "array": ["x"],
    "object": {"$ne": ""},
    "empty": "",
    "NUL": "a\x00b",
    "lone surrogate": "\ud800",
    "reversed surrogates": "\udc00\ud800",
}


def post(who: Client, path: str, raw: bytes, kind: str = "application/json") -> TestResponse:
    return who.ask("POST", path, headers={"Content-Type": kind}, data=raw)


def test_not_one_well_formed_object(thief: Client) -> None:
    for raw, path in product(RAW.values(), ("/auth/login", "/auth/register")):
        problem(post(thief, path, raw), 400, "invalid_request")


def test_password_change_reads_its_body_alike(ada: Client) -> None:
    headers = ada.bearer | {"Content-Type": "application/json"}
    for raw in RAW.values():
        answer = ada.ask("POST", "/auth/password", headers=headers, data=raw)
        problem(answer, 400, "invalid_request")
    for value in WRONG.values():
        for body in (
            {"current_password": value, "new_password": NEW_PASSWORD},
            {"current_password": PASSWORD, "new_password": value},
        ):
            problem(ada.protected("POST", "/auth/password", body), 400, "invalid_request")
    assert ada.alive()


def test_each_field_is_a_text_that_is_not_empty(visitor: Client) -> None:
    for path, good in (
        ("/auth/login", GOOD),
        ("/auth/register", {"email": EMAIL}),
        ("/auth/register/finish", {"token": "x", "password": PASSWORD}),
    ):
        for name in good:
            for value in WRONG.values():
                problem(visitor.ask("POST", path, good | {name: value}), 400, "invalid_request")
            short = {other: good[other] for other in good if other != name}
            problem(visitor.ask("POST", path, short), 400, "invalid_request")


def test_remember_is_true_or_false(ada: Client) -> None:
    values: list[object] = [1, 0, "true", "", None, [], {}]
    for value in values:
        answer = ada.ask("POST", "/auth/login", GOOD | {"remember": value})
        problem(answer, 400, "invalid_request")
    assert ada.alive()


def test_content_types(ada: Client, thief: Client) -> None:
    """What is not declared as JSON is not read; parameters and case mean nothing."""
    raw = json.dumps(GOOD).encode()
    assert ada.alive()
    for kind in (
        "text/json",
        "application/problem+json",
        "application/jsonp",
        "application/x-www-form-urlencoded",
        "application",
        "text/html; application/json",
    ):
        problem(post(thief, "/auth/login", raw, kind), 415, "unsupported_media_type")
    for kind in ("application/json; charset=utf-8", "APPLICATION/JSON"):
        assert post(thief, "/auth/login", raw, kind).status_code == 200


def test_declared_encoding_is_not_obeyed(thief: Client) -> None:
    """JSON is UTF-8, whatever the header says (RFC 8259 section 8.1)."""
    raw = json.dumps(GOOD).encode("utf-16")
    kind = "application/json; charset=utf-16"
    problem(post(thief, "/auth/login", raw, kind), 400, "invalid_request")


def test_password_of_any_length_up_to_the_limit(ada: Client) -> None:
    """What is longer is not hashed, whether or not there is such an account."""
    problem(ada.log_in("x" * 1024), 401, "invalid_credentials")
    problem(ada.log_in("x" * 1025), 400, "invalid_request")
    problem(ada.log_in("\u00e9" * 513), 400, "invalid_request")
    problem(Client(ada.app, "nobody@example.com").log_in("x" * 1025), 400, "invalid_request")
    for _ in range(12):
        problem(ada.log_in("x" * 60_000), 400, "invalid_request")
    assert ada.log_in().status_code == 200


def test_names_are_exact_and_query_and_form_are_no_body(visitor: Client) -> None:
    body = {"Email": EMAIL, "PASSWORD": PASSWORD, "email[]": EMAIL}
    problem(visitor.ask("POST", "/auth/login", body), 400, "invalid_request")
    path = f"/auth/login?email={EMAIL}&password=x"
    problem(visitor.ask("POST", path, {}), 400, "invalid_request")
