"""PostgreSQL and Valkey from wheels, run as children of this process on Unix sockets.

Serves the machine that has neither; DATABASE_URL and REDIS_URL replace it. Knows nothing of Django.
"""

import contextlib
import ctypes
import os
import pwd
import secrets
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from exchange import clock
from megatron import binaries
from megatron.binaries import NotStarted, open_to_all, short_hash

ROOT = Path(__file__).resolve().parent.parent
NAME = "megatron"
# The kernel keeps 108 bytes for a socket's path, the closing zero included.
SOCKET_PATH_BYTES_MAX = 100
START_S_MAX = 60.0
STOP_S_MAX = 15.0
PG_BUILTIN_LOCALE_FROM = 17
PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


def state_dir() -> Path:
    """Return where this installation keeps what must outlive it: MEGATRON_STATE, else var/.

    Root below a closed directory keeps it in /var/lib, for the servers run as nobody and could not
    reach it there.
    """
    if given := os.environ.get("MEGATRON_STATE"):
        return Path(given).resolve()
    if os.geteuid() == 0 and not open_to_all(ROOT):
        return Path("/var/lib") / NAME / short_hash(ROOT)
    return ROOT / "var"


def database_url(state: Path | None = None) -> str:
    """Return the URL of the embedded PostgreSQL, whether it runs or not."""
    return f"postgresql://{NAME}@/{NAME}?host={socket_dir(state or state_dir())}"


def redis_url(state: Path | None = None) -> str:
    """Return the URL of the embedded Valkey, whether it runs or not."""
    return f"unix://{socket_dir(state or state_dir())}/valkey.sock"


def socket_dir(state: Path) -> Path:
    """Return the directory of both sockets: in the state, or a short one where that is too long."""
    inside = state / "sock"
    if len(os.fsencode(inside / ".s.PGSQL.5432.lock")) < SOCKET_PATH_BYTES_MAX:
        return inside
    return Path(tempfile.gettempdir()) / f"{NAME}-{short_hash(state)}"


def signer_socket(state: Path | None = None) -> Path:
    """Return where the signer listens: in its own folder of the state, or a short path instead."""
    home = state or state_dir()
    inside = home / "signer" / "socket"
    if len(os.fsencode(inside)) < SOCKET_PATH_BYTES_MAX:
        return inside
    return Path(tempfile.gettempdir()) / f"{NAME}-{short_hash(home)}-signer"


def secret_key(state: Path | None = None) -> str:
    """Return the installation's own secret, made at the first call, readable by its owner."""
    path = (state or state_dir()) / "secret.key"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"secret.{os.getpid()}.{secrets.token_hex(4)}")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(64))
        # A link appears whole or not at all, and never replaces the secret of a faster process.
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(draft)
        draft.unlink()
    return path.read_text().strip()


def tie_to_parent(sig: int = signal.SIGKILL, parent: int | None = None) -> None:
    """Ask the kernel to send `sig` to this process when its parent dies, however it dies.

    `parent` closes the gap in which the parent died before the request was made.
    """
    _libc.prctl(PR_SET_PDEATHSIG, int(sig))
    if parent is not None and os.getppid() != parent:
        os.kill(os.getpid(), sig)


