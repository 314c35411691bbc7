# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
"""
@title  Disperse
@notice Pays many recipients in one transaction, all of them or none.
@dev    It spends only what its caller has approved, keeps nothing and has no owner.
"""

from ethereum.ercs import IERC20

RECIPIENTS_MAX: constant(uint256) = 500


@external
def disperseToken(
    token: IERC20, recipients: DynArray[address, RECIPIENTS_MAX], values: DynArray[uint256, RECIPIENTS_MAX]
):
    """
    @notice Pull the total from the caller, then pay each. The recipients see this contract as payer.
    """
    assert len(recipients) == len(values), "Disperse: lengths differ"
    total: uint256 = 0
    for value: uint256 in values:
        total += value
    assert extcall token.transferFrom(msg.sender, self, total, default_return_value=True), "Disperse: pull refused"
    i: uint256 = 0
    for recipient: address in recipients:
        assert extcall token.transfer(recipient, values[i], default_return_value=True), "Disperse: payment refused"
        i = unsafe_add(i, 1)


@external
def disperseTokenSimple(
    token: IERC20, recipients: DynArray[address, RECIPIENTS_MAX], values: DynArray[uint256, RECIPIENTS_MAX]
):
    """
    @notice Pay each straight from the caller's allowance. The recipients see the caller as payer.
    """
    assert len(recipients) == len(values), "Disperse: lengths differ"
    i: uint256 = 0
    for recipient: address in recipients:
        assert extcall token.transferFrom(
            msg.sender, recipient, values[i], default_return_value=True
        ), "Disperse: payment refused"
        i = unsafe_add(i, 1)
