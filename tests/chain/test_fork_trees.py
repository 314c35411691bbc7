"""Any history of forks: what is credited is what a replay of the canonical chain alone credits."""

import itertools
from collections.abc import Iterator

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from chain.models import Deposit, Network
from chain.services import scanner, seams
from exchange import clock
from tests.chain.episodes import Killed
from tests.chain.fake import COPY, STRANGER, TOKEN, Block, Move, Told, Tx, View, grown
from tests.chain.stage import cash_of, depositor
from tests.faults.scale import scaled

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(3600)]

PEOPLE = 2
LEASE_S = int(scanner.LEASE.total_seconds()) + 1
LIES = ("hides", "raises", "redirects", "invents", "hurries")
Paid = tuple[list[int], int, str]
# to whom, how much, and of what kind
payments = st.tuples(
    st.lists(st.integers(0, PEOPLE), min_size=1, max_size=3),
    st.integers(0, 10**6),
    st.sampled_from(["usual"] * 4 + ["failed", "copy", "self"]),
)
moods = st.sampled_from([*LIES, "late", ""])
takes = st.lists(st.integers(0, 3), min_size=1, max_size=4)
# the steps that follow a change of the world, by which of the nodes is scanned in each
scans = st.lists(st.booleans(), max_size=3)
_numbers = itertools.count(1)