def tied(sig: signal.Signals) -> Callable[[], None]:
    """Return what a child calls before its program starts, to end with the caller of this."""
    parent = os.getpid()
    return lambda: tie_to_parent(sig, parent)


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A running child and the signal that stops it quickly and cleanly."""

    name: str
    process: "subprocess.Popen[bytes]"
    stop: signal.Signals


class Embedded:
    """The pair of servers of one state directory; a context manager that stops what it started."""

    def __init__(
        self,
        state: Path,
        *,
        durable: bool = True,
        postgres: bool = True,
        valkey: bool = True,
    ) -> None:
        self.state, self.durable = state, durable
        self.wants_postgres, self.wants_valkey = postgres, valkey
        self.sockets = socket_dir(state)
        self.servers: list[Server] = []

    def start(self) -> Self:
        """Start what is wanted and return when it answers. Raises NotStarted."""
        self.programs = binaries.reachable(binaries.find(), self.state)
        for directory in (self.state, self._pg_data.parent):
            directory.mkdir(parents=True, exist_ok=True)
        for directory in (self._pg_data, self.state / "valkey", self.sockets):
            _own(directory)
        try:
            if self.wants_postgres:
                self._start_postgres()
            if self.wants_valkey:
                self._start_valkey()
            self._wait()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop the servers, the last one started first; kill one that does not listen."""
        for server in reversed(self.servers):
            if server.process.poll() is None:
                server.process.send_signal(server.stop)
        for server in self.servers:
            try:
                server.process.wait(STOP_S_MAX)
            except subprocess.TimeoutExpired:
                server.process.kill()
                server.process.wait()
        self.servers = []

    def revive(self) -> list[str]:
        """Start again what ended without being asked to; return the names. Raises NotStarted."""
        dead = [s for s in self.servers if s.process.poll() is not None]
        starts = {"postgres": self._start_postgres, "valkey": self._start_valkey}
        for server in dead:
            self.servers.remove(server)
            starts[server.name]()
        if dead:
            self._wait()
        return [server.name for server in dead]

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def _pg_data(self) -> Path:
        # A new major version cannot read the files of the old one, so each has a place of its own.
        return self.state / f"pg{self.programs.major}"

    def _start_postgres(self) -> None:
        data, programs = self._pg_data, self.programs.postgres
        if not (data / "PG_VERSION").exists():
            _init_cluster(programs, data, self.programs.major)
        _clear_stale_lock(data)
        options = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.sockets),
            "unix_socket_permissions": "0700",
            "max_connections": "200",
            "shared_buffers": "256MB",
            "jit": "off",
            "log_min_messages": "warning",
        }
        if not self.durable:
            options |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        flags = [word for key, value in options.items() for word in ("-c", f"{key}={value}")]
        self._spawn(
            "postgres", [str(programs / "postgres"), "-D", str(data), *flags], stop=signal.SIGINT
        )

    def _start_valkey(self) -> None:
        path = self.sockets / "valkey.sock"
        path.unlink(missing_ok=True)
        options = {
            "port": "0",
            "unixsocket": str(path),
            "unixsocketperm": "700",
            "dir": str(self.state / "valkey"),
            "appendonly": "yes" if self.durable else "no",
            "save": "",
            "daemonize": "no",
            # A title would be written over the environment that tells whose server this is.
            "set-proc-title": "no",
        }
        flags = [word for key, value in options.items() for word in (f"--{key}", value)]
        self._spawn("valkey", [str(self.programs.valkey), *flags], stop=signal.SIGTERM)

    def _spawn(self, name: str, command: list[str], *, stop: signal.Signals) -> None:
        log = self.state / f"{name}.log"
        if log.exists():
            log.replace(log.with_suffix(".log.1"))
        with log.open("wb") as out:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                cwd="/",
                # A session of its own, or Ctrl-C would stop the database before its users.
                start_new_session=True,
                preexec_fn=tied(stop),  # noqa: PLW1509 (one call to the kernel, no lock)
                **_identity(),
            )
        self.servers.append(Server(name=name, process=process, stop=stop))

    def _wait(self) -> None:
        deadline = clock.monotonic() + START_S_MAX
        if self.wants_postgres:
            ready = [str(self.programs.postgres / "pg_isready"), "-q", "-h", str(self.sockets)]
            while subprocess.run(ready, stderr=subprocess.DEVNULL, check=False).returncode != 0:
                self._check(deadline)
            _create_database(self.programs.postgres, self.sockets)
        if self.wants_valkey:
            while not _answers(self.sockets / "valkey.sock"):
                self._check(deadline)

    def _check(self, deadline: float) -> None:
        late = clock.monotonic() > deadline
        for server in self.servers:
            if late or server.process.poll() is not None:
                log = self.state / f"{server.name}.log"
                tail = log.read_text(errors="replace")[-2000:]
                raise NotStarted(f"{server.name} did not start; {log} ends:\n{tail}")
        time.sleep(0.02)


def _init_cluster(programs: Path, data: Path, major: int) -> None:
    builtin = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
    locale = builtin if major >= PG_BUILTIN_LOCALE_FROM else ["--locale=C.UTF-8"]
    done = subprocess.run(
        [
            *(str(programs / "initdb"), "-D", str(data), "-U", NAME, "-E", "UTF8"),
            *("--auth=trust", "--no-instructions", *locale),
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        **_identity(),
    )
    if done.returncode != 0:
        raise NotStarted(f"PostgreSQL cannot make its files in {data}:\n{done.stderr[-2000:]}")


def _create_database(programs: Path, sockets: Path) -> None:
    at = ["-h", str(sockets), "-U", NAME]
    known = subprocess.run(
        [
            *(str(programs / "psql"), *at, "-d", "postgres", "-Atc"),
            "SELECT datname FROM pg_database",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    if NAME not in known.stdout.split():
        subprocess.run([str(programs / "createdb"), *at, NAME], check=True)


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(1)
        try:
            client.connect(str(path))
            client.sendall(b"PING\r\n")
            return client.recv(16).startswith(b"+PONG")
        except OSError:
            return False


def _clear_stale_lock(data: Path) -> None:
    """Wait for a server that is still stopping, and remove the lock of one that is gone.

    After a kill the number in the file may belong to another process by now, and PostgreSQL would
    refuse to start for its sake.
    """
    lock = data / "postmaster.pid"
    deadline = clock.monotonic() + STOP_S_MAX
    while lock.exists():
        first = lock.read_text().partition("\n")[0]
        if not _runs_on(first, data):
            lock.unlink(missing_ok=True)
            return
        if clock.monotonic() > deadline:
            raise NotStarted(f"another PostgreSQL (process {first}) runs on {data}")
        time.sleep(0.1)


def _runs_on(pid: str, data: Path) -> bool:
    try:
        words = Path(f"/proc/{int(pid)}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError):
        return False
    return os.fsencode(data) in words


def _identity() -> Mapping[str, Any]:
    """Return Popen's words for the servers' user: PostgreSQL refuses to be run by root."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    groups: Sequence[int] = []
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": groups}


def _own(directory: Path) -> None:
    """Make a directory only the servers' user can enter. Raises NotStarted if it is another's."""
    directory.mkdir(parents=True, exist_ok=True)
    owner = _identity().get("user", os.geteuid())
    if os.geteuid() == 0:
        os.chown(directory, owner, _identity()["group"])
    if directory.stat().st_uid != owner or directory.is_symlink():
        raise NotStarted(f"{directory} belongs to somebody else")
    directory.chmod(0o700)
