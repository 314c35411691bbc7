"""Limits: so many at once, so many per second, per account and per address; and without Redis."""

import time

import pytest
from rest_framework.settings import api_settings

from exchange import limits
from exchange.errors import Unavailable
from exchange.limits import Rate, parsed, take
from exchange.models import Market, User
from exchange.services.sessions import lobby
from tests.api.caller import Caller
from tests.factories import funded_user, running_session

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("20/s burst 60", Rate(50_000, 60)),
        ("30/s", Rate(33_333, 30)),
        ("10/h", Rate(360_000_000, 10)),
        ("20/min", Rate(3_000_000, 20)),
        ("1/d", Rate(86_400_000_000, 1)),
    ],
)
def test_a_rate_is_read(text: str, rate: Rate) -> None:
    assert parsed(text) == rate


@pytest.mark.parametrize("text", ["", "20", "20/x", "0/s", "-1/s", "1.5/s", "20/s burst", "20/ss"])
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a rate"):
        parsed(text)


def test_the_settings_say_the_rates() -> None:
    stored = api_settings.DEFAULT_THROTTLE_RATES

    assert parsed(stored["trade"]) == Rate(50_000, 60)
    assert parsed(stored["quote"]).interval_us == 33_333
    assert parsed(stored["read"]).interval_us == 16_666
    assert parsed(stored["token"]) == Rate(360_000_000, 10)


def test_the_burst_passes_and_the_next_waits(rates: dict[str, str]) -> None:
    answers = [take("read", "10.0.0.1") for _ in range(5)]

    assert answers[:3] == [None] * 3
    assert all(wait is not None and 1_100 < wait <= 1_200 for wait in answers[3:])


def test_a_redis_that_forgot_the_script_is_told_again(rates: dict[str, str]) -> None:
    limits._client().script_flush()

    assert take("read", "10.0.0.8") is None


def test_room_comes_back_with_time(rates: dict[str, str]) -> None:
    while take("fast", "10.0.0.2") is None:
        pass

    time.sleep(0.03)  # the limiter runs on Redis's clock, which a test cannot move

    assert take("fast", "10.0.0.2") is None


def test_scopes_and_addresses_do_not_share(rates: dict[str, str]) -> None:
    for _ in range(4):
        take("read", "10.0.0.3")

    assert take("quote", "10.0.0.3") is None
    assert take("read", "10.0.0.4") is None


def test_an_account_is_limited_from_any_address(rates: dict[str, str], alice: User) -> None:
    waits = [take("trade", f"10.1.0.{number}", alice.pk) for number in range(30)]

    assert waits[:3] == [None] * 3
    assert None not in waits[3:]


def test_an_address_is_limited_for_any_account(rates: dict[str, str]) -> None:
    waits = [take("trade", "10.2.0.1", number) for number in range(1, 31)]

    assert waits.count(None) == 3 * limits.ADDRESS_FACTOR
    assert waits[-1] is not None


def test_a_neighbour_is_not_affected(rates: dict[str, str]) -> None:
    for _ in range(10):
        take("trade", "10.3.0.1", 1)

    assert take("trade", "10.3.0.1", 2) is None


def test_a_refused_request_does_not_count(rates: dict[str, str]) -> None:
    waits = [take("read", "10.0.0.5") for _ in range(50)]

    assert max(wait for wait in waits if wait) <= 1_200


def test_the_door_answers_429(rates: dict[str, str], anyone: Caller, market: Market) -> None:
    answers = [anyone.get("markets/") for _ in range(4)]

    assert [answer.status for answer in answers] == [200, 200, 200, 429]
    assert answers[3].code == "too_many"
    assert int(answers[3].headers["Retry-After"]) > 1_000
    assert answers[3].fields["retry_after_s"] > 1_000


def test_the_snapshot_is_limited_too(rates: dict[str, str], anyone: Caller, market: Market) -> None:
    answers = [anyone.get("markets/oil/snapshot/") for _ in range(4)]

    assert [answer.status for answer in answers] == [200, 200, 200, 429]
    assert answers[3].code == "too_many"


def test_a_limited_order_does_nothing(rates: dict[str, str], market: Market) -> None:
    trader = Caller(funded_user("1000"))
    asked = {"side": "buy", "amount": "5"}

    answers = [trader.order("oil", asked) for _ in range(5)]

    assert [answer.status for answer in answers] == [201, 201, 201, 429, 429]
    assert len(trader.get("fills/").json["results"]) == 3


def test_keys_are_made_slowly(as_alice: Caller, rates: dict[str, str]) -> None:
    made = [as_alice.post("tokens/", {"name": "n", "scopes": ["read"]}) for _ in range(4)]

    assert [answer.status for answer in made] == [201, 201, 201, 429]


def test_without_redis_reading_and_trading_stay_open(
    lost: None, as_alice: Caller, market: Market
) -> None:
    assert as_alice.get("markets/").status == 200
    assert as_alice.get("markets/oil/snapshot/").status == 200
    assert as_alice.order("oil", {"side": "buy", "amount": "5"}).status == 201


def test_without_redis_no_key_is_made(lost: None, as_alice: Caller) -> None:
    answer = as_alice.post("tokens/", {"name": "n", "scopes": ["read"]})

    assert (answer.status, answer.code) == (503, "busy")
    with pytest.raises(Unavailable):
        take("money", "10.0.0.6")


def test_a_lost_redis_is_left_alone_for_a_moment(
    lost: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    take("read", "10.0.0.7")
    monkeypatch.setattr(limits, "_client", lambda: pytest.fail("asked again at once"))

    assert take("read", "10.0.0.7") is None


def test_a_hall_behind_one_address_is_counted_by_person(rates: dict[str, str]) -> None:
    session = running_session()
    address = f"sessions/{session.code}/mine/"
    people = [lobby.join(session=session, name=f"P{n}", user=None) for n in range(8)]
    callers = [Caller(secret=secret or "") for _, secret in people]

    found = [[caller.get(address).status for _ in range(4)] for caller in callers]
    visitors = [Caller().get(f"sessions/{session.code}/").status for _ in range(4)]

    assert len(callers) * 3 > 3 * limits.ADDRESS_FACTOR
    assert found == [[200, 200, 200, 429]] * len(callers)
    assert visitors == [200, 200, 200, 429]
