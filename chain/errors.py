"""What a node or the signer does to us: faults of the world, and a chain that breaks its word."""

from exchange.errors import Unavailable


class NodeFault(Unavailable):
    """A node did not answer, or answered what no node should."""

    code = "node_fault"


class NodeRefused(NodeFault):
    """A node answered with an error of its own; `node_code` is its number, which proves little."""

    code = "node_refused"

    def __init__(self, message: str, *, node_code: int = 0) -> None:
        super().__init__(message)
        self.node_code = node_code


class Reorged(NodeFault):
    """The chain changed between two reads: what was read is thrown away and read again."""

    code = "chain_moved"


class SignerFault(Unavailable):
    """The signer did not answer."""

    code = "signer_fault"


class SignerRefused(Unavailable):
    """The signer's own policy said no; `rule` names the rule."""

    code = "signer_refused"

    def __init__(self, message: str, *, rule: str = "") -> None:
        super().__init__(message, fields={"rule": rule})
        self.rule = rule
