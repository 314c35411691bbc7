"""The maker's report: what a tick keeps, the table and the API tell is what the engine reports."""

import csv
import io
from decimal import Decimal
from typing import Any

import pytest

from exchange import clock
from exchange.engines import outcome
from exchange.models import OutcomeFill, OutcomeTick, Session
from exchange.selectors.outcome import exports, reports, sessions
from exchange.services.outcome.replay import Walk
from exchange.services.sessions import host
from exchange.spreadsheet import csv_file
from tests.all_kinds import KINDS, every_kind
from tests.api.caller import Caller
from tests.factories import joined, running_session, ticked
from tests.stillness import still_clock  # noqa: F401

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("still_clock")]
ROUND = [["5000", "1000", ["2"]]]


@pytest.fixture
def session() -> Session:
    """Return a session with every kind of trade in it and a round to come."""
    made = running_session(
        z="3000", outcomes=5, mu_start="2", zeta_start="0.2", zeta_end="0.05", sigma="0.3",
        kappa_start="0.0001", gas_fee="0.01", mr_enabled=True, rounds=ROUND,
        interpolation_mode="reset",
    )  # fmt: skip
    every_kind([joined(made, name) for name in ("Ann", "Ben", "Cat")])
    ticked(made, 1)
    assert set(OutcomeFill.objects.values_list("kind", flat=True)) == KINDS
    return made


def _places(count: int, fine: bool) -> str:
    return f"{Decimal(count).scaleb(-12 if fine else -6):.{12 if fine else 6}f}"


def _of_engine(row: outcome.Report, number: int) -> list[str]:
    part = next((part for part in row.outcomes if part.outcome == number), None)
    if part is None:
        return [""] * 6
    fine = (part.cash_fine, part.depth_fine, part.subsidy_fine)
    micro = (*part.supply_micro, part.virtual_yes_micro)
    return [_places(n, fine=True) for n in fine] + [_places(n, fine=False) for n in micro]


def _table(session: Session) -> list[dict[str, str]]:
    header, rows = exports.ticks(session)
    return list(csv.DictReader(io.StringIO(csv_file("x.csv", header, rows).content.decode())))


COLUMNS = ("cash V", "depth L", "subsidy", "YES supply", "NO supply", "virtual YES")


def test_the_table_has_what_the_engine_reports_at_each_tick(session: Session) -> None:
    ticked(session, 6)
    rows = iter(_table(session))
    walk, virtual = Walk(session), set()
    for taken in walk.steps():
        found = outcome.report(walk.config, walk.state, taken.batch.t_ms)
        for number in range(5):
            row = next(rows)
            assert [row[name] for name in COLUMNS] == _of_engine(found, number)
            assert row["common depth L"] == _places(found.common_depth_fine, fine=True)
            assert row["maker subsidy"] == _places(found.subsidy_fine, fine=True)
            virtual.add(row["virtual YES"])
            fills = OutcomeFill.objects.filter(
                market_id=session.pk,
                batch_seq__lte=walk.batch_seq,
                token__in=(2 * number, 2 * number + 1),
            )
            earned = sum(fills.values_list("seigniorage_micro", flat=True))
            assert row["seigniorage of outcome"] == _places(earned, fine=False)
    assert next(rows, None) is None
    assert walk.batch_seq >= 3
    assert "" in virtual  # the outcome that is out
    assert len(virtual) > 2  # an elimination has lifted the others


def test_the_trades_have_both_sides_of_a_pair(session: Session) -> None:
    header, rows = exports.trades(session)
    text = csv_file("x.csv", header, rows).content.decode()
    found = list(csv.DictReader(io.StringIO(text)))
    mint = next(row for row in found if row["kind"] == "mint")
    merge = next(row for row in found if row["kind"] == "merge")
    plain = [row for row in found if row["kind"] not in {"mint", "merge"}]

    assert (mint["buyer"], mint["seller"], mint["token"]) == ("Ben", "", "NO")
    assert (mint["partner"], mint["partner side"], mint["partner token"]) == ("Ann", "buy", "YES")
    assert (merge["seller"], merge["buyer"], merge["token"]) == ("Ben", "", "NO")
    assert (merge["partner"], merge["partner side"]) == ("Ann", "sell")
    for row in (mint, merge):
        assert Decimal(row["USDC"]) + Decimal(row["partner USDC"]) == Decimal(row["tokens"])
        assert Decimal(row["price"]) + Decimal(row["partner price"]) == 1
    assert all(row["partner"] == row["partner fee"] == "" for row in plain)
    assert all(row["buyer"] and row["seller"] for row in plain)
    last = OutcomeTick.objects.latest("seq")
    fees = sum(Decimal(row["fee"]) + Decimal(row["partner fee"] or 0) for row in found)
    assert f"{fees:.6f}" == _places(last.fees_micro, fine=False)
    volume = sum(Decimal(row["USDC"]) for row in found)
    assert f"{volume:.6f}" == _places(last.volume_sum_micro, fine=False)


def _again(session: Session) -> Session:
    return Session.objects.select_related("market__live", "host").get(pk=session.pk)


def test_the_hosts_report_is_the_engines_and_adds_up(session: Session) -> None:
    with clock.shifted(2):
        view = sessions.view(_again(session), session.host)
    found = reports.of_view(view)
    assert found is not None

    engine = outcome.report(view.config, view.state, view.now_ms)
    assert found.subsidy_fine == engine.subsidy_fine
    for part, row in zip(found.outcomes, engine.outcomes, strict=True):
        assert (part.cash_fine, part.depth_fine) == (row.cash_fine, row.depth_fine)
        assert (part.yes_micro, part.no_micro) == row.supply_micro
    last = OutcomeTick.objects.latest("seq")
    assert found.seigniorage_micro == last.seigniorage_micro
    earned = [part.seigniorage_micro for part in found.outcomes]
    assert sum(earned) == found.seigniorage_micro + found.paid_back_micro
    assert earned[1] > 0 == earned[0]
    assert found.paid_back_micro > 0


def test_it_is_told_to_the_host_and_after_the_end_to_all(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    for room in ("exchange.api.throttles", "exchange.limits"):
        monkeypatch.setattr(f"{room}.take", lambda *_, **__: None)

    def told(caller: Caller) -> Any:
        return caller.get(f"sessions/{session.code}/").json["maker"]

    by_host = told(Caller(session.host))
    assert told(Caller()) is told(Caller(joined(session, "Dan").user)) is None
    rows = _table(session)
    assert [row["seigniorage"] for row in by_host["outcomes"]] == [
        row["seigniorage of outcome"] for row in rows[-5:]
    ]
    assert by_host["pool"] == rows[-1]["pool"]
    ticked(session, 6)
    host.end(host=session.host, session=session)
    ticked(session, 8)
    assert told(Caller()) == told(Caller(session.host))
    assert told(Caller())["outcomes"][2] == {
        "outcome": 2, "cash": None, "depth": None, "subsidy": None, "yes": None, "no": None,
        "virtual_yes": None, "seigniorage": "0.000000",
    }  # fmt: skip


def test_a_tick_from_before_there_were_reports_has_none(session: Session) -> None:
    assert OutcomeTick._meta.get_field("report").null
    last = OutcomeTick(report=None)

    common, parts = exports._reported(last.report, 5)

    assert set(common) | {cell for part in parts for cell in part} == {""}
    assert len(parts) == 5
