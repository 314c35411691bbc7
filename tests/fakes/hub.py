"""A server of model files on loopback: honest, lying about its sums, or hanging up half way."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(slots=True)
class Hub:
    """What it has, by the last part of the path, and how it behaves."""

    files: dict[str, bytes] = field(default_factory=dict)
    behave: str = "ok"
    commit: str = ""
    names_sums: bool = True
    port: int = 0
    paths: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def serving(hub: Hub) -> Iterator[Hub]:
    """Serve until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            hub.paths.append(self.path)
            name = self.path.rpartition("/")[2]
            body = hub.files.get(name)
            if body is None or hub.behave == "broken":
                self.send_error(500 if body is not None else 404)
                return
            if hub.behave == "elsewhere" and not self.path.startswith("/store/"):
                self.send_response(302)
                self.send_header("Location", f"/store/{name}")
                self._told(body)
                self.end_headers()
                return
            self.send_response(200)
            sent = body + b"!" if hub.behave == "liar" else body
            self._told(body)
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent[: len(sent) // 2] if hub.behave == "cut" else sent)
            self.close_connection = True

        def _told(self, body: bytes) -> None:
            if hub.names_sums:
                self.send_header("X-Linked-Etag", f'"{hashlib.sha256(body).hexdigest()}"')
            if hub.commit:
                self.send_header("X-Repo-Commit", hub.commit)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    hub.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
