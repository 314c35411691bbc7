"""The line is cut while an order is on its way: the client asks again and nothing is doubled."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from exchange.models import Command, Fill
from exchange.services import tokens
from tests.factories import active_market, funded_user
from tests.fakes.tcp_proxy import WHOLE, Cut, TcpProxy
from tests.faults.scale import scaled
from tests.faults.site import Answer, Order, Web, new_key

pytestmark = [pytest.mark.fault, pytest.mark.timeout(1800), pytest.mark.usefixtures("books")]

CUTS = scaled(120, 2_000)
AT_ONCE = 8
# A request has some 300 bytes and an answer some 1,200; beyond, the line stays whole.
THERE_MAX, BACK_MAX = 450, 1_600


def test_cut_anywhere_nothing_is_lost_or_doubled(web: Web, chance: random.Random) -> None:
    market = active_market(pool="100000")
    people = [funded_user("10000") for _ in range(AT_ONCE)]
    secrets = [tokens.create(user=u, name="bot", scopes=["trade"])[1] for u in people]
    bodies = [{"side": "buy", "amount": "5"}, {"side": "sell", "shares": "999"}]
    orders = [
        Order(market.slug, chance.choice(bodies), chance.choice(secrets), new_key())
        for _ in range(CUTS)
    ]
    lock = threading.Lock()

    def plan() -> Cut:
        with lock:
            where = chance.random()
            if where < 0.3:
                return Cut(there=chance.randrange(THERE_MAX))
            return Cut(back=chance.randrange(BACK_MAX)) if where < 0.75 else WHOLE

    def place(order: Order) -> Answer | None:
        return order.insist(proxy.port, threading.Event())

    with TcpProxy(("127.0.0.1", web.port)) as proxy, ThreadPoolExecutor(AT_ONCE) as pool:
        proxy.plan = plan
        answers = list(pool.map(place, orders))
        assert proxy.cuts > CUTS // 3

    for order, answer in zip(orders, answers, strict=True):
        assert answer is not None
        row = Command.objects.get(key=order.key)
        assert answer.status == (201 if row.accepted else 422), answer.raw
        again = order.send(web.port)
        assert again.json == answer.json
        assert again.headers["Idempotent-Replay"] == "true"
        fills = Fill.objects.filter(market=market, command_seq=row.seq or 0)
        assert fills.count() == bool(row.accepted)
    assert Command.objects.filter(key__in=[o.key for o in orders]).count() == CUTS


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"side": "buy", "amount": "5"}, 201),
        ({"side": "buy", "amount": "200"}, 422),
        ({"side": "sell", "shares": "999"}, 422),
    ],
)
def test_ten_senders_of_one_key_get_the_same_bytes(
    web: Web, body: dict[str, str], status: int
) -> None:
    market, alice = active_market(pool="100000"), funded_user("100")
    _, secret = tokens.create(user=alice, name="bot", scopes=["trade"])
    order = Order(market.slug, body, secret, new_key())
    other = Order(market.slug, {"side": "buy", "amount": "6"}, secret, order.key)

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda o: o.send(web.port), [order] * 10))
    answers.append(order.send(web.port))

    assert {answer.status for answer in answers} == {status}
    assert other.send(web.port).code == "key_reused"
    assert Command.objects.filter(key=order.key).count() == 1
    assert len({answer.raw for answer in answers}) == 1
