"""A Valkey of this test alone, and somebody who listens to the news it carries."""

import json
import os
import shutil
import signal
import tempfile
import threading
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import redis

from exchange.services import outbox
from megatron import embedded


class OwnBroker:
    """The server, which may be emptied, stopped and silenced because we started it."""

    def __init__(self) -> None:
        self.state = Path(tempfile.mkdtemp(prefix="mg-vk-"))
        self.state.chmod(0o755)
        self.pair = embedded.Embedded(self.state, durable=False, postgres=False).start()

    @property
    def url(self) -> str:
        """Return its address."""
        return embedded.redis_url(self.state)

    @property
    def client(self) -> "redis.Redis":
        """Return a client of its own."""
        return redis.Redis.from_url(self.url, socket_timeout=5)

    def flush(self) -> None:
        """Forget everything; the server says itself that it is ours."""
        with self.client as client:
            info: Any = client.info("server")
            assert info["process_id"] == self.pid
            client.flushall()

    @property
    def pid(self) -> int:
        """Return the process, proven by the socket it was given."""
        pid = self.pair.servers[0].process.pid
        words = Path(f"/proc/{pid}/cmdline").read_bytes()
        assert os.fsencode(embedded.socket_dir(self.state)) in words
        return pid

    def stop(self) -> None:
        """Kill it."""
        os.kill(self.pid, signal.SIGKILL)
        self.pair.servers[0].process.wait(10)

    def start(self) -> None:
        """Start it again, empty."""
        assert self.pair.revive() == ["valkey"]

    def freeze(self, silent: bool = True) -> None:  # noqa: FBT002
        """Let it accept connections and say nothing, or go on."""
        os.kill(self.pid, signal.SIGSTOP if silent else signal.SIGCONT)

    def heal(self) -> None:
        """Let it run again, whatever was done to it."""
        if self.pair.servers[0].process.poll() is None:
            self.freeze(silent=False)
        else:
            self.start()

    def remove(self) -> None:
        """Stop it and leave nothing behind."""
        if self.pair.servers and self.pair.servers[0].process.poll() is None:
            self.freeze(silent=False)
        self.pair.stop()
        shutil.rmtree(embedded.socket_dir(self.state), ignore_errors=True)
        shutil.rmtree(self.state, ignore_errors=True)


class Listener:
    """Hears every market's news in the order it comes; comes back when the line breaks."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.heard: defaultdict[int, list[int]] = defaultdict(list)
        self.listens = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        while not self._stop.is_set():
            try:
                with (
                    redis.Redis.from_url(self.url, socket_timeout=5) as broker,
                    broker.pubsub(ignore_subscribe_messages=True) as channel,
                ):
                    channel.subscribe(outbox.CHANNEL)
                    channel.get_message(timeout=0.1)
                    self.listens.set()
                    while not self._stop.is_set():
                        message: Any = channel.get_message(timeout=0.1)
                        if message:
                            head = json.loads(message["data"])
                            self.heard[head["market"]].append(head["seq"])
            except redis.RedisError:
                self.listens.clear()
                time.sleep(0.02)

    def firsts(self, market_id: int) -> list[int]:
        """Return each number once, in the order in which it was heard first."""
        return list(dict.fromkeys(self.heard[market_id]))

    def close(self) -> None:
        """Stop listening."""
        self._stop.set()
        self._thread.join(10)
