import os

import pytest
import redis
from django.db import OperationalError, connection
from django.test import Client
from pytest_django import Settings

from exchange import live
from exchange.models import User

ABSENT = "unix:///nonexistent/valkey.sock"


def test_lives_without_asking_anybody(client: Client) -> None:
    assert client.get("/healthz").status_code == 200


@pytest.mark.django_db
def test_is_degraded_while_no_clock_runs(client: Client) -> None:
    answer = client.get("/readyz")

    assert answer.status_code == 200
    assert answer.json()["status"] == "degraded"
    assert answer.json()["parts"] == {"database": "ok", "migrations": "ok", "redis": "ok"}


@pytest.mark.django_db
def test_is_ready_when_every_part_gives_signs(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = {part: {"here:1"} for part in live.PARTS}
    monkeypatch.setattr(live, "processes", lambda: running)

    answer = client.get("/readyz").json()

    assert answer["status"] == "ready"
    assert answer["processes"]["clock"] == 1


@pytest.mark.django_db
def test_stays_in_service_without_redis(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise redis.ConnectionError

    monkeypatch.setattr(live, "processes", away)

    answer = client.get("/readyz")

    assert answer.status_code == 200
    assert answer.json()["status"] == "degraded"
    assert answer.json()["parts"]["redis"] == "down"


def test_leaves_service_without_the_database(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> None:
        raise OperationalError

    monkeypatch.setattr(connection, "cursor", away)

    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json()["parts"]["database"] == "down"


@pytest.mark.django_db
def test_metrics_are_hidden_from_traders(client: Client, charlie: User) -> None:
    client.force_login(charlie)

    assert client.get("/metrics").status_code == 404


@pytest.mark.django_db
def test_metrics_open_to_staff(client: Client, staff: User) -> None:
    client.force_login(staff)

    assert b"django_http_requests" in client.get("/metrics").content


@pytest.mark.parametrize(
    ("header", "status"),
    [("Bearer right", 200), ("Bearer wrong", 404), ("right", 404), ("Bearer ", 404)],
)
@pytest.mark.django_db
def test_metrics_open_to_the_token(
    client: Client, settings: Settings, header: str, status: int
) -> None:
    settings.METRICS_TOKEN = "right"

    assert client.get("/metrics", headers={"authorization": header}).status_code == status


@pytest.mark.django_db
def test_metrics_without_a_token_set_open_to_no_token(client: Client) -> None:
    assert client.get("/metrics", headers={"authorization": "Bearer "}).status_code == 404


def test_a_sign_of_life_is_seen_under_its_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "_marked", {})

    live.mark("clock")

    assert live.name_of(os.getpid()) in live.processes()["clock"]


def test_a_sign_of_life_never_raises(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.REDIS_URL = ABSENT
    live._client.cache_clear()
    monkeypatch.setattr(live, "_marked", {})

    live.mark("clock")

    live._client.cache_clear()
