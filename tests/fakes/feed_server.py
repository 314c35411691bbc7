"""A feed, or any API, on loopback that behaves, lies, stalls, floods or sends callers elsewhere."""

import gzip
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from xml.sax.saxutils import escape

ETAG = '"one"'
FLOOD_BYTES = 5_000_000


@dataclass(slots=True)
class Feed:
    """What the server answers, and what it was asked. `release` ends whatever stalls."""

    behave: str = "ok"
    body: bytes = b""
    port: int = 0
    asked: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    release: threading.Event = field(default_factory=threading.Event)

    @property
    def root(self) -> str:
        return f"http://feed.example:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.root}/feed.xml"


def rss(*entries: tuple[str, str, datetime], title: str = "Loopback Wire") -> bytes:
    """Return a feed of (title, link, instant)."""
    items = "".join(
        f"<item><title>{escape(name)}</title><link>{escape(link)}</link>"
        f"<description>{escape(name)}</description><pubDate>{format_datetime(at)}</pubDate></item>"
        for name, link, at in entries
    )
    head = f"<?xml version='1.0'?><rss version='2.0'><channel><title>{escape(title)}</title>"
    return f"{head}{items}</channel></rss>".encode()


@contextmanager
def serving(feed: Feed) -> Iterator[Feed]:
    """Serve `feed` on a free port of loopback until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            feed.asked.append({name.lower(): value for name, value in self.headers.items()})
            feed.paths.append(self.path)
            try:
                BEHAVIOURS[feed.behave](self, feed)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

        def do_POST(self) -> None:
            feed.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.do_GET()

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    feed.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield feed
    finally:
        feed.release.set()
        server.shutdown()
        server.server_close()
        thread.join()


def _send(handler: BaseHTTPRequestHandler, status: int, body: bytes = b"", **headers: str) -> None:
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def _ok(handler: BaseHTTPRequestHandler, feed: Feed) -> None:
    if handler.headers.get("If-None-Match") == ETAG:
        _send(handler, 304, ETag=ETAG)
    else:
        _send(handler, 200, feed.body, ETag=ETAG, Last_Modified="Mon, 01 Jan 2024 00:00:00 GMT")


def _redirect(handler: BaseHTTPRequestHandler, feed: Feed) -> None:
    _send(handler, 302, Location=f"http://feed.example:{feed.port}/secret")


def _redirect_inside(handler: BaseHTTPRequestHandler, feed: Feed) -> None:
    _send(handler, 307, Location=f"http://127.0.0.1:{feed.port}/latest/meta-data")


def _flood(handler: BaseHTTPRequestHandler, feed: Feed) -> None:
    handler.send_response(200)
    handler.end_headers()
    for _ in range(FLOOD_BYTES // 50_000):
        handler.wfile.write(b"x" * 50_000)


def _stall(handler: BaseHTTPRequestHandler, feed: Feed) -> None:
    feed.release.wait(30)


def _drip_head(handler: BaseHTTPRequestHandler, feed: Feed) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    while not feed.release.wait(0.1):
        handler.wfile.write(b"X-Slow: 1\r\n"[:1])
        handler.wfile.flush()


def _drip_body(handler: BaseHTTPRequestHandler, feed: Feed) -> None:
    handler.send_response(200)
    handler.end_headers()
    while not feed.release.wait(0.1):
        handler.wfile.write(b"x")
        handler.wfile.flush()


def _compressed(handler: BaseHTTPRequestHandler, feed: Feed) -> None:
    _send(handler, 200, b"\x1f\x8b" + b"\0" * 100, Content_Encoding="gzip")


def _cut(handler: BaseHTTPRequestHandler, feed: Feed) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "100000")
    handler.end_headers()
    handler.wfile.write(feed.body[:200])
    handler.close_connection = True


def _reset(handler: BaseHTTPRequestHandler, feed: Feed) -> None:
    # a socket that may not linger says goodbye with a reset
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.close_connection = True


def _reset_midway(handler: BaseHTTPRequestHandler, feed: Feed) -> None:
    _cut(handler, feed)
    _reset(handler, feed)


def _continue(handler: BaseHTTPRequestHandler, feed: Feed) -> None:
    while not feed.release.wait(0.005):
        handler.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")


def _chunks(handler: BaseHTTPRequestHandler, feed: Feed) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(FLOOD_BYTES // 50_000):
        handler.wfile.write(b"c350\r\n" + b"x" * 50_000 + b"\r\n")
    handler.close_connection = True


def _raw(said: bytes) -> Callable[[BaseHTTPRequestHandler, Feed], None]:
    """Say something below HTTP, and hang up."""

    def say(handler: BaseHTTPRequestHandler, _feed: Feed) -> None:
        handler.wfile.write(said)
        handler.close_connection = True

    return say


@cache
def _folded() -> bytes:
    """Return fifty kilobytes that would unfold to fifty megabytes."""
    return gzip.compress(b" " * 50_000_000, 1)


def _bomb(**headers: str) -> Callable[[BaseHTTPRequestHandler, Feed], None]:
    return lambda handler, _feed: _send(handler, 200, _folded(), **headers)


def _status(status: int, **headers: str) -> Callable[[BaseHTTPRequestHandler, Feed], None]:
    return lambda handler, _feed: _send(handler, status, b"no", **headers)


BEHAVIOURS: dict[str, Callable[[BaseHTTPRequestHandler, Feed], None]] = {
    "ok": _ok,
    "redirect": _redirect,
    "redirect inside": _redirect_inside,
    "flood": _flood,
    "stall": _stall,
    "drip head": _drip_head,
    "drip body": _drip_body,
    "compressed": _compressed,
    "cut": _cut,
    "not a feed": lambda handler, _: _send(handler, 200, b"<html>hello</html>"),
    "page": lambda handler, _: _send(handler, 200, b"<p>no", Content_Type="text/html"),
    "liar": lambda handler, _: _send(handler, 304, ETag=ETAG),
    "broken": _status(500),
    "away": _status(503),
    "busy": _status(429, Retry_After="120"),
    "busy till a date": _status(429, Retry_After="Wed, 20 Mar 2024 13:00:00 GMT"),
    "busy for ever": _status(429, Retry_After="9" * 40),
    "busy beyond counting": _status(429, Retry_After="9" * 5_000),
    "busy before": _status(429, Retry_After="-60"),
    "busy at once": _status(429),
    "gone": _status(404),
    "no content": _status(204),
    "a part": _status(206),
    "redirect to a file": _status(301, Location="file:///etc/passwd"),
    "redirect for ever": _status(308, Location="/"),
    "reset": _reset,
    "reset midway": _reset_midway,
    "continue": _continue,
    "chunks": _chunks,
    "bad chunks": _raw(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nx\r\n0\r\n\r\n"
    ),
    "half a chunk": _raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n[]"),
    "many headers": _raw(b"HTTP/1.1 200 OK\r\n" + b"X-More: 1\r\n" * 5_000 + b"\r\n[]"),
    "long header": _raw(b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 200_000 + b"\r\n\r\n[]"),
    "two lengths": _raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 9\r\n\r\n[]"),
    "no status": _raw(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"),
    "nothing": _raw(b""),
    "bomb": _bomb(Content_Encoding="gzip"),
    "bomb in disguise": _bomb(),
}
