# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
"""
@title  Sweeper
@notice Moves the token from many addresses to one treasury in one transaction. A leg that fails
        does not stop the rest; it is named by an event.
@dev    Anybody may call: whatever is signed, it can only reach the treasury.
"""

from ethereum.ercs import IERC20

event LegFailed:
    owner: indexed(address)

struct Authorization:
    owner: address
    value: uint256
    valid_before: uint256
    nonce: bytes32
    v: uint8
    r: bytes32
    s: bytes32

struct Permit:
    owner: address
    value: uint256
    deadline: uint256
    v: uint8
    r: bytes32
    s: bytes32

LEGS_MAX: constant(uint256) = 250

token: public(immutable(address))
treasury: public(immutable(address))


@deploy
def __init__(token_: address, treasury_: address):
    # A call to an address without code succeeds and moves nothing.
    assert token_.is_contract, "Sweeper: the token has no code"
    assert treasury_ != empty(address), "Sweeper: no treasury"
    token = token_
    treasury = treasury_


@external
def sweep(legs: DynArray[Authorization, LEGS_MAX]) -> uint256:
    """
    @notice Transfer by EIP-3009 authorisations made out to the treasury; return how many succeeded.
    """
    good: uint256 = 0
    for leg: Authorization in legs:
        done: bool = raw_call(
            token,
            abi_encode(
                leg.owner, treasury, leg.value, empty(uint256), leg.valid_before, leg.nonce, leg.v, leg.r, leg.s,
                method_id=method_id(
                    "transferWithAuthorization(address,address,uint256,uint256,uint256,bytes32,uint8,bytes32,bytes32)"
                ),
            ),
            revert_on_failure=False,
        )
        if done:
            good = unsafe_add(good, 1)
        else:
            log LegFailed(owner=leg.owner)
    return good


@external
def sweepByPermit(legs: DynArray[Permit, LEGS_MAX]) -> uint256:
    """
    @notice Transfer by EIP-2612 permits made out to this contract; return how many succeeded.
    """
    good: uint256 = 0
    for leg: Permit in legs:
        # Whether the permit is accepted does not matter: a stranger may have played it before us.
        # What counts is the allowance that the transfer finds.
        _permitted: bool = raw_call(
            token,
            abi_encode(
                leg.owner, self, leg.value, leg.deadline, leg.v, leg.r, leg.s,
                method_id=method_id("permit(address,address,uint256,uint256,uint8,bytes32,bytes32)"),
            ),
            revert_on_failure=False,
        )
        done: bool = raw_call(
            token,
            abi_encode(
                leg.owner, treasury, leg.value,
                method_id=method_id("transferFrom(address,address,uint256)"),
            ),
            revert_on_failure=False,
        )
        if done:
            good = unsafe_add(good, 1)
        else:
            log LegFailed(owner=leg.owner)
    return good
