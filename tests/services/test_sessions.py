"""A session from the draft to the payout: who may what, in which order, and whose money moves."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import pytest

from chain.services import reserves
from exchange.engines.units import parse_fixed
from exchange.errors import Malformed, NotAllowed, Unprocessable
from exchange.models import Account, MarketEvent, Session, User
from exchange.services.outcome import accept
from exchange.services.sessions import drafts, host, lobby
from tests.factories import (
    ask,
    draft,
    funded_user,
    host_user,
    joined,
    open_session,
    running_session,
    ticked,
    usdc,
)
from tests.stillness import still_clock  # noqa: F401

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("still_clock")]
Watch = Callable[[], AbstractContextManager[None]]


def _cash(user: User) -> int:
    return Account.objects.get(user=user, market=None, kind="cash").balance_micro


def _status(session: Session) -> str:
    session.market.refresh_from_db()
    return str(session.market.status)


def _resolved(session: Session, winner: int) -> None:
    ticked(session, 601)
    host.resolve(host=session.host, session=session, winner=winner)
    assert ticked(session, 603) == 1
    assert _status(session) == "resolved"


def test_only_the_right_to_host_makes_a_session(charlie: User, nothing_happened: Watch) -> None:
    with nothing_happened(), pytest.raises(NotAllowed):
        drafts.session_create(host=charlie, draft=draft())


def test_another_host_does_not_touch_it(nothing_happened: Watch) -> None:
    session, other = open_session(), host_user()

    with nothing_happened():
        for verb in (lobby.session_start, lobby.lobby_close, drafts.session_clone, host.reset):
            with pytest.raises(NotAllowed):
                verb(host=other, session=session)


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"name": ""}, "name"),
        ({"labels": [drafts.Label("A"), drafts.Label("a"), drafts.Label("C")]}, "outcomes"),
        ({"labels": [drafts.Label("A", "mauve"), drafts.Label("B"), drafts.Label("C")]},
         "outcomes.0.colour"),
        ({"mode": "wild"}, "mode"),
        ({"money": "shells"}, "money"),
    ],
)  # fmt: skip
def test_names_the_field_that_is_wrong(options: dict[str, Any], field: str) -> None:
    with pytest.raises(Malformed) as refused:
        drafts.parsed(draft(**options))

    assert field in refused.value.fields


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"outcomes": 2}, "n_outcomes"),
        ({"f": "0.06"}, "f"),
        ({"z": "nought"}, "z"),
        ({"batch_ms": "99"}, "batch_ms"),
        ({"batch_ms": "60001"}, "batch_ms"),
        ({"zeta_start": "0.5"}, "zeta_start"),
        ({"shape": "round"}, "shape"),
        ({"mr_enabled": True, "rounds": [["1000", "2000", ["0"]]]}, "rounds"),
        ({"mr_enabled": True, "rounds": [["700000", "0", ["0"]]]}, "rounds"),
        ({"rounds": [["1000", "0", ["0"]]]}, "mr_enabled"),
        ({"planned_winner": 3}, "planned_winner"),
        ({"mr_enabled": True, "rounds": [["5000", "0", ["1"]]], "planned_winner": 1},
         "planned_winner"),
    ],
)  # fmt: skip
def test_names_the_parameter_that_is_wrong(options: dict[str, Any], field: str) -> None:
    with pytest.raises(Unprocessable) as refused:
        drafts.parsed(draft(**options))

    assert (refused.value.code, refused.value.fields["field"]) == ("config_invalid", field)


def test_a_mode_sets_depth_and_coupling_unless_told() -> None:
    made = drafts.parsed(draft(5, mode="high_own_low_cross"))
    told = drafts.parsed(draft(5, mode="high_own_low_cross", q0="100"))

    assert (made.q0_micro, made.zeta_start_e9) == (usdc("400"), parse_fixed("0.01", 9))
    assert told.q0_micro == usdc("100")


def test_a_draft_can_be_changed_and_a_lobby_cannot() -> None:
    owner = host_user()
    session = drafts.session_create(host=owner, draft=draft())

    drafts.session_configure(host=owner, session=session, draft=draft(4, name="Bowl"))
    lobby.lobby_open(host=owner, session=session)

    assert (session.market.name, len(session.outcomes)) == ("Bowl", 4)
    with pytest.raises(Unprocessable, match="lobby"):
        drafts.session_configure(host=owner, session=session, draft=draft())


def test_a_deleted_draft_is_closed() -> None:
    owner = host_user()
    session = drafts.session_create(host=owner, draft=draft())

    drafts.session_delete(host=owner, session=session)

    assert _status(session) == "closed"


def test_a_guest_joins_play_money_by_name_alone() -> None:
    session = open_session(starting_balance="250")

    participant, secret = lobby.join(session=session, name="  Ann   Lee ", user=None)

    purse = Account.objects.get(user=participant.user, kind="play_cash")
    assert (participant.name, purse.balance_micro) == ("Ann Lee", usdc("250"))
    assert participant.user.is_guest
    assert not participant.user.has_usable_password()
    assert secret is not None
    assert secret.startswith("mgp_")


def test_a_name_is_taken_once_whatever_its_case(nothing_happened: Watch) -> None:
    session = open_session()
    joined(session, "Ann")

    with nothing_happened(), pytest.raises(Malformed) as refused:
        joined(session, "aNN")

    assert refused.value.code == "name_taken"


def test_who_joins_again_stays_who_they_are(alice: User) -> None:
    session = open_session()
    first, _ = lobby.join(session=session, name="Alice", user=alice)

    again, secret = lobby.join(session=session, name="Somebody", user=alice)

    assert (again.pk, secret) == (first.pk, None)
    assert Account.objects.get(user=alice, kind="play_cash").balance_micro == usdc("1000")


def test_real_money_wants_an_account_and_not_the_host(nothing_happened: Watch) -> None:
    session = open_session(money="real")
    with nothing_happened():
        for user in (None, session.host):
            with pytest.raises(NotAllowed):
                joined(session, "Ann", user)


def test_late_join_is_a_choice_of_the_host() -> None:
    joined(running_session(late_join=True), "Ann")
    with pytest.raises(Unprocessable, match="after its start"):
        joined(running_session(late_join=False), "Ann")


def test_the_fund_of_real_money_is_held_and_returns_when_the_lobby_closes() -> None:
    owner = host_user("10000")
    session = open_session(owner, money="real")
    held = _cash(owner)

    lobby.lobby_close(host=owner, session=session)

    assert (held, _cash(owner)) == (0, usdc("10000"))


def test_a_host_who_cannot_pay_the_fund_opens_no_lobby(nothing_happened: Watch) -> None:
    owner = host_user("9999.999999")
    session = drafts.session_create(host=owner, draft=draft(money="real"))

    with nothing_happened(), pytest.raises(Unprocessable, match="exceed the available"):
        lobby.lobby_open(host=owner, session=session)


def test_real_money_goes_from_purse_to_pool_to_winner_and_host(alice: User, bob: User) -> None:
    owner = host_user("10000")
    session = open_session(owner, money="real", gas_fee="0.1")
    first, second = joined(session, "Alice", alice), joined(session, "Bob", bob)
    lobby.session_start(host=owner, session=session)
    ask(first, "buy", "0y", "100")
    ask(second, "buy", "0n", "100")

    assert ticked(session, 2) == 1
    paid = [usdc("1000") - _cash(user) for user in (alice, bob)]
    _resolved(session, winner=0)

    won = [_cash(alice), _cash(bob), _cash(owner)]
    assert won[:2] == [usdc("1100") - paid[0], usdc("1000") - paid[1]]
    assert sum(won) == usdc("12000") - usdc("0.2")
    session.refresh_from_db()
    assert session.maker_micro == _cash(owner)


def test_play_money_never_touches_cash(alice: User) -> None:
    owner = host_user("500")
    session = open_session(owner)
    player = joined(session, "Alice", alice)
    lobby.session_start(host=owner, session=session)
    ask(player, "buy", "1y", "200")
    ticked(session, 2)
    _resolved(session, winner=1)

    assert (_cash(alice), _cash(owner)) == (usdc("1000"), usdc("500"))
    play = Account.objects.filter(market=session.market)
    assert all(row.kind.startswith("play_") for row in play)
    assert sum(row.balance_micro for row in play) == 0


def test_a_planned_winner_resolves_by_itself(alice: User) -> None:
    session = running_session(planned_winner=2, total_duration_ms="5000")
    player = joined(session, "Alice", alice)
    ask(player, "buy", "2y", "10")

    assert ticked(session, 6) == 2
    assert _status(session) == "resolved"
    session.refresh_from_db()
    assert session.winner == 2


def test_only_what_has_ended_is_resolved_and_only_once(nothing_happened: Watch) -> None:
    session = running_session()
    with nothing_happened(), pytest.raises(Unprocessable, match="running"):
        host.resolve(host=session.host, session=session, winner=0)
    _resolved(session, winner=0)
    with nothing_happened(), pytest.raises(Unprocessable, match="resolved"):
        host.resolve(host=session.host, session=session, winner=1)


def test_a_host_may_end_early() -> None:
    session = running_session()

    host.end(host=session.host, session=session)

    assert (ticked(session, 2), _status(session)) == (1, "ended")


def test_reset_opens_the_lobby_of_a_clone_and_ends_the_first() -> None:
    session = running_session(f="0.02", mode="low_own_low_cross")

    clone = host.reset(host=session.host, session=session)
    ticked(session, 2)

    assert (_status(session), _status(clone)) == ("ended", "lobby")
    assert clone.market.config == session.market.config
    assert (clone.cloned_from_id, clone.code != session.code) == (session.pk, True)


def test_real_money_at_stake_is_not_reset(nothing_happened: Watch) -> None:
    session = running_session(money="real")
    with nothing_happened(), pytest.raises(Unprocessable, match="real money is at stake"):
        host.reset(host=session.host, session=session)


def test_each_step_is_in_the_public_log(alice: User) -> None:
    session = running_session(mr_enabled=True)
    joined(session, "Alice", alice)
    host.reduce_only(host=session.host, session=session, reason="breath", key="reduce-1")
    ticked(session, 2)
    host.resume(host=session.host, session=session, key="resume-1")
    ticked(session, 4)
    host.eliminate(host=session.host, session=session, outcomes=[1], key="eliminate-1")
    ticked(session, 6)
    _resolved(session, winner=0)

    kinds = MarketEvent.objects.filter(market=session.market).order_by("id")
    assert list(kinds.values_list("kind", flat=True)) == [
        "drafted", "lobby", "started", "joined", "reduce_only", "trading", "eliminate", "ended",
        "resolved",
    ]  # fmt: skip


def test_a_host_eliminates_only_where_it_is_for_them_to_say(nothing_happened: Watch) -> None:
    planned = running_session(mr_enabled=True, rounds=[["60000", "0", ["0"]]])
    off = running_session()
    free = running_session(mr_enabled=True)
    cases = [(planned, [1], "at its time"), (off, [1], "are off"), (free, [0, 1], "at least two")]
    with nothing_happened():
        for session, outcomes, words in cases:
            with pytest.raises(Unprocessable, match=words):
                host.eliminate(
                    host=session.host, session=session, outcomes=outcomes, key="eliminate-1"
                )


def test_a_clone_says_what_its_original_says() -> None:
    session = open_session(outcomes=4, late_join=False, planned_winner=1, gas_fee="0.5")

    clone = drafts.session_clone(host=session.host, session=session, name="Again")

    assert replace(drafts.draft_of(clone), name="Cup") == drafts.draft_of(session)


def test_nothing_is_taken_before_the_start(charlie: User) -> None:
    session = open_session()
    player = joined(session, "Charlie", charlie)

    with pytest.raises(Unprocessable) as refused:
        ask(player, "buy", "0y", "1")

    assert (refused.value.code, refused.value.fields) == ("frozen", {"status": "lobby"})
    assert accept.OPEN == ("running", "ended")


def test_a_barred_account_buys_nothing_for_real_money() -> None:
    session = open_session(money="real")
    player = joined(session, "Eve", funded_user("10", opens_barred=True))
    lobby.session_start(host=session.host, session=session)

    with pytest.raises(Unprocessable, match="switched off"):
        ask(player, "buy", "0y", "1")


def test_play_money_is_no_liability(alice: User) -> None:
    before = reserves.proof_of([])
    session = running_session()
    ask(joined(session, "Alice", alice), "buy", "0y", "5")
    ticked(session, 2)

    after = reserves.proof_of([])

    assert (after.liabilities_micro, after.kinds) == (before.liabilities_micro, before.kinds)
