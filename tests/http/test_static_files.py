"""Static files: what a browser may keep and for how long, and what is refused."""

import gzip
import os
import re
from pathlib import Path
from typing import Final

import pytest

from app.web import static_tree
from config import ROOT
from tests.http.static_site import LASTING, SCRIPT, Build, address, get, notes, refused
from tests.support.client import problem
from tests.support.databases import one_database

pytestmark = one_database

SESSION: Final = "js/session.js"
OTHER: Final = "v-0123456789ab"


def test_every_folder_has_the_same_version_at_a_place_that_keeps_relative_addresses(
    build_site: Build,
) -> None:
    client = build_site()
    version = address(client).split("/")[2]
    assert re.fullmatch(r"v-[0-9a-f]{12}", version)
    assert address(client) == f"/static/{version}/js/session.js"
    assert notes(client) == f"/static/{version}/notes/notes.js"
    assert notes(build_site("/notes/static")) == f"/static/{version}/notes/static/notes.js"


def test_page_names_files_with_the_version(build_site: Build) -> None:
    client = build_site("/notes/static")
    page = get(client, "/account").text
    assert f'src="{address(client, "js/shell.js")}"' in page
    assert f'href="{address(client, "css/latchkey.css")}"' in page


@pytest.mark.parametrize("path", ["/static/notes", "/notes/static"])
def test_only_the_present_version_is_kept_for_a_year(build_site: Build, path: str) -> None:
    client = build_site(path)
    for present, plain, content in (
        (address(client), f"/static/{SESSION}", (ROOT / "static" / SESSION).read_bytes()),
        (notes(client), f"{path}/notes.js", SCRIPT),
    ):
        other = re.sub(r"v-\w+", OTHER, present)
        for at, kept in ((present, LASTING), (plain, "no-cache"), (other, "no-cache")):
            answer = get(client, at)
            assert (answer.status_code, answer.data) == (200, content)
            assert answer.headers.getlist("Cache-Control") == [kept]
            assert answer.mimetype == "text/javascript"
            assert "Set-Cookie" not in answer.headers


def test_version_is_of_the_content(build_site: Build, static_folder: Path) -> None:
    first = build_site()
    assert notes(build_site()) == notes(first)
    os.utime(static_folder / "notes.js", (0, 0))
    assert notes(build_site()) == notes(first)
    (static_folder / "notes.js").rename(static_folder / "renamed.js")
    renamed = build_site()
    (static_folder / "renamed.js").write_bytes(SCRIPT + b"//")
    changed = build_site()
    assert len({address(first), address(renamed), address(changed)}) == 3


@pytest.mark.parametrize("accept", ["br", "gzip", ""])
def test_browser_that_has_the_file_is_told_so(build_site: Build, accept: str) -> None:
    client = build_site()
    for path, kept in ((notes(client), LASTING), ("/static/notes/notes.js", "no-cache")):
        etag = get(client, path, Accept_Encoding=accept).headers["ETag"]
        assert re.fullmatch(r'"[0-9a-f]{16}(-br|-gzip)?"', etag)
        for known in (etag, f"W/{etag}", f'"x", {etag}', "*"):
            again = get(client, path, Accept_Encoding=accept, If_None_Match=known)
            assert (again.status_code, again.data) == (304, b"")
            assert again.headers["ETag"] == etag
            assert again.headers["Vary"] == "Accept-Encoding"
            assert again.headers.getlist("Cache-Control") == [kept]


@pytest.mark.parametrize("filename", ["notes.js", "large.bin"])
def test_condition_that_fails_is_an_error(
    build_site: Build, static_folder: Path, filename: str
) -> None:
    """An answer with 412 could be stored for a year like a file."""
    (static_folder / "large.bin").write_bytes(bytes(static_tree.MAX_KEPT_BYTES + 1))
    client = build_site()
    refused(get(client, notes(client, filename), If_Match='"x"'), 412)
    etag = get(client, notes(client, filename)).headers["ETag"]
    assert get(client, notes(client, filename), If_Match=etag).status_code == 200


@pytest.mark.parametrize("accept", ["br", "identity"])
def test_head_is_get_without_the_body(build_site: Build, accept: str) -> None:
    client = build_site()
    for path in (notes(client), "/static/notes/notes.js"):
        whole = get(client, path, Accept_Encoding=accept)
        head = client.ask("HEAD", path, headers={"Accept-Encoding": accept})
        assert (head.status_code, head.data) == (200, b"")
        differ = {"X-Request-Id", "Date"}
        assert {h for h in head.headers if h[0] not in differ} == {
            h for h in whole.headers if h[0] not in differ
        }