class ForkTrees(RuleBasedStateMachine):
    """Blocks come, fork and become final; two nodes tell of them; the scanner lives and dies."""

    @initialize(count=st.sampled_from([0, 0, 3]), which=st.integers(0, 1), mood=moods)
    def begin(self, count: int, which: int, mood: str) -> None:
        self.point = transaction.savepoint()
        self.people = [depositor() for _ in range(PEOPLE)]
        self.ours = {row.address: user for user, row in self.people}
        self.network = Network.objects.create(
            chain_id=10**6 + next(_numbers), name=f"Tree {next(_numbers)}", endpoints=[],
            token=TOKEN, deposit_min_micro=1, start_block=1, finality_blocks=count,
        )  # fmt: skip
        self.pool: list[Tx] = []
        self.views: list[View] = []
        self.tell(grown((), ()), 0)
        self.nodes = [Told(name, self.views[-1]) for name in ("one", "two")]
        self.owner = 0
        self.turn(which, mood, 1)

    def tell(self, blocks: tuple[Block, ...], final: int) -> None:
        """Let a chain be the canonical one."""
        if count := self.network.finality_blocks:
            final = max(final, len(blocks) - 1 - count)
        safe = max(final, (final + len(blocks) - 1) // 2)
        self.views = [*self.views[-6:], View(blocks, safe, final)]

    @property
    def now(self) -> View:
        return self.views[-1]

    def grow(self, blocks: tuple[Block, ...], takes: list[int], *, turned: bool) -> None:
        """Mine a block for each number, with so many of what waits in it."""
        final = self.now.final
        for most in takes:
            taken, self.pool = self.pool[:most], self.pool[most:]
            blocks = grown(blocks, taken[::-1] if turned else taken)
        self.tell(blocks, final)
        self.follow()

    def follow(self) -> None:
        for node in self.nodes:
            if not node.is_late:
                node.view = self.now

    @rule(paid=st.lists(payments, max_size=3), takes=takes, turned=st.booleans(), scans=scans)
    def mine(self, paid: list[Paid], takes: list[int], turned: bool, scans: list[bool]) -> None:
        """Let people be paid, and mine some of what waits."""
        self.pool += [self.payment(*each) for each in paid]
        self.grow(self.now.blocks, takes, turned=turned)
        self.scan(scans)

    def payment(self, to: list[int], amount: int, kind: str) -> Tx:
        addresses = [*self.ours, STRANGER]
        moves = [
            Move(
                addresses[n], amount,
                sender=addresses[n] if kind == "self" else STRANGER,
                contract=COPY if kind == "copy" else TOKEN,
            )
            for n in to
        ]  # fmt: skip
        return Tx(f"0x{next(_numbers):064x}", tuple(moves), int(kind != "failed"))

    @rule(
        depth=st.integers(1, 6), takes=takes, turned=st.booleans(), forgets=st.booleans(),
        scans=scans,
    )  # fmt: skip
    def fork(
        self, depth: int, takes: list[int], turned: bool, forgets: bool, scans: list[bool]
    ) -> None:
        """Replace the newest blocks, above what is final; their transactions come back or not."""
        self.reorganise(depth, takes, turned=turned, forgets=forgets)
        self.scan(scans)

    def reorganise(self, depth: int, takes: list[int], *, turned: bool, forgets: bool) -> None:
        blocks = self.now.blocks
        keep = max(self.now.final + 1, len(blocks) - depth)
        dropped = [tx for block in blocks[keep:] for tx in block.txs]
        self.pool = [*([] if forgets else dropped), *self.pool]
        self.grow(blocks[:keep], takes, turned=turned)

    @precondition(lambda self: not self.network.finality_blocks)
    @rule(blocks=st.integers(1, 5), scans=scans)
    def settle(self, blocks: int, scans: list[bool]) -> None:
        """Let blocks become final."""
        self.finalise(blocks)
        self.scan(scans)

    def finalise(self, blocks: int) -> None:
        self.tell(self.now.blocks, min(len(self.now.blocks) - 1, self.now.final + blocks))
        self.follow()

    @rule(which=st.integers(0, 1), mood=moods, back=st.integers(1, 5))
    def change(self, which: int, mood: str, back: int) -> None:
        """Let one node lie, or stay with what was canonical some time ago; the other is honest."""
        self.turn(which, mood, back)

    def turn(self, which: int, mood: str, back: int) -> None:
        for place, node in enumerate(self.nodes):
            node.lie = mood if place == which and mood in LIES else ""
            node.is_late = place == which and mood == "late"
            node.view = self.views[max(-len(self.views), -1 - back)] if node.is_late else self.now
            node.victim = list(self.ours)[back % PEOPLE]

    def scan(self, turned: list[bool]) -> None:
        """Take steps in peace."""
        for each in turned:
            self.step(turned=each)
        self.require_sound()

    @rule(
        most=st.integers(1, 7), chunks=st.integers(1, 6), turned=st.booleans(),
        fate=st.sampled_from(["live", "live", "die", "reorganise", "finalise"]),
        due=st.integers(1, 10),
    )  # fmt: skip
    def scan_in_a_storm(self, most: int, chunks: int, turned: bool, fate: str, due: int) -> None:
        """Take a step, in the midst of which the world may change or the scanner may die."""
        left = itertools.count(due - 1, -1)

        def at(name: str) -> None:
            if next(left):
                return
            if fate == "die":
                raise Killed(name)
            if fate == "reorganise":
                self.reorganise(2, [3], turned=True, forgets=False)
            if fate == "finalise" and not self.network.finality_blocks:
                self.finalise(2)

        seams.install(at)
        try:
            self.step(most, chunks, turned=turned)
        except Killed:
            self.owner += 1
        seams.install(None)
        self.require_sound()

    def step(self, most: int = 7, chunks: int = 6, *, turned: bool = False) -> scanner.Report:
        nodes = [told.node for told in (self.nodes[::-1] if turned else self.nodes)]
        with clock.shifted(self.owner * LEASE_S):
            report = scanner.step(
                self.network, nodes, owner=f"scanner {self.owner}", most=most, chunks=chunks
            )
        assert not report.idle
        assert report.halted == ""
        return report

    def due(self) -> Iterator[tuple[str, int, str, int]]:
        """Replay the canonical chain up to what is final: every transfer that is a deposit."""
        for block in self.now.blocks[1 : self.now.final + 1]:
            for tx in block.txs:
                for position, move in enumerate(tx.moves):
                    is_ours = move.recipient in self.ours and move.contract == TOKEN
                    moves = move.amount > 0 and move.sender != move.recipient
                    if tx.status and is_ours and moves:
                        yield tx.hash, position, move.recipient, move.amount

    def credited(self) -> list[tuple[str, int, str, int]]:
        rows = Deposit.objects.filter(network=self.network, state=Deposit.State.CREDITED)
        fields = ("tx_hash", "position", "address__address", "amount_micro")
        return list(rows.values_list(*fields))

    def require_sound(self) -> None:
        """Nothing is credited but what the canonical chain holds for good."""
        credited = self.credited()
        assert set(credited) <= set(self.due())
        for user, row in self.people:
            assert cash_of(user) == sum(told[3] for told in credited if told[2] == row.address)

    @rule()
    def restart(self) -> None:
        self.owner += 1

    def teardown(self) -> None:
        """Let everybody tell the truth and all be final: then all that is due is credited."""
        seams.install(None)
        if not hasattr(self, "point"):
            return
        for node in self.nodes:
            node.lie, node.is_late = "", False
        self.grow(self.now.blocks, [9, 0, 0, 0], turned=False)
        if not self.network.finality_blocks:
            self.finalise(99)
        self.owner += 1
        for _ in range(40):
            report = self.step()
            if not (report.error or report.behind or report.blocks or report.credited):
                break
        assert sorted(self.credited()) == sorted(self.due())
        self.require_sound()
        transaction.savepoint_rollback(self.point)


# Each part is a transaction of its own: what was rolled back stays in the way of what follows.
@pytest.mark.parametrize("_part", range(scaled(1, 25)))
def test_what_is_credited_is_a_replay_of_the_canonical_chain(_part: int) -> None:
    run_state_machine_as_test(
        ForkTrees,
        settings=settings(
            max_examples=scaled(25, 400),
            stateful_step_count=scaled(20, 50),
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
