"""A site that is not ours: pages for attacks, and a victim without any protection."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from tests.support.servers.server import Server


class OtherSite(Server):
    """One server under two names: `far` is another site than ours, `near` another origin only.

    Cookies know no ports, so `near` gets those of ours that have no prefix to protect them and,
    being of the same site, has the strictest of them sent along with its requests.
    """

    def __init__(self) -> None:
        self.posted: list[tuple[str, str]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self.far = f"http://127.0.0.1:{self._server.server_port}"
        self.near = f"http://localhost:{self._server.server_port}"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        posted = self.posted

        class Handler(BaseHTTPRequestHandler):
            """GET gives an empty page, or bounces; POST is noted with its cookies."""

            def do_GET(self) -> None:
                cookie = {"Set-Cookie": "login=victim; Path=/; HttpOnly"}
                self._answer(200, cookie if self.path == "/login" else {})

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", "0")))
                posted.append((self.path, self.headers.get("Cookie", "")))
                to = parse_qs(urlsplit(self.path).query).get("to")
                self._answer(307 if to else 200, {"Location": to[0]} if to else {})

            def _answer(self, status: int, headers: dict[str, str]) -> None:
                body = b"<!doctype html><title>Elsewhere</title><body>Elsewhere</body>"
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Type", "text/html")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its own name
                """Stay quiet."""

        return Handler
