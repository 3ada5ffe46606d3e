"""A server that is no Latchkey and answers what a test wants."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from app.web.cookies import REFRESH

Answer = tuple[int, object, dict[str, str]]
TOKEN_ANSWER = {
    "access_token": "a.b.c",
    "session": {"id": "s"},
    "user": {"id": "u", "email": "ada@example.com"},
}


class Listener(ThreadingHTTPServer):
    request_queue_size = 128

    def handle_error(self, *_client: object) -> None:
        """Stay quiet: clients of a flood leave before they are answered."""


class Scripted:
    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.seen: list[dict[str, str]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", "0")))
                outer.seen.append(dict(self.headers))
                path = self.path.partition("?")[0]
                status, body, headers = outer.answers.get(path, (404, "", {}))
                raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def do_POST(self) -> None:
                self.do_GET()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its own name
                """Stay quiet."""

        self._server = Listener(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread.start()

    def log_in_works(self, **headers: str) -> None:
        cookie = {"Set-Cookie": f"{REFRESH}=x.y.z; Path=/"} | headers
        self.answers["/auth/login"] = (200, TOKEN_ANSWER, cookie)

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class Sequence(dict[str, Any]):
    """Answers at `path` come one after the other and the last one stays; None comes never."""

    def __init__(self, path: str, *answers: Answer | None) -> None:
        super().__init__()
        self._path, self._answers = path, list(answers)
        self.over = threading.Event()

    def get(self, key: str, default: Any = None) -> Any:  # noqa: ANN401 - dict's own
        if key != self._path:
            return super().get(key, default)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if answer is None:
            self.over.wait(60)
        return answer or (200, "", {})
