"""A chain of this process behind HTTP on loopback, for processes that a test starts and kills."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from chain.clients.rpc import Transport


@contextmanager
def on_the_line(carry: Transport, *, hears: Callable[[bytes], bool] | None = None) -> Iterator[str]:
    """Serve a node until the block ends, one request at a time, and return its address.

    `hears` is told each request once it was carried out; where it says no, the line goes dead
    before the answer.
    """
    turn = threading.Lock()

    class Answers(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body at once: a second packet would wait for the first one's word

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            with turn:
                answer = carry(body)
            if hears is not None and not hears(body):
                self.close_connection = True
                self.connection.close()
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
