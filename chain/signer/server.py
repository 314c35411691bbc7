"""Serves the signer on a Unix socket that only its own user may open; one JSON object per line."""

import json
import os
import socket
import socketserver
import struct
import threading
from pathlib import Path

from chain.signer.desk import Desk

LINE_MAX = 256 * 1024
CREDENTIALS = struct.Struct("3i")


class _Caller(socketserver.StreamRequestHandler):
    server: "Server"

    def handle(self) -> None:
        """Answer until the caller leaves; who is another user is not answered at all."""
        raw = self.connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS.size)
        _, user, _ = CREDENTIALS.unpack(raw)
        if user not in self.server.users:
            return
        while line := self.rfile.readline(LINE_MAX):
            try:
                request = json.loads(line)
            except ValueError:
                request = {}
            answer = self.server.desk.answer(request if isinstance(request, dict) else {})
            self.wfile.write(json.dumps(answer).encode() + b"\n")


class Server(socketserver.ThreadingUnixStreamServer):
    """The socket; `users` are the user ids that may ask."""

    daemon_threads = True

    def __init__(self, path: Path, desk: Desk, users: frozenset[int] | None = None) -> None:
        self.desk = desk
        self.users = users or frozenset({os.geteuid()})
        path.unlink(missing_ok=True)
        before = os.umask(0o177)
        try:
            super().__init__(str(path), _Caller)
        finally:
            os.umask(before)

    def serve_until(self, stop: threading.Event) -> None:
        """Serve until `stop` is set."""
        thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.2})
        thread.start()
        while not stop.wait(0.5):
            pass
        self.shutdown()
        thread.join()
        self.server_close()
