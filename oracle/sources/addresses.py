"""Which addresses the oracle may connect to: public unicast ones, without any disguise."""

import ipaddress
import socket
from collections.abc import Callable, Sequence

Resolve = Callable[[str, int], Sequence[str]]

# Everything the world routes as unicast lies here. What carries an IPv4 address inside (mapped,
# compatible, translated) lies outside of it or is refused by name below.
UNICAST6 = ipaddress.IPv6Network("2000::/3")


def resolve(host: str, port: int) -> Sequence[str]:
    """Return every address of a host, in the resolver's order. Raises OSError."""
    answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(answer[4][0]) for answer in answers))


def is_public(text: str) -> bool:
    """Return whether an address literal is public unicast; anything else counts as not."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        disguised = address.sixtofour or address.teredo
        return address in UNICAST6 and address.is_global and not disguised
    return address.is_global and not address.is_multicast and not address.is_reserved
