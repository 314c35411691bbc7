"""Which addresses the oracle may connect to: public unicast ones, without any disguise."""

import ipaddress
import socket
from collections.abc import Callable, Sequence

Resolve = Callable[[str, int], Sequence[str]]

# Everything the world routes as unicast lies here. What carries an IPv4 address inside (mapped,
# compatible, translated) lies outside of it or is refused by name below.
UNICAST6 = ipaddress.IPv6Network("2000::/3")
# What leads inside or nowhere although no table of Python's says so: a cloud host's own metadata,
# retired relays to 6to4, addresses of protocols, documentation.
REFUSED = tuple(
    map(
        ipaddress.ip_network,
        ("168.63.129.16/32", "192.88.99.0/24", "192.0.0.0/24", "3fff::/20"),
    )
)
# The two spellings of an ISATAP identifier, which carries an IPv4 address.
ISATAP = (0x00005EFE, 0x02005EFE)


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
    if any(address in network for network in REFUSED if network.version == address.version):
        return False
    if isinstance(address, ipaddress.IPv6Address):
        isatap = int(address) >> 32 & 0xFFFFFFFF in ISATAP
        disguised = address.sixtofour or address.teredo or isatap or address.scope_id
        return address in UNICAST6 and address.is_global and not disguised
    return address.is_global and not address.is_multicast and not address.is_reserved
