"""The service behind the verbs: what each changes, records, announces, and refuses."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from exchange.errors import Malformed, NotAllowed, Unprocessable
from exchange.models import ApiToken, LiveState, Market, MarketEvent, StaffAction, User
from exchange.services import staff, tokens
from tests.factories import active_market, buy, sell

pytestmark = pytest.mark.django_db
WHY = "the index is under repair"
Nothing = Callable[[], AbstractContextManager[None]]


def test_reduce_only_refuses_opens_and_lets_close(
    market: Market, alice: User, staff_member: User
) -> None:
    held = buy(alice, market, "100").result["shares_nano"]

    staff.reduce_only_set(actor=staff_member, market=market, reason=WHY)

    with pytest.raises(Unprocessable) as refused:
        buy(alice, market, "10")
    assert refused.value.code == "closed_only"
    assert sell(alice, market, held).accepted


def test_reduce_only_is_public_with_its_reason(market: Market, staff_member: User) -> None:
    staff.reduce_only_set(actor=staff_member, market=market, reason=f"  {WHY}\n")

    live = LiveState.objects.get(market=market)
    assert live.reduce_only_reason == WHY
    assert live.reduce_only_since is not None
    event = MarketEvent.objects.filter(market=market).latest("id")
    assert (event.kind, event.rule, event.detail) == ("reduce_only", WHY, {"by": "staff"})
    act = StaffAction.objects.get()
    assert (act.actor, act.verb, act.target, act.reason) == (
        staff_member,
        "market.reduce_only_set",
        "market oil",
        WHY,
    )


def test_reduce_only_is_lifted(market: Market, alice: User, staff_member: User) -> None:
    staff.reduce_only_set(actor=staff_member, market=market, reason=WHY)

    staff.reduce_only_lift(actor=staff_member, market=market, reason="the index is whole again")

    assert buy(alice, market, "10").accepted
    kinds = MarketEvent.objects.filter(market=market).order_by("-id").values_list("kind", flat=True)
    assert list(kinds[:2]) == ["reduce_only_lifted", "reduce_only"]


def test_what_is_so_already_is_refused(
    market: Market, alice: User, staff_member: User, nothing_happened: Nothing
) -> None:
    for verb, subject in (
        (staff.reduce_only_lift, {"market": market}),
        (staff.opens_allow, {"user": alice}),
        (staff.market_describe, {"market": market, "changes": {"name": market.name}}),
        (staff.user_change, {"user": alice, "changes": {"is_bot": False}}),
    ):
        with nothing_happened(), pytest.raises(Unprocessable) as refused:
            verb(actor=staff_member, reason=WHY, **subject)
        assert refused.value.code == "already_so"


def test_a_barred_account_closes_and_does_not_open(
    market: Market, alice: User, staff_member: User
) -> None:
    held = buy(alice, market, "100").result["shares_nano"]
    untouched = active_market("gas")

    staff.opens_bar(actor=staff_member, user=alice, reason=WHY)

    with pytest.raises(Unprocessable):
        buy(alice, market, "10")
    assert sell(alice, market, held).accepted
    assert MarketEvent.objects.filter(market=market, kind="account_barred", rule=WHY).exists()
    assert not MarketEvent.objects.filter(market=untouched, kind="account_barred").exists()


def test_the_public_log_of_a_barred_account_names_nobody(
    market: Market, alice: User, staff_member: User
) -> None:
    buy(alice, market, "100")

    staff.opens_bar(actor=staff_member, user=alice, reason=WHY)

    event = MarketEvent.objects.get(kind="account_barred")
    assert event.detail == {"by": "staff"}
    assert alice.email not in StaffAction.objects.get().target


def test_opens_are_allowed_again(market: Market, alice: User, staff_member: User) -> None:
    staff.opens_bar(actor=staff_member, user=alice, reason=WHY)

    staff.opens_allow(actor=staff_member, user=alice, reason="cleared by compliance")

    assert buy(alice, market, "10").accepted


def test_a_token_is_revoked_once(alice: User, staff_member: User) -> None:
    token, _ = tokens.create(user=alice, name="bot", scopes=["read"])

    staff.token_revoke(actor=staff_member, token=token, reason="found in a public paste")

    assert ApiToken.objects.get().revoked_at is not None
    with pytest.raises(Unprocessable):
        staff.token_revoke(actor=staff_member, token=token, reason="found in a public paste")
    assert StaffAction.objects.count() == 1


def test_describing_keeps_what_was_there_before(market: Market, staff_member: User) -> None:
    staff.market_describe(
        actor=staff_member,
        market=market,
        changes={"name": "Crude oil", "topic": "energy", "summary": market.summary},
        reason="clearer name",
    )

    market.refresh_from_db()
    assert (market.name, market.topic) == ("Crude oil", "energy")
    act = StaffAction.objects.get()
    assert act.detail == {"before": {"name": "Oil", "topic": "tests"}}


@pytest.mark.parametrize("field", ["config", "status", "rules", "unit", "slug", "ticker"])
def test_nobody_describes_what_binds(
    market: Market, staff_member: User, nothing_happened: Nothing, field: str
) -> None:
    with nothing_happened(), pytest.raises(Malformed) as refused:
        staff.market_describe(
            actor=staff_member, market=market, changes={field: "x"}, reason="wishful"
        )
    assert refused.value.code == "field_unknown"


@pytest.mark.parametrize("field", ["email", "password", "opens_barred", "is_active"])
def test_nobody_takes_an_account_over(
    alice: User, staff_member: User, nothing_happened: Nothing, field: str
) -> None:
    with nothing_happened(), pytest.raises(Malformed):
        staff.user_change(actor=staff_member, user=alice, changes={field: "x"}, reason="curious")


def test_only_a_superuser_decides_who_is_staff(alice: User, reader: User) -> None:
    with pytest.raises(NotAllowed):
        staff.user_change(
            actor=reader, user=alice, changes={"is_staff": True}, reason="a friend of mine"
        )


@pytest.mark.parametrize("reason", ["", "    ", "abcd", "x" * 201, "bell\x07rings", "line\u2028"])
def test_a_reason_is_needed(
    market: Market, staff_member: User, nothing_happened: Nothing, reason: str
) -> None:
    with nothing_happened(), pytest.raises(Malformed):
        staff.reduce_only_set(actor=staff_member, market=market, reason=reason)


def test_a_trader_is_no_staff(market: Market, charlie: User, nothing_happened: Nothing) -> None:
    with nothing_happened(), pytest.raises(NotAllowed):
        staff.reduce_only_set(actor=charlie, market=market, reason=WHY)
