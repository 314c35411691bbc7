"""Counts of whole days that a service publishes some time after the day is over."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from oracle.sources.base import Observed
from oracle.sources.web import Numbers, pico

DAY = timedelta(days=1)


class Daily(Numbers):
    """A day counts from `lag_s` after its end, by default a day later, when all count it."""

    OPTIONS = frozenset({"lag_s"})
    UNIT = ""

    def counts(self, said: Any) -> Sequence[tuple[str, Any]]:
        """Return (day, count), the day as eight digits with or without dashes."""
        raise NotImplementedError

    def numbers(self, said: Any, series: str, until: datetime) -> Iterable[Observed]:
        """Return every day. Zeros at the end are days that nobody has counted yet."""
        lag = timedelta(seconds=self.whole("lag_s", 86_400))
        days = sorted((words.replace("-", ""), pico(count)) for words, count in self.counts(said))
        while days and days[-1][1] == 0:
            days.pop()
        for words, value_pico in days:
            over_at = datetime.strptime(words, "%Y%m%d").replace(tzinfo=UTC) + DAY
            yield Observed(
                value_pico=value_pico,
                unit=self.UNIT,
                observed_at=over_at,
                released_at=over_at + lag,
            )


def window(since: datetime, until: datetime, reach: timedelta) -> tuple[datetime, datetime]:
    """Return the first and the last day to ask for: those of the window, as far as it reaches."""
    last = until.astimezone(UTC)
    # A day's count comes out later than the day; two more at the front cost nothing.
    return max(since.astimezone(UTC) - 2 * DAY, last - reach), last
