"""docs/api.md does what it says: each of its blocks runs, and prints what the page shows.

The blocks of shell share one bash, those of Python are programs of their own. A block whose first
line names a file is saved under that name, and imported or run by a block after it. `http` or
`https` after a block's language means that it stands for one of the two alone. What follows a
block as `text` is all that it prints; a block without prints nothing.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from config import ROOT
from tests.conftest import NO_CURL
from tests.support.processes import free_port
from tests.support.servers.gunicorn import GunicornServer
from tests.support.servers.tls import tls_server

PAGE = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
FILE = re.compile(r"# (\w+\.py)\n")
SCHEMES = ("http", "https")
# What the page writes for the reader's own; the tests put theirs in its place.
URL = "https://localhost:8443"
UPSTREAM = "http://127.0.0.1:8000"
LISTEN = "listen 8443 "
WWW = "/srv/www"
END = "END OF THE BLOCK"
# A status with its code, in a sentence and in an output; and a path that a client asks for.
TOLD = re.compile(r"\b(\d{3}) `([a-z_]+)`")
SHOWN = re.compile(r'"code": "([a-z_]+)", …}\n(\d{3})\n')
ASKED = re.compile(r"/(?:auth|api)/[a-z-]+")


@dataclass(frozen=True)
class Block:
    """A block of the page, with the line that it begins at."""

    line: int
    language: str
    schemes: tuple[str, ...]
    text: str

    def script(self) -> str:
        if self.language == "sh":
            return self.text
        name = FILE.match(self.text)
        target = f"cat > {name[1]}" if name else "python3 -"
        return f"{target} <<'{END}'\n{self.text}{END}\n"


def blocks() -> Iterator[Block]:
    for match in FENCE.finditer(PAGE):
        language, *only = match[1].split()
        line = PAGE.count("\n", 0, match.start()) + 1
        yield Block(line, language, tuple(only) or SCHEMES, match[2])


def steps(scheme: str) -> list[tuple[Block, str]]:
    """Pair each block that runs over `scheme` with what it should print."""
    found: list[tuple[Block, str]] = []
    for block in blocks():
        if block.language == "text" and scheme in block.schemes:
            before, printed = found.pop()
            assert not printed, f"line {block.line} is a second output of line {before.line}"
            found.append((before, block.text))
        elif block.language in {"sh", "python"} and scheme in block.schemes:
            found.append((block, ""))
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    reader = tmp_path / "reader"
    reader.mkdir()
    return reader


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
def url(
    request: pytest.FixtureRequest, tmp_path: Path, folder: Path, environment: dict[str, str]
) -> Iterator[str]:
    """The address of a gunicorn, or of the page's own nginx in front of it."""
    log = tmp_path / "gunicorn.log"
    with ExitStack() as stack:
        if request.param == "http":
            server = GunicornServer(environment, log)
        else:
            port = free_port()
            proxied = environment | {"TRUSTED_PROXIES": "1"}
            server = GunicornServer(proxied, log, public_url=f"https://localhost:{port}")
            stack.enter_context(tls_server(tmp_path, site(tmp_path, port, server.port), port))
            shutil.copy(tmp_path / "cert.pem", folder)
        stack.callback(server.stop)
        server.start()
        yield server.url


def site(folder: Path, port: int, upstream: int) -> str:
    """Return the page's block for nginx with the tests' ports and an application to serve."""
    application = folder / "www" / "spa"
    application.mkdir(parents=True)
    application.joinpath("index.html").write_text("<h1>The application</h1>\n", encoding="ascii")
    (block,) = [block.text for block in blocks() if block.language == "nginx"]
    for theirs, ours in (
        (LISTEN, f"listen 127.0.0.1:{port} "),
        (UPSTREAM, f"http://127.0.0.1:{upstream}"),
        (WWW, str(folder / "www")),
    ):
        assert block.count(theirs) == 1
        block = block.replace(theirs, ours)
    return block


def test_there_is_no_block_that_does_not_run() -> None:
    """Each is run, or the output of one that is; both schemes run all but what names one."""
    assert {block.language for block in blocks()} == {"sh", "python", "nginx", "text"}
    assert all(scheme in SCHEMES for block in blocks() for scheme in block.schemes)
    shown = [block for block in blocks() if block.language == "text"]
    compared = [printed for scheme in SCHEMES for _, printed in steps(scheme) if printed]
    assert len(compared) == sum(len(block.schemes) for block in shown)
    assert PAGE.count("\n```") == 2 * len(list(blocks()))


def test_each_file_of_the_page_is_used_by_a_later_block() -> None:
    """A program that nothing imports or runs is not tried."""
    page = list(blocks())
    for number, block in enumerate(page):
        if name := FILE.match(block.text):
            module = name[1].removesuffix(".py")
            use = re.compile(rf"^from {module} import|python3 {module}\.py", re.MULTILINE)
            assert any(use.search(later.text) for later in page[number + 1 :])


@pytest.mark.parametrize("url", SCHEMES, indirect=True)
def test_each_block_prints_what_the_page_shows(
    url: str, folder: Path, environment: dict[str, str]
) -> None:
    """Over http to localhost, and over https behind nginx with the page's own configuration."""
    if shutil.which("curl") is None:
        if os.environ.get("CI"):
            pytest.fail(f"CI is set and {NO_CURL}: the page may not be skipped")
        pytest.skip(NO_CURL)
    expected = steps(url.partition(":")[0])
    settings = expected[0][0].text
    assert settings.count(URL) == PAGE.count(URL) == 1
    mark = "<{}>"
    script = "exec 2>&1\n" + "".join(
        f"{block.script()}printf '\\n{mark.format(number)}\\n'\n"
        for number, (block, _) in enumerate(expected)
    )
    ran = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script.replace(URL, url)],  # noqa: S607
        cwd=folder,
        # Of the server's own: what its operator types on the page.
        env=environment
        | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "PUBLIC_URL": url,
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
    )
    rest = ran.stdout
    for number, (block, shown) in enumerate(expected):
        printed, found, rest = rest.partition(f"\n{mark.format(number)}\n")
        assert found, f"the block at line {block.line} stopped:\n{printed}{ran.stderr}"
        assert matches(printed, shown), f"the block at line {block.line} printed:\n{printed}"
    assert ran.returncode == 0
    agrees_with(json.loads(folder.joinpath("openapi.json").read_text(encoding="utf-8")))


def agrees_with(openapi: dict[str, Any]) -> None:
    """Compare the page with what the server says of itself: paths, and refusals by status."""
    asked = set(ASKED.findall(PAGE))
    assert asked
    assert asked <= openapi["paths"].keys()
    refusals = {f"{status}-{code}" for status, code in TOLD.findall(PAGE)}
    refusals |= {f"{status}-{code}" for code, status in SHOWN.findall(PAGE)}
    assert len(refusals) >= 6
    assert refusals <= openapi["components"]["examples"].keys()


def matches(printed: str, shown: str) -> bool:
    """Compare line by line, without empty ones; `…` stands for any characters of a line."""
    lines = [[line for line in text.splitlines() if line] for text in (printed, shown)]
    return len(lines[0]) == len(lines[1]) and all(
        re.fullmatch(re.escape(wanted).replace("…", ".+"), line)
        for line, wanted in zip(*lines, strict=True)
    )
