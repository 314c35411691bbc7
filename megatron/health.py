"""What a balancer, a monitor and a start-up check ask of a running site."""

import hmac

import redis
from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django_prometheus.exports import ExportToDjangoView

from exchange import live

OK = "ok"
# Without these pages still serve, but prices, oracle runs and the schedule stand still.
NEEDED_LATER = ("clock", "worker", "beat")

_seen_migrated = False


@never_cache
@require_safe
def healthz(_request: HttpRequest) -> HttpResponse:
    """Answer that this process lives; asks nothing of anybody else."""
    return HttpResponse("ok", content_type="text/plain")


@never_cache
@require_safe
def readyz(_request: HttpRequest) -> JsonResponse:
    """Report each part. 503 only for what no page can do without: the database and its tables.

    Without Redis pages still serve and orders still settle, so a balancer must not take every web
    process away at once for it: that is `degraded`.
    """
    database, migrations = _database()
    store, running = _redis()
    needed = database == migrations == OK
    whole = needed and store == OK and all(running.get(part) for part in NEEDED_LATER)
    body = {
        "status": "ready" if whole else "degraded" if needed else "unready",
        "parts": {"database": database, "migrations": migrations, "redis": store},
        "processes": running,
    }
    return JsonResponse(body, status=200 if needed else 503)


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Show Prometheus metrics to staff and to whoever holds the metrics token."""
    _, _, token = request.headers.get("Authorization", "").partition("Bearer ")
    known = bool(settings.METRICS_TOKEN) and hmac.compare_digest(
        token.encode(), settings.METRICS_TOKEN.encode()
    )
    if not known and not (request.user.is_authenticated and request.user.is_staff):
        return HttpResponse("not found", status=404, content_type="text/plain")
    response: HttpResponse = ExportToDjangoView(request)
    return response


def _database() -> tuple[str, str]:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        return OK, OK if _migrated() else "behind"
    except DatabaseError:
        return "down", "unknown"


def _migrated() -> bool:
    global _seen_migrated  # noqa: PLW0603 (what is applied stays applied while this code runs)
    if not _seen_migrated:
        executor = MigrationExecutor(connection)
        _seen_migrated = not executor.migration_plan(executor.loader.graph.leaf_nodes())
    return _seen_migrated


def _redis() -> tuple[str, dict[str, int]]:
    try:
        return OK, {part: len(found) for part, found in live.processes().items()}
    except (redis.RedisError, OSError):
        return "down", {}
