"""What fuzzing found, by name: each was a fault once."""

from urllib.parse import quote, unquote_to_bytes

import jsonschema_rs
import pytest
from flask import Flask

from app.attacks.prover import Prover
from app.web.guards import caller, require_access
from tests.support.client import Client, dpop, member, problem, program
from tests.support.contract import DOCUMENT
from tests.support.databases import one_database

# As a program writes them, and as `encodeURIComponent` does.
SPELLINGS = ("!$&'()*+,;=:@", quote("!$&'()*+,;=:@", safe=""), "b%C3%BCro", "%F3%96", "a%20b")


@one_database
@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/openapi.json"])
@pytest.mark.parametrize("accept", ["*/*", "text/html", None])
def test_a_program_that_takes_anything_gets_a_problem(
    thief: Client, path: str, accept: str | None
) -> None:
    """Curl says `Accept: */*`; it got the page that is for people."""
    headers = {"Accept": accept} if accept else {}
    problem(thief.ask("POST", path, headers=headers), 405, "method_not_allowed")


@one_database
def test_a_program_that_takes_anything_gets_a_problem_at_no_address(thief: Client) -> None:
    """A navigation asks for HTML by name, and gets its page."""
    problem(thief.ask("GET", "/nowhere", headers={"Accept": "*/*"}), 404, "not_found")
    navigation = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
    answer = thief.ask("GET", "/nowhere", headers={"Accept": navigation})
    assert (answer.status_code, answer.mimetype) == (404, "text/html")


def test_an_address_in_letters_of_the_world_is_documented(visitor: Client) -> None:
    """Registering takes é and Я; the document called the answer a plain `email`."""
    visitor.email = "réné.Я@example.com"
    visitor.create_account()
    answer = visitor.log_in()
    assert answer.status_code == 200
    components = DOCUMENT["components"]
    schema = {"$ref": "#/components/schemas/TokenUser", "components": components}
    jsonschema_rs.validate(schema, answer.get_json()["user"], validate_formats=True)


@one_database
@pytest.mark.parametrize("name", SPELLINGS)
def test_a_proof_may_spell_the_path_as_it_was_sent(app: Flask, name: str) -> None:
    """A client that escaped a comma proved what it sent, and was refused."""

    @app.get("/api/notes/<name>")
    @require_access
    def note(name: str) -> str:
        return f"{name} of {caller().user_id}"

    holder = member(app, key=Prover())
    path, token = f"/api/notes/{name}", holder.access_token
    headers = dpop(token, holder.proof(path, "GET", token))
    # What a server makes of the path; the test client's own way has no byte that is not UTF-8.
    environ = {"PATH_INFO": unquote_to_bytes(path).decode("latin-1")}
    answer = program(app).ask("GET", path, headers=headers, environ=environ)
    assert answer.status_code == 200
