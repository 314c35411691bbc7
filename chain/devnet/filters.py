"""Which logs a caller asks for: by address, by topic, by block."""

from dataclasses import dataclass
from typing import Any

from chain.devnet import hexes
from chain.devnet.blocks import Log
from chain.devnet.errors import bad_params

ADDRESSES_MAX, TOPICS_MAX, ALTERNATIVES_MAX = 10_000, 4, 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFilter:
    """The addresses and topics that are wanted; an empty set stands for any."""

    addresses: frozenset[bytes]
    topics: tuple[frozenset[bytes], ...]

    def admits(self, log: Log) -> bool:
        """Say whether `log` is wanted."""
        if self.addresses and log.address not in self.addresses:
            return False
        if len(self.topics) > len(log.topics):
            return False
        pairs = zip(self.topics, log.topics, strict=False)
        return all(not wanted or topic in wanted for wanted, topic in pairs)


def read_filter(wanted: Any) -> LogFilter:
    """Read the address and the topics of eth_getLogs and of eth_subscribe."""
    if not isinstance(wanted, dict):
        raise bad_params("invalid argument 0: a filter object is expected")
    return LogFilter(addresses=_addresses(wanted.get("address")), topics=_topics(wanted))


def _addresses(wanted: Any) -> frozenset[bytes]:
    if wanted is None:
        return frozenset()
    texts = wanted if isinstance(wanted, list) else [wanted]
    if len(texts) > ADDRESSES_MAX:
        raise bad_params(f"more than {ADDRESSES_MAX} addresses")
    return frozenset(hexes.address(text) for text in texts)


def _topics(wanted: dict[str, Any]) -> tuple[frozenset[bytes], ...]:
    places = wanted.get("topics")
    if places is None:
        return ()
    if not isinstance(places, list) or len(places) > TOPICS_MAX:
        raise bad_params(f"exceed max topics: a list of at most {TOPICS_MAX} is expected")
    return tuple(_alternatives(place) for place in places)


def _alternatives(place: Any) -> frozenset[bytes]:
    if place is None:
        return frozenset()
    texts = place if isinstance(place, list) else [place]
    if len(texts) > ALTERNATIVES_MAX:
        raise bad_params(f"exceed max topics: more than {ALTERNATIVES_MAX} alternatives")
    # Within a list, null means any, as it does in place of the list.
    return frozenset() if None in texts else frozenset(hexes.digest(text) for text in texts)
