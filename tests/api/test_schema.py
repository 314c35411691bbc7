"""The API's description of itself: complete, valid, and true of its own answers."""

import io
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from drf_spectacular.generators import SchemaGenerator

from tests.api.test_permissions import TABLE

V1 = "/api/v1/"


def described() -> dict[str, Any]:
    """Return the description of every address."""
    generator: Any = SchemaGenerator
    return dict(generator().get_schema(request=None, public=True))


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    """Return the description."""
    return described()


def test_it_is_generated_without_a_warning_and_valid() -> None:
    out = io.StringIO()

    call_command("spectacular", "--fail-on-warn", "--validate", stdout=out)

    assert "openapi: 3.0" in out.getvalue()


def test_it_describes_every_address_and_verb(schema: dict[str, Any]) -> None:
    described = {
        (verb.upper(), path)
        for path, verbs in schema["paths"].items()
        for verb in verbs
        if path.startswith(V1)
    }
    wanted = {(verb, V1 + _plain(route)) for verb, route in TABLE}

    assert wanted <= described


def _plain(route: str) -> str:
    for converter in ("slug:", "str:"):
        route = route.replace(f"<{converter}", "<")
    return route.replace("<", "{").replace(">", "}")


def test_each_verb_says_what_it_does_and_how_it_fails(schema: dict[str, Any]) -> None:
    for verb, route in TABLE:
        operation = schema["paths"][V1 + _plain(route)][verb.lower()]
        assert operation["description"], route
        assert operation["tags"], route
        assert {"400", "401", "404", "429", "503"} <= set(operation["responses"]), route


def test_orders_need_a_key(schema: dict[str, Any]) -> None:
    operation = schema["paths"][f"{V1}markets/{{slug}}/orders/"]["post"]

    key = next(p for p in operation["parameters"] if p["name"] == "Idempotency-Key")
    assert (key["in"], key["required"]) == ("header", True)


def test_figures_are_text_with_a_unit(schema: dict[str, Any]) -> None:
    parts = schema["components"]["schemas"]

    assert parts["OrderInput"]["properties"]["amount"]["type"] == "string"
    assert parts["FilledShape"]["properties"]["total"]["title"] == "USDC, 6 decimals"
    assert parts["FilledShape"]["properties"]["shares"]["title"] == "shares, 9 decimals"


def test_public_addresses_need_no_sign_in(schema: dict[str, Any]) -> None:
    for (verb, route), row in TABLE.items():
        security = schema["paths"][V1 + _plain(route)][verb.lower()]["security"]
        assert ({} in security) == (row.visitor == 200), route
        assert ({"token": []} in security) == (row.scope is not None and row.visitor != 200) or (
            "quote" in route
        ), route


@pytest.mark.django_db
def test_it_can_be_read_and_tried_in_a_browser(client: Client) -> None:
    page = client.get("/api/docs/")

    assert page.status_code == 200
    assert b"swagger" in page.content.lower()
    assert client.get("/api/schema/").status_code == 200
