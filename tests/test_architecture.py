"""The structure as a test: import contracts, migrations, permissions, documented errors."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from exchange import errors
from exchange.models import User
from tests.permissions import PERMISSIONS, Who, who

ROOT = Path(__file__).resolve().parent.parent
APPS = ("megatron", "exchange", "oracle", "liquidity", "chain")
PURE_MODULES = {
    "bisect", "collections.abc", "dataclasses", "enum", "functools", "hashlib", "heapq",
    "itertools", "math", "re", "typing",
}  # fmt: skip
EXACT_POWERS = "fixedmath.py"
PARAMETER = re.compile(r"<(?:(?P<kind>\w+):)?\w+>")
SAMPLES = {"int": "1", "slug": "no-such-thing", "str": "no_such_thing"}
REFUSED = {302, 401, 403, 404, 405}


def _routes(resolver: URLResolver | None = None, before: str = "") -> Iterator[str]:
    for entry in (resolver or get_resolver()).url_patterns:
        route = before + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from _routes(entry, route)
        elif isinstance(entry, URLPattern):
            yield route


def _routes_for(*kinds: Who) -> list[str]:
    plain = (route for route in _routes() if "^" not in route and "(?P" not in route)
    return sorted({route for route in plain if who(route) in kinds})


def _address(route: str) -> str:
    return "/" + PARAMETER.sub(lambda found: SAMPLES.get(found["kind"], "no_such_thing"), route)


def test_imports_keep_their_contracts() -> None:
    linter = Path(sys.executable).parent / "lint-imports"
    answer = subprocess.run(
        [linter, "--no-cache", "--no-logo"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert answer.returncode == 0, answer.stdout


def test_every_pure_room_is_under_contract() -> None:
    contract = (ROOT / ".importlinter").read_text()
    rooms = [
        f"{app}.{room}"
        for app in APPS
        for room in ("engines", "core")
        if (ROOT / app / room).is_dir()
    ]

    assert [room for room in rooms if f"    {room}\n" not in contract] == []


def test_engines_and_cores_import_only_what_is_pure() -> None:
    files = [file for app in APPS for file in _pure_files(ROOT / app)]

    assert [words for file in files for words in _impure_imports(file)] == []


def _pure_files(app: Path) -> Iterator[Path]:
    for room in ("engines", "core"):
        yield from (app / room).rglob("*.py")


def _impure_imports(file: Path) -> Iterator[str]:
    own = ".".join(file.relative_to(ROOT).parts[:2])
    allowed = PURE_MODULES | ({"decimal"} if file.name == EXACT_POWERS else set())
    for line, name in _imports(ast.parse(file.read_text())):
        if name not in allowed and not f"{name}.".startswith((f"{own}.", "exchange.engines.")):
            yield f"{file.relative_to(ROOT)}:{line}: imports {name}"


def _imports(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, node.module or ""


@pytest.mark.django_db
def test_migrations_match_the_models() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_every_address_is_in_the_permission_table() -> None:
    assert [route for route in _routes() if who(route) is None] == []


def test_the_permission_table_has_no_dead_entry() -> None:
    routes = list(_routes())
    dead = [
        key
        for key in PERMISSIONS
        if not any(r == key or (key.endswith("*") and r.startswith(key[:-1])) for r in routes)
    ]

    assert dead == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    "route", _routes_for(Who.SIGNED_IN, Who.TOKEN, Who.STAFF, Who.METRICS), ids=str
)
def test_refuses_a_stranger(client: Client, route: str) -> None:
    for method in ("get", "post"):
        assert getattr(client, method)(_address(route)).status_code in REFUSED, method


@pytest.mark.django_db
@pytest.mark.parametrize("route", _routes_for(Who.STAFF, Who.METRICS), ids=str)
def test_refuses_a_trader(client: Client, charlie: User, route: str) -> None:
    client.force_login(charlie)

    for method in ("get", "post"):
        assert getattr(client, method)(_address(route)).status_code in REFUSED, method


def _errors(kind: type[errors.MegatronError]) -> Iterator[type[errors.MegatronError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from _errors(child)


def _codes_raised() -> Iterator[str]:
    names = {kind.__name__ for kind in _errors(errors.MegatronError)}
    for app in APPS:
        for file in (ROOT / app).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") in names:
                    values = [word.value for word in node.keywords if word.arg == "code"]
                    yield from (str(v.value) for v in values if isinstance(v, ast.Constant))


def test_every_error_code_is_documented() -> None:
    written = "\n".join(
        path.read_text()
        for path in (
            ROOT / "exchange/errors.py",
            ROOT / "exchange/refusals.py",
            *ROOT.glob("docs/*.md"),
        )
    )
    codes = {kind.code for kind in _errors(errors.Refused)} | set(_codes_raised())

    assert sorted(code for code in codes if not re.search(rf"\b{code}\b", written)) == []
