"""Following the chains: scan, sign, send, settle, again and again; a pass may be killed anywhere.

A WebSocket that tells of new heads only wakes the loop; the poll is what is relied on.
"""

import os
import socket
import threading

import structlog
from django.db import DatabaseError, close_old_connections
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from chain.clients import endpoints
from chain.clients import signer as signers
from chain.clients.rpc import Node
from chain.errors import NodeFault, SignerFault
from chain.models import HotWallet, KeyAccount, Network
from chain.services import (
    addresses,
    embedded_setup,
    payouts,
    pump,
    scanner,
    sweeps,
    withdrawals,
)
from chain.services.scanner import Report
from chain.services.watched import Watched
from exchange import clock, live

POLL_S = 1.0
RETRY_S = 2.0
HEADS_S = 30.0
FAILURES_BEFORE_TURNING = 3
SUBSCRIBE = '{"jsonrpc":"2.0","id":1,"method":"eth_subscribe","params":["newHeads"]}'
MAKE_AHEAD_EVERY_S = 60.0

log = structlog.get_logger()


class Follower:
    """One process's work on every network; leases and row locks let any number of them run."""

    def __init__(self) -> None:
        self.owner = f"{socket.gethostname()[:24]}:{os.getpid()}"
        self._watched: dict[int, Watched] = {}
        self._failures: dict[int, int] = {}
        self._orders: dict[int, list[int]] = {}
        self._made = 0.0

    def advance(self, network: Network) -> Report:
        """Do everything that is due on one network. Raises nothing of the world's."""
        report = Report()
        try:
            nodes = self._in_order(network, endpoints.nodes_of(network))
            watched = self._watched.setdefault(network.pk, Watched())
            report = scanner.step(network, nodes, owner=self.owner, watched=watched)
            self._note(network, report)
            withdrawals.windows_close(network)
            if HotWallet.objects.filter(network=network).exists():
                self._pay(network, nodes)
        except (NodeFault, SignerFault) as fault:
            log.warning("chain.pass_ended", network=network.name, error=fault.message)
        return report

    def _in_order(self, network: Network, nodes: list[Node]) -> list[Node]:
        order = self._orders.get(network.pk, [])
        if len(order) != len(nodes):
            order = self._orders[network.pk] = list(range(len(nodes)))
        return [nodes[n] for n in order]

    def _note(self, network: Network, report: Report) -> None:
        """Put an endpoint that failed again and again behind the others, where it then stays.

        It is the one that is scanned, or, where that was read, the one that is to confirm.
        """
        failures = self._failures.get(network.pk, 0) + 1 if report.error else 0
        self._failures[network.pk] = failures % FAILURES_BEFORE_TURNING
        if failures == FAILURES_BEFORE_TURNING:
            order = self._orders[network.pk]
            order.append(order.pop(min(int(report.is_read), len(order) - 1)))

    def _pay(self, network: Network, nodes: list[Node]) -> None:
        signer = signers.configured()
        try:
            payouts.sign_due(network=network, nodes=nodes, signer=signer)
        finally:
            # what is signed is sent and settled without a signer, too
            pump.pump(network=network, nodes=nodes, signer=signer)
        sweeps.sweeps_advance(network=network, nodes=nodes, signer=signer)
        payouts.disperse_allow(network=network, node=nodes[0], signer=signer)

    def make_ahead(self) -> None:
        """Keep free addresses ready, now and then."""
        if self._made and clock.monotonic() - self._made < MAKE_AHEAD_EVERY_S:
            return
        self._made = clock.monotonic()
        for account in KeyAccount.objects.filter(is_active=True):
            addresses.make_ahead(account)

    def release(self) -> None:
        """Give every lease back, so that the next process need not wait."""
        for network in Network.objects.all():
            scanner.lease_give(network, self.owner)


def networks() -> list[Network]:
    """Return the chains to follow."""
    return list(Network.objects.filter(is_enabled=True))


def follow(stop: threading.Event) -> None:
    """Follow every network until `stop`; the world's faults only delay."""
    follower, bell = Follower(), threading.Event()
    listening: dict[int, threading.Thread] = {}
    while not stop.is_set():
        try:
            close_old_connections()
            rows = networks()
            for network in rows:
                _listen(network, bell, stop, listening)
                report = follower.advance(network)
                if report.behind:
                    bell.set()
            follower.make_ahead()
            live.mark("chain")
        except DatabaseError as fault:
            log.warning("chain.interrupted", error=str(fault)[:200])
            stop.wait(RETRY_S)
        bell.wait(POLL_S)
        bell.clear()
    follower.release()


def prepare_embedded(stop: threading.Event) -> None:
    """Set the development chain up, waiting for its process and the signer's."""
    while not stop.is_set():
        try:
            node = endpoints.node_at(embedded_setup.ENDPOINT)
            embedded_setup.prepare(node, signers.configured())
        except (NodeFault, SignerFault) as fault:
            log.info("chain.waiting", error=fault.message)
            stop.wait(RETRY_S / 4)
        else:
            return


def _listen(
    network: Network,
    bell: threading.Event,
    stop: threading.Event,
    listening: dict[int, threading.Thread],
) -> None:
    known = listening.get(network.pk)
    if not network.heads or (known is not None and known.is_alive()):
        return
    thread = threading.Thread(target=_heads, args=(network.heads, bell, stop), daemon=True)
    listening[network.pk] = thread
    thread.start()


def _heads(reference: str, bell: threading.Event, stop: threading.Event) -> None:
    """Ring the bell at each new head, and end with the connection; the loop starts it anew."""
    try:
        url = endpoints.resolved(reference).replace("http", "ws", 1)
        with connect(url, open_timeout=RETRY_S) as channel:
            channel.send(SUBSCRIBE)
            while not stop.is_set():
                channel.recv(timeout=HEADS_S)
                bell.set()
    except (WebSocketException, OSError, NodeFault) as fault:
        log.info("chain.heads_ended", error=type(fault).__name__)
        stop.wait(RETRY_S)
