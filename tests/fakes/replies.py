"""What the services behind the oracle's sources say, in their own forms, about invented things.

Each reply has something inside the window, something too old and something from the future; NOON
is the moment they are asked at.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

NOON = datetime(2024, 3, 20, 12, tzinfo=UTC)
WEEK = timedelta(days=7)


def second(moment: datetime) -> int:
    """Return a moment as these services write it most often."""
    return int(moment.timestamp())


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One kind of source: how it is configured, what it is asked, what it says, what that means.

    `found` has (title, publisher, instant) or (value, instant of the observation, of its release).
    """

    kind: str
    asked: str
    said: Any
    found: list[tuple[Any, ...]]
    path: str
    empty: Any
    wrong: Any
    options: Mapping[str, Any] = field(default_factory=dict)
    has_numbers: bool = False

    @property
    def body(self) -> bytes:
        return json.dumps(self.said).encode()


def day(number: int, month: int = 3) -> datetime:
    """Return midnight of a day of 2024."""
    return datetime(2024, month, number, tzinfo=UTC)


HOURS = [day(20) + timedelta(hours=n) for n in range(24)]

SERVICES = [
    Service(
        kind="serper",
        asked="widgets",
        path="/news",
        said={
            "searchParameters": {"q": "widgets", "type": "news"},
            "news": [
                {
                    "title": "Widgets surge",
                    "link": "https://wire.example/1",
                    "snippet": "Orders rose.",
                    "date": "3 hours ago",
                    "source": "Harbour Wire",
                    "position": 1,
                },
                {"title": "Undated", "link": "https://wire.example/2", "source": "Harbour Wire"},
                {"title": "Old", "date": "2 weeks ago", "source": "Harbour Wire"},
                {"title": "Widgets slip", "date": "Mar 18, 2024", "link": "https://b.example/3"},
                {"title": "Tomorrow's", "date": "Mar 21, 2024", "source": "Harbour Wire"},
            ],
            "credits": 1,
        },
        found=[
            ("Widgets surge", "Harbour Wire", NOON - timedelta(hours=3)),
            ("Widgets slip", "b.example", day(18)),
        ],
        empty={"news": []},
        wrong={"news": "none"},
    ),
    Service(
        kind="serper",
        asked="widgets",
        options={"vertical": "search"},
        path="/search",
        said={
            "organic": [
                {"title": "A page", "link": "https://www.c.example/", "date": "1 day ago"},
                {"title": "No date", "link": "https://www.c.example/2"},
            ]
        },
        found=[("A page", "c.example", NOON - timedelta(days=1))],
        empty={"searchParameters": {}},
        wrong={"organic": [7]},
    ),
    Service(
        kind="gdelt",
        asked="widgets",
        options={"language": "english"},
        path="/doc",
        said={
            "articles": [
                {
                    "url": "https://post.example/a",
                    "title": "Widgets surge abroad",
                    "seendate": "20240320T091500Z",
                    "domain": "post.example",
                    "language": "English",
                    "sourcecountry": "United Kingdom",
                },
                {"title": "Old", "seendate": "20240301T000000Z", "domain": "post.example"},
                {"title": "Later", "seendate": "20240320T121500Z", "domain": "post.example"},
            ]
        },
        found=[("Widgets surge abroad", "post.example", NOON - timedelta(minutes=165))],
        empty={},
        wrong={"articles": [{"title": "x", "seendate": "yesterday"}]},
    ),
    Service(
        kind="hackernews",
        asked="widgets",
        path="/search_by_date",
        said={
            "hits": [
                {
                    "objectID": "1",
                    "title": "Show: widgets",
                    "url": "https://d.example/",
                    "story_text": None,
                    "created_at_i": second(NOON) - 60,
                    "points": 3,
                },
                {"title": "Old", "created_at_i": second(NOON - 2 * WEEK)},
                {"title": "Later", "created_at_i": second(NOON) + 1},
            ],
            "nbHits": 3,
        },
        found=[("Show: widgets", "Hacker News", NOON - timedelta(seconds=60))],
        empty={"hits": [], "nbHits": 0},
        wrong={"hits": [{"title": "x", "created_at_i": None}]},
    ),
    Service(
        kind="fred",
        asked="CPIAUCSL",
        options={"unit": "index"},
        path="/observations",
        has_numbers=True,
        said={
            "count": 4,
            "observations": [
                {"realtime_start": "2024-02-13", "date": "2024-01-01", "value": "308.417"},
                {"realtime_start": "2024-03-14", "date": "2024-02-01", "value": "310.326"},
                {"realtime_start": "2024-03-14", "date": "2024-01-01", "value": "308.400"},
                {"realtime_start": "2024-03-20", "date": "2024-03-01", "value": "311.5"},
                {"realtime_start": "2024-03-15", "date": "2024-02-02", "value": "."},
            ],
        },
        found=[
            (308.4, day(1, 1), day(15)),
            (310.326, day(1, 2), day(15)),
        ],
        empty={"count": 0, "observations": []},
        wrong={"observations": [{"realtime_start": "x", "date": "2024-01-01", "value": "1"}]},
    ),
    Service(
        kind="openmeteo",
        asked="temperature_2m",
        options={"latitude": "51.5", "longitude": "-0.1", "lag_s": 3600},
        path="/forecast",
        has_numbers=True,
        said={
            "hourly_units": {"time": "unixtime", "temperature_2m": "°C"},
            "hourly": {
                "time": [second(hour) for hour in HOURS],
                "temperature_2m": [None, *(9.5 + n for n in range(23))],
            },
        },
        # Twelve hours are over at noon, the first was not measured, the last is not out yet.
        found=[
            (8.5 + n, day(20) + timedelta(hours=n + 1), day(20) + timedelta(hours=n + 2))
            for n in range(1, 11)
        ],
        empty={
            "hourly_units": {"temperature_2m": "°C"},
            "hourly": {"time": [], "temperature_2m": []},
        },
        wrong={"error": True, "reason": "no such variable"},
    ),
    Service(
        kind="github",
        asked="acme/widgets",
        path="/repos/acme/widgets/stats/commit_activity",
        has_numbers=True,
        said=[
            {"days": [0] * 7, "total": 0, "week": second(day(3))},
            {"days": [1, 2, 3, 0, 0, 0, 0], "total": 6, "week": second(day(10))},
            {"days": [5, 0, 0, 0, 0, 0, 0], "total": 5, "week": second(day(17))},
        ],
        found=[(6, day(17), day(17))],
        empty=[],
        wrong={"message": "is not a list"},
    ),
    Service(
        kind="npm",
        asked="@acme/widgets",
        path="/2024-03-11:2024-03-20/@acme/widgets",
        has_numbers=True,
        said={
            "package": "@acme/widgets",
            "downloads": [
                {"day": "2024-03-16", "downloads": 120},
                {"day": "2024-03-17", "downloads": 0},
                {"day": "2024-03-18", "downloads": 140},
                {"day": "2024-03-19", "downloads": 150},
                {"day": "2024-03-20", "downloads": 0},
            ],
        },
        found=[(120, day(17), day(18)), (0, day(18), day(19)), (140, day(19), day(20))],
        empty={"downloads": []},
        wrong={"error": "package not found"},
    ),
    Service(
        kind="pypi",
        asked="Widgets",
        path="/widgets/overall?mirrors=false",
        has_numbers=True,
        said={
            "package": "widgets",
            "data": [
                {"category": "with_mirrors", "date": "2024-03-17", "downloads": 900},
                {"category": "without_mirrors", "date": "2024-03-17", "downloads": 70},
                {"category": "without_mirrors", "date": "2024-03-19", "downloads": 80},
            ],
        },
        found=[(70, day(18), day(19))],
        empty={"data": []},
        wrong={
            "data": [{"category": "without_mirrors", "date": "2024-03-17", "downloads": "many"}]
        },
    ),
    Service(
        kind="wikipedia",
        asked="AC/DC (band)",
        options={"lag_s": 0},
        path="/en.wikipedia/all-access/user/AC%2FDC_%28band%29/daily/20240311/20240320",
        has_numbers=True,
        said={
            "items": [
                {"article": "AC/DC", "timestamp": "2024031800", "views": 41},
                {"article": "AC/DC", "timestamp": "2024031900", "views": 42},
                {"article": "AC/DC", "timestamp": "2024032000", "views": 9},
            ]
        },
        found=[(41, day(19), day(19)), (42, day(20), day(20))],
        empty={"items": []},
        wrong={"items": [{"timestamp": 5, "views": 1}]},
    ),
]
