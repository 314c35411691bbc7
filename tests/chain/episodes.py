"""Random lives of a chain: transfers, reorgs, kills; the scanner beside one that keeps no hashes.

One seed decides everything. The control follows a cursor, knows a deposit by its transaction, and
credits when a count of blocks has passed: it must go wrong under the very same episodes, or they
would prove little.
"""

import random
from dataclasses import dataclass, field

from chain.clients.rpc import Node
from chain.hashing import TRANSFER_TOPIC
from chain.models import DepositAddress, Network, ScannedBlock, ScanState
from chain.services import seams
from chain.services.watched import topic_of
from exchange.models import User
from tests.chain.driver import Chain
from tests.chain.stage import cash_of, depositor, network_of, scan, scan_all

DEEPEST = 64
FINALITY = 66
USERS = 3
STEPS = 12
ACTS = ("pay", "pay", "pay", "mine", "reorg", "reorg", "scan", "scan", "scan")


class Killed(Exception):
    """The process died at a seam."""


@dataclass
class CursorAndCount:
    """The control: a cursor, transactions by hash, a count. It compares no hashes of blocks."""

    chain: Chain
    topics: dict[str, str]
    cursor: int
    pending: dict[str, tuple[str, int, int]] = field(default_factory=dict)
    balances: dict[str, int] = field(default_factory=dict)

    def scan(self) -> None:
        head = self.chain.height
        if head > self.cursor:
            logs = self.chain.node.logs(self.cursor + 1, head, [self.chain.token], [TRANSFER_TOPIC])
            for log in logs:
                address = self.topics.get(log.topics[2])
                if address:
                    place = int(log.block_number, 16)
                    self.pending.setdefault(
                        log.transaction_hash, (address, int(log.data, 16), place)
                    )
            self.cursor = head
        for tx, (address, amount, place) in list(self.pending.items()):
            if amount and head - place >= FINALITY:
                self.balances[address] = self.balances.get(address, 0) + amount
                self.pending[tx] = (address, 0, place)


@dataclass
class Tally:
    """What happened in all episodes."""

    episodes: int = 0
    wrong: int = 0
    control_wrong: int = 0
    kills: int = 0
    reorgs: int = 0
    deposits: int = 0
    seams: set[str] = field(default_factory=set)
    words: list[str] = field(default_factory=list)


class Episode:
    """One life, from a seed."""

    def __init__(self, chain: Chain, seed: int, tally: Tally) -> None:
        self.chain, self.tally = chain, tally
        # two endpoints of one chain, so that what is read is compared in every life
        self.nodes = [chain.node, Node("second", chain.node._transport)]
        self.dice = random.Random(seed)
        self.seed = seed
        self.people: list[tuple[User, DepositAddress]] = [depositor() for _ in range(USERS)]
        tags = self.dice.random() < 0.5 and chain.finality_lag >= DEEPEST
        self.network: Network = network_of(chain, finality_blocks=0 if tags else FINALITY)
        ScannedBlock.objects.filter(network=self.network).delete()
        ScanState.objects.filter(network=self.network).delete()
        topics = {topic_of(row.address): row.address for _, row in self.people}
        self.control = CursorAndCount(chain, topics, chain.height)
        # what is read begins below every reorg, as on a network whose start is final
        chain.floor = chain.height

    def play(self) -> None:
        acts = [self.dice.choice(ACTS) for _ in range(STEPS)]
        # every life holds one reorg that takes back for good what had been seen
        acts.insert(self.dice.randint(0, STEPS), "take_back")
        for act in acts:
            getattr(self, f"_{act}")()
        self.chain.mine(FINALITY + 2)
        self._scan()
        scan_all(self.network, self.nodes, most=DEEPEST)
        self.control.scan()
        self._judge()

    def _judge(self) -> None:
        truth = {row.address: self.chain.balance(row.address) for _, row in self.people}
        booked = {row.address: cash_of(user) for user, row in self.people}
        self.tally.episodes += 1
        self.tally.deposits += sum(amount > 0 for amount in truth.values())
        if booked != truth:
            self.tally.wrong += 1
            self.tally.words.append(f"SEED={self.seed}: booked {booked}, the chain has {truth}")
        told = {address: self.control.balances.get(address, 0) for address in truth}
        self.tally.control_wrong += told != truth

    def _pay(self) -> None:
        for _ in range(self.dice.randint(1, 3)):
            _, row = self.dice.choice(self.people)
            self.chain.pay(row.address, self.dice.randint(1, 10**6))
        self.chain.mine()

    def _mine(self) -> None:
        self.chain.mine(self.dice.choice((1, 1, 1, 2, 2, 5, 5, DEEPEST)))

    def _reorg(self) -> None:
        most = min(DEEPEST, max(1, self.chain.height - self.chain.floor))
        self.chain.reorg(self.dice.randint(1, most), keep=self.dice.random() < 0.4)
        self.tally.reorgs += 1

    def _take_back(self) -> None:
        self._pay()
        scan(self.network, *self.nodes)
        self.control.scan()
        self.chain.reorg(self.dice.randint(1, 3), keep=False)
        self.tally.reorgs += 1

    def _scan(self) -> None:
        seams.install(self._at_seam)
        self.fate = self.dice.choices(("live", "die", "reorg"), (5, 3, 2))[0]
        self.due = self.dice.randint(1, 14)
        try:
            scan(
                self.network,
                *self.nodes,
                most=self.dice.randint(1, 7),
                chunks=self.dice.randint(1, 12),
            )
        except Killed:
            self.tally.kills += 1
        finally:
            seams.install(None)
        self.control.scan()

    def _at_seam(self, name: str) -> None:
        self.tally.seams.add(name)
        self.due -= 1
        if self.due:
            return
        if self.fate == "die":
            raise Killed(name)
        if self.fate == "reorg":
            self._reorg()


def play(chain: Chain, seeds: range) -> Tally:
    """Play an episode for each seed."""
    tally = Tally()
    for seed in seeds:
        Episode(chain, seed, tally).play()
    return tally
