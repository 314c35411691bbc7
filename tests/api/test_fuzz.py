"""A smoke test by generated requests: about two hundred, of which none may end in a 5xx."""

import json
from typing import Any
from urllib.parse import urlencode

import pytest
import schemathesis
from django.contrib.auth.models import Permission
from django.test import Client
from hypothesis import HealthCheck, settings
from schemathesis.config import SchemathesisConfig

from exchange.models import Session, User
from tests.api.test_schema import described
from tests.factories import (
    active_market,
    ask,
    buy,
    joined,
    open_market,
    running_session,
    ticked,
)

EXAMPLES_PER_VERB = 9
# A made-up Authorization would turn every request into the same 401.
KEPT = ("Idempotency-Key",)


def _described() -> Any:
    """Return the API by its own description."""
    plain = json.loads(json.dumps(described(), default=str))
    # every case that the coverage phase can think of would be a thousand requests
    config = SchemathesisConfig.from_dict({"phases": {"coverage": {"enabled": False}}})
    loaded = schemathesis.openapi.from_dict(plain, config=config)
    return loaded.include(path_regex="^/api/v1/")


schema = _described()
each_verb: Any = schema.parametrize()


@pytest.fixture
def program(db: None, alice: User, unlimited: None) -> Client:
    """Return a signed-in caller, and markets that the addresses can name."""
    buy(alice, active_market("oil"), "5")
    open_market("gas")
    alice.user_permissions.add(Permission.objects.get(codename="host_session"))
    session = running_session(alice)
    ask(joined(session, "Alice", alice), "buy", "0y", "5")
    ticked(session, 2)
    client = Client(raise_request_exception=False)
    client.force_login(alice)
    return client


@each_verb  # type: ignore[untyped-decorator]  # schemathesis makes a test per verb
@settings(
    max_examples=EXAMPLES_PER_VERB,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
def test_no_request_breaks_it(case: Any, program: Client) -> None:
    response = _sent(case, program)

    assert response.status_code < 500, response.content
    is_table = response.get("Content-Type", "").startswith("text/csv")
    assert is_table or response.status_code == 204 or json.loads(response.content) is not None


def _sent(case: Any, program: Client) -> Any:
    """Send a generated request; a market it names exists, else every answer would be a 404."""
    if "slug" in (case.path_parameters or {}):
        case.path_parameters["slug"] = "gas" if "contributions" in case.path else "oil"
    if "/sessions/" in case.path and "code" in (case.path_parameters or {}):
        case.path_parameters["code"] = Session.objects.values_list("code", flat=True)[0]
    body = case.body if isinstance(case.body, bytes) else _json(case.body)
    return program.generic(
        case.method,
        f"{case.formatted_path}?{urlencode(dict(case.query or {}), doseq=True)}",
        body,
        content_type="application/json",
        headers={name: str(case.headers[name]) for name in KEPT if name in (case.headers or {})},
    )


def _json(body: Any) -> bytes:
    unset = type(body).__name__ == "NotSet"
    return b"" if unset else json.dumps(body, default=str).encode()
