"""The same key, sent again and again from everywhere, has one effect and one answer."""

import json
import random
from dataclasses import dataclass, field
from typing import Any

import pytest

from exchange.errors import Conflict, Unprocessable
from exchange.models import Command, Entry, Market, User
from exchange.services import commands, ledger
from exchange.services.batch import Receipt
from tests.factories import active_market, funded_user, key, open_market, usdc
from tests.faults import elsewhere
from tests.faults.crowd import codes, together
from tests.faults.scale import scaled

pytestmark = [pytest.mark.fault, pytest.mark.timeout(1800), pytest.mark.usefixtures("books")]

THREADS = 32
KEYS = scaled(300, 10_000)
SENT_MAX = 20
Answer = tuple[Any, ...]


@dataclass
class Asked:
    """One key: what was asked under it, and what each sender was told."""

    user: User
    market: Market
    kind: str
    payload: dict[str, int]
    name: str = field(default_factory=key)
    told: list[Answer] = field(default_factory=list)

    def send(self, *, other_body: bool, there: bool) -> None:
        """Ask once, here or as another process would, and note the answer."""
        submit = elsewhere.submit if there else commands.submit
        payload = {n: c + 1 for n, c in self.payload.items()} if other_body else self.payload
        try:
            receipt = submit(
                market_id=self.market.pk,
                kind=self.kind,
                payload=payload,
                key=self.name,
                user_id=self.user.pk,
            )
            self.told.append(("receipt", *_print(receipt)))
        except Unprocessable as refusal:
            self.told.append(("refused", refusal.code, json.dumps(refusal.fields, sort_keys=True)))
        except Conflict as conflict:
            self.told.append(("conflict", conflict.code, other_body))


def _print(receipt: Receipt) -> Answer:
    result = json.dumps(receipt.result, sort_keys=True)
    return receipt.id, receipt.seq, receipt.batch_seq, receipt.settled_s, result


def _requests(chance: random.Random) -> list[Asked]:
    markets = [active_market(pool="100000") for _ in range(2)]
    young = open_market(soft_cap="1000000", hard_cap="2000000")
    people = [funded_user("100000") for _ in range(8)]
    asked = []
    for _ in range(KEYS):
        user, market = chance.choice(people), chance.choice(markets)
        asked.append(
            chance.choice(
                [
                    Asked(user, market, "buy", {"amount_micro": usdc("5")}),
                    Asked(user, market, "buy", {"amount_micro": usdc("99999")}),
                    Asked(user, market, "sell", {"shares_nano": 10**7}),
                    Asked(user, young, "contribute", {"amount_micro": usdc("20")}),
                ]
            )
        )
    return asked


def test_each_key_has_one_effect_and_one_answer(chance: random.Random) -> None:
    asked = _requests(chance)
    sends = [
        (one, chance.random() < 0.1 and n > 0, chance.random() < 0.1)
        for one in asked
        for n in range(chance.randint(1, SENT_MAX))
    ]
    # in groups of neighbours, so that the same key is often asked in the same instant
    sends.sort(key=lambda send: (asked.index(send[0]) // 8, chance.random()))

    for start in range(0, len(sends), THREADS):
        jobs = [
            lambda one=one, body=body, there=there: one.send(other_body=body, there=there)
            for one, body, there in sends[start : start + THREADS]
        ]
        assert codes(together(jobs)) == {"ok": len(jobs)}

    for one in asked:
        row = Command.objects.get(market=one.market, user=one.user, key=one.name)
        answers = {told for told in one.told if told[0] != "conflict"}
        assert len(answers) == 1, one
        assert row.accepted == (answers.pop()[0] == "receipt")
        # whoever was told of a conflict asked for something else than the one who came first
        first_was_plain = row.payload == one.payload
        conflicts = {told[1:] for told in one.told if told[0] == "conflict"}
        assert conflicts <= {("key_reused", first_was_plain)}, one
        entries = Entry.objects.filter(
            transfer__market=one.market, command_seq=row.seq, account__user=one.user
        )
        assert entries.exists() is row.accepted
    assert Command.objects.filter(kind__in=("buy", "sell")).count() == sum(
        one.kind != "contribute" for one in asked
    )


def test_the_same_key_of_two_people_and_of_two_markets_are_different_facts() -> None:
    markets = [active_market(), active_market()]
    people = [funded_user("100"), funded_user("100")]
    name = key()

    together(
        [
            lambda user=user, market=market: Asked(
                user, market, "buy", {"amount_micro": usdc("5")}, name
            ).send(other_body=False, there=False)
            for user in people
            for market in markets
        ]
        * 4
    )

    rows = Command.objects.filter(key=name, accepted=True)
    assert rows.count() == 4


def test_a_retry_after_a_refusal_is_refused_again_though_it_could_pass_now() -> None:
    market, alice = active_market(), funded_user("0")
    one = Asked(alice, market, "buy", {"amount_micro": usdc("5")})
    one.send(other_body=False, there=False)
    ledger.credit_external(user_id=alice.pk, amount_micro=usdc("9"), kind="deposit", ref=key())

    one.send(other_body=False, there=False)

    assert one.told[0] == one.told[1]
    assert one.told[0][:2] == ("refused", "insufficient_funds")
