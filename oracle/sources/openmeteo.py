"""Open-Meteo: hourly weather of one place, without a key."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from exchange import clock
from oracle.sources.base import Observed, SourceDown
from oracle.sources.web import Line, Numbers, Request, path_part, pico, rows

HOUR = timedelta(hours=1)
REACH = timedelta(days=90)
LATITUDE_MAX, LONGITUDE_MAX = 90, 180


class OpenMeteo(Numbers):
    """One variable, say `temperature_2m`. An hour counts once it is over, and `lag_s` later."""

    URL = "https://api.open-meteo.com/v1/forecast"
    OPTIONS = frozenset({"latitude", "longitude", "lag_s"})

    def __init__(self, line: Line) -> None:
        """Refuse a place that is not on the globe."""
        super().__init__(line)
        self.latitude = _degrees(self.option("latitude"), LATITUDE_MAX)
        self.longitude = _degrees(self.option("longitude"), LONGITUDE_MAX)

    def question(self, series: str, since: datetime, until: datetime) -> Request:
        """Return the question for the days of the window, as far back as the service goes."""
        asked = {
            "latitude": self.latitude,
            "longitude": self.longitude,
            "hourly": path_part(series, "_"),
            "start_date": max(since, until - REACH).astimezone(UTC).date().isoformat(),
            "end_date": until.astimezone(UTC).date().isoformat(),
            "timeformat": "unixtime",
            "timezone": "UTC",
        }
        return Request(url=f"{self.url}?{urlencode(asked)}")

    def numbers(self, said: Any, series: str, until: datetime) -> Iterable[Observed]:
        """Return the hours that are over. What lies ahead is a forecast and no observation."""
        said_unit = str(said["hourly_units"][series])
        unit = "".join(c for c in said_unit if c.isprintable())[:40]
        lag = timedelta(seconds=self.whole("lag_s"))
        pairs = zip(rows(said, "hourly", "time"), rows(said, "hourly", series), strict=True)
        for second, value in pairs:
            over_at = clock.at(int(second)) + HOUR
            if value is not None and over_at <= until:
                yield Observed(
                    value_pico=pico(value),
                    unit=unit,
                    observed_at=over_at,
                    released_at=over_at + lag,
                )


def _degrees(words: str, most: int) -> str:
    try:
        degrees = Decimal(words)
    except ArithmeticError as error:
        raise SourceDown("latitude and longitude are decimal text") from error
    if not degrees.is_finite() or abs(degrees) > most:
        raise SourceDown(f"{words[:20]} degrees are not on the globe")
    return format(degrees, "f")
