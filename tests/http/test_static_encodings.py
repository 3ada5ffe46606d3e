"""Static files are compressed: in the form that the client accepts, and never twice."""

import gzip
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

import brotli
import pytest

from app.web import kept_file
from app.web.encodings import COMPRESS
from tests.http.static_site import LASTING, SCRIPT, Build, get, notes
from tests.support.databases import one_database

pytestmark = one_database

DECODE: Final = {"br": brotli.decompress, "gzip": gzip.decompress}


@pytest.mark.parametrize(
    ("accept", "coding"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip", "gzip"),
        ("GZIP", "gzip"),
        ("br;q=0.5, gzip", "gzip"),
        ("br;q=0, gzip;q=0.1", "gzip"),
        ("br;q=0, *", "gzip"),
        ("*", "br"),
        ("*;q=0.1", "br"),
        ("*;q=0", None),
        ("*;q=0, gzip", "gzip"),
        ("identity", None),
        ("identity, br;q=0.9", None),
        ("identity;q=0.5, br;q=0.9, gzip;q=0.1", "br"),
        ("identity;q=0", None),
        ("identity;q=0, *", "br"),
        ("deflate, zstd", None),
        ("br;q=0, gzip;q=0", None),
        ("", None),
        ("br".ljust(256), "br"),
        ("br".ljust(257), None),
    ],
)
def test_form_that_the_client_likes_best(
    build_site: Build, accept: str, coding: str | None
) -> None:
    client = build_site()
    answer = get(client, notes(client), Accept_Encoding=accept)
    assert answer.headers.get("Content-Encoding") == coding
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert answer.content_length == len(answer.data)
    assert DECODE.get(str(coding), bytes)(answer.data) == SCRIPT
    assert answer.headers["Cache-Control"] == LASTING


def test_without_the_header_nothing_is_compressed(build_site: Build) -> None:
    client = build_site()
    assert "Content-Encoding" not in get(client, notes(client)).headers


@pytest.mark.parametrize(("filename", "varies"), [("img/dot.png", False), ("tiny.css", True)])
def test_what_does_not_get_smaller_is_sent_as_it_is(
    build_site: Build, static_folder: Path, filename: str, *, varies: bool
) -> None:
    client = build_site()
    for accept in ("br, gzip", "br, identity;q=0"):
        answer = get(client, notes(client, filename), Accept_Encoding=accept)
        assert answer.data == (static_folder / filename).read_bytes()
        assert "Content-Encoding" not in answer.headers
        assert ("Vary" in answer.headers) is varies


def test_each_form_is_compressed_once(build_site: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    def counted(coding: str) -> Callable[[bytes], bytes]:
        compress = COMPRESS[coding]
        return lambda content: made.append(coding) or compress(content)  # type: ignore[func-returns-value]

    monkeypatch.setattr(kept_file, "COMPRESS", {one: counted(one) for one in ("br", "gzip")})
    client = build_site()
    assert made == []
    for accept in ("br", "gzip", "br", "gzip, br", "gzip"):
        get(client, notes(client), Accept_Encoding=accept)
        get(client, "/static/notes/notes.js", Accept_Encoding=accept)
    assert made == ["br", "gzip"]


def test_large_text_is_compressed_too(build_site: Build, static_folder: Path) -> None:
    text = os.urandom(100_000).hex().encode()
    (static_folder / "large.txt").write_bytes(text)
    client = build_site()
    answer = get(client, notes(client, "large.txt"), Accept_Encoding="br")
    assert brotli.decompress(answer.data) == text


def test_each_form_has_a_validator_of_its_own(build_site: Build) -> None:
    client = build_site()
    etags = [
        get(client, notes(client), Accept_Encoding=a).headers["ETag"] for a in ("br", "gzip", "")
    ]
    assert len(set(etags)) == 3
    for etag in etags[1:]:
        answer = get(client, notes(client), Accept_Encoding="br", If_None_Match=etag)
        assert (answer.status_code, answer.headers["ETag"]) == (200, etags[0])


def test_part_is_of_the_form_that_is_sent(build_site: Build) -> None:
    client = build_site()
    whole = get(client, notes(client), Accept_Encoding="br")
    part = get(client, notes(client), Accept_Encoding="br", Range="bytes=0-9")
    assert part.data == whole.data[:10]
    assert part.headers["Content-Encoding"] == "br"
    assert part.headers["ETag"] == whole.headers["ETag"]