@pytest.mark.parametrize("filename", ["notes.js", "img/dot.png", "large.bin"])
def test_part_of_a_file(build_site: Build, static_folder: Path, filename: str) -> None:
    (static_folder / "large.bin").write_bytes(os.urandom(static_tree.MAX_KEPT_BYTES + 1))
    client, content = build_site(), (static_folder / filename).read_bytes()
    path = notes(client, filename)
    etag = get(client, path).headers["ETag"]
    part = get(client, path, Range="bytes=5-9", If_Range=etag)
    assert (part.status_code, part.data) == (206, content[5:10])
    assert part.headers["Content-Range"] == f"bytes 5-9/{len(content)}"
    assert part.headers["Cache-Control"] == LASTING
    assert get(client, path, Range="bytes=5-9", If_Range='"x"').data == content
    refused(get(client, path, Range=f"bytes={len(content)}-"), 416)


@pytest.mark.parametrize(
    "filename",
    [
        "nothing.js",
        "",
        "js",
        "nowhere.js",
        "../secret.txt",
        "%2e%2e/secret.txt",
        "..%2fsecret.txt",
        "img/../../secret.txt",
        "..%5csecret.txt",
        "%00",
        "%2fetc%2fpasswd",
    ],
)
def test_no_such_file(build_site: Build, static_folder: Path, filename: str) -> None:
    (static_folder.parent / "secret.txt").write_text("secret")
    client = build_site()
    version = address(client).split("/")[2]
    for path in (f"/static/{version}/notes/", f"/static/{OTHER}/notes/", "/static/notes/"):
        answer = get(client, path + filename, Accept="application/json", Accept_Encoding="br")
        refused(answer, 404)
        problem(answer, 404, "not_found")


def test_version_is_no_way_around_the_methods(build_site: Build) -> None:
    client = build_site()
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        refused(client.ask(method, notes(client)), 405)


def test_what_looks_nearly_like_a_version_is_a_folder(build_site: Build) -> None:
    client = build_site()
    for version in ("v-00000000000", "v-0000000000000", "v-00000000000G", "V-000000000000", "v-"):
        refused(get(client, f"/static/{version}/{SESSION}"), 404)


def test_file_that_is_written_later_is_sent_as_its_version_says(
    build_site: Build, static_folder: Path
) -> None:
    """A deployment that copies over the running release must not be kept under its version."""
    client = build_site()
    (static_folder / "notes.js").write_bytes(b"later")
    (static_folder / "tiny.css").unlink()
    assert get(client, notes(client)).data == SCRIPT
    assert get(client, notes(client, "tiny.css")).data == b"b{}"


def test_file_that_is_added_later_is_found_but_not_kept(
    build_site: Build, static_folder: Path
) -> None:
    client = build_site()
    (static_folder / "added.js").write_bytes(SCRIPT)
    answer = get(client, notes(client, "added.js"))
    assert (answer.data, answer.headers["Cache-Control"]) == (SCRIPT, "no-cache")


@pytest.mark.parametrize("filename", ["large.bin", "drawing.svgz"])
def test_file_that_stays_on_the_disk(
    build_site: Build, static_folder: Path, filename: str
) -> None:
    """A large one, or one that is stored compressed."""
    size = static_tree.MAX_KEPT_BYTES + 1 if filename == "large.bin" else 10
    path = static_folder / filename
    path.write_bytes(gzip.compress(b"x").ljust(size))
    client = build_site()
    answer = get(client, notes(client, filename), Accept_Encoding="br")
    assert (answer.data, answer.headers["Cache-Control"]) == (path.read_bytes(), LASTING)
    assert answer.headers.get("Content-Encoding") == ("gzip" if size == 10 else None)
    plain = get(client, f"/static/notes/{filename}")
    assert (plain.data, plain.headers["Cache-Control"]) == (path.read_bytes(), "no-cache")
    path.write_bytes(b"written later")
    changed = get(client, notes(client, filename))
    assert (changed.data, changed.headers["Cache-Control"]) == (b"written later", "no-cache")
    assert address(build_site()) != address(client)


def test_linked_folder_is_served_and_versioned(build_site: Build, static_folder: Path) -> None:
    before = address(build_site())
    elsewhere = static_folder.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "font.woff2").write_bytes(b"font")
    (static_folder / "fonts").symlink_to(elsewhere)
    client = build_site()
    answer = get(client, notes(client, "fonts/font.woff2"))
    assert (answer.data, answer.headers["Cache-Control"]) == (b"font", LASTING)
    assert address(client) != before


def test_change_in_development_is_served_at_once(build_site: Build, static_folder: Path) -> None:
    client = build_site(env="development")
    assert address(client) == f"/static/v-000000000000/{SESSION}"
    (static_folder / "notes.js").write_bytes(b"changed")
    (static_folder / "added.js").write_bytes(b"added")
    for filename, content in (("notes.js", b"changed"), ("added.js", b"added")):
        for path in (notes(client, filename), f"/static/{OTHER}/notes/{filename}"):
            answer = get(client, path, Accept_Encoding="br")
            assert (answer.data, answer.headers["Cache-Control"]) == (content, "no-cache")
            again = get(client, path, If_None_Match=answer.headers["ETag"])
            assert again.status_code == 304
    refused(get(client, "/static/notes/nothing.js"), 404)
    refused(get(client, "/static/notes/../secret.txt"), 404)
