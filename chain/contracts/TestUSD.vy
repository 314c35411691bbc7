# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
"""
@title  TestUSD
@notice A dollar with six decimals that behaves outwardly as USDC does: pause, deny-list,
        EIP-2612 permit and EIP-3009 transfers by authorisation. It has no amount anywhere.
@dev    One word per holder keeps the balance and, in its top bit, whether the holder is denied:
        a transfer then reads one slot less, which is what a batch of payouts pays for.
"""

event Transfer:
    sender: indexed(address)
    receiver: indexed(address)
    value: uint256

event Approval:
    owner: indexed(address)
    spender: indexed(address)
    value: uint256

event AuthorizationUsed:
    authorizer: indexed(address)
    nonce: indexed(bytes32)

event AuthorizationCanceled:
    authorizer: indexed(address)
    nonce: indexed(bytes32)

event Blacklisted:
    account: indexed(address)

event UnBlacklisted:
    account: indexed(address)

event OwnershipTransferred:
    previous: indexed(address)
    current: indexed(address)

event Pause:
    pass

event Unpause:
    pass

name: public(constant(String[8])) = "Test USD"
symbol: public(constant(String[5])) = "tUSDC"
decimals: public(constant(uint8)) = 6
version: public(constant(String[1])) = "2"

DOMAIN_TYPE: constant(bytes32) = keccak256(
    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
)
PERMIT_TYPEHASH: public(constant(bytes32)) = keccak256(
    "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"
)
TRANSFER_WITH_AUTHORIZATION_TYPEHASH: public(constant(bytes32)) = keccak256(
    "TransferWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
)
RECEIVE_WITH_AUTHORIZATION_TYPEHASH: public(constant(bytes32)) = keccak256(
    "ReceiveWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
)
CANCEL_AUTHORIZATION_TYPEHASH: public(constant(bytes32)) = keccak256(
    "CancelAuthorization(address authorizer,bytes32 nonce)"
)
# Half the order of secp256k1: the mirror image of a signature is no second signature.
S_MAX: constant(uint256) = 57896044618658097711785492504343953926418782139537452191302581570759080747168
DENIED: constant(uint256) = 1 << 255
BALANCE: constant(uint256) = (1 << 255) - 1

DOMAIN: immutable(bytes32)
CHAIN: immutable(uint256)

owner: public(address)
paused: public(bool)
totalSupply: public(uint256)
allowance: public(HashMap[address, HashMap[address, uint256]])
nonces: public(HashMap[address, uint256])
authorizationState: public(HashMap[address, HashMap[bytes32, bool]])
holders: HashMap[address, uint256]


@deploy
def __init__():
    self.owner = msg.sender
    CHAIN = chain.id
    DOMAIN = self._domain_of(chain.id)
    log OwnershipTransferred(previous=empty(address), current=msg.sender)


# --- reading

@view
@external
def balanceOf(account: address) -> uint256:
    return self.holders[account] & BALANCE


@view
@external
def isBlacklisted(account: address) -> bool:
    return self.holders[account] >= DENIED


@view
@external
def DOMAIN_SEPARATOR() -> bytes32:
    return self._domain()


# --- ERC-20

@external
def transfer(to: address, amount: uint256) -> bool:
    self._move(msg.sender, to, amount)
    return True


@external
def transferFrom(sender: address, to: address, amount: uint256) -> bool:
    if msg.sender != sender:
        self._admit(msg.sender)
    allowed: uint256 = self.allowance[sender][msg.sender]
    assert allowed >= amount, "ERC20: transfer amount exceeds allowance"
    if allowed != max_value(uint256):
        self.allowance[sender][msg.sender] = allowed - amount
    self._move(sender, to, amount)
    return True


@external
def approve(spender: address, amount: uint256) -> bool:
    self._running()
    self._admit(msg.sender)
    self._approve(msg.sender, spender, amount)
    return True


# --- EIP-2612

@external
def permit(
    owner: address, spender: address, amount: uint256, deadline: uint256, v: uint8, r: bytes32, s: bytes32
):
    self._running()
    self._admit(owner)
    assert block.timestamp <= deadline, "FiatTokenV2: permit is expired"
    nonce: uint256 = self.nonces[owner]
    self._signed(owner, keccak256(abi_encode(PERMIT_TYPEHASH, owner, spender, amount, nonce, deadline)), v, r, s)
    self.nonces[owner] = nonce + 1
    self._approve(owner, spender, amount)


# --- EIP-3009

@external
def transferWithAuthorization(
    sender: address, to: address, amount: uint256, validAfter: uint256, validBefore: uint256,
    nonce: bytes32, v: uint8, r: bytes32, s: bytes32,
):
    self._use(sender, nonce, validAfter, validBefore)
    self._signed(
        sender,
        keccak256(abi_encode(TRANSFER_WITH_AUTHORIZATION_TYPEHASH, sender, to, amount, validAfter, validBefore, nonce)),
        v, r, s,
    )
    self._move(sender, to, amount)


@external
def receiveWithAuthorization(
    sender: address, to: address, amount: uint256, validAfter: uint256, validBefore: uint256,
    nonce: bytes32, v: uint8, r: bytes32, s: bytes32,
):
    assert to == msg.sender, "FiatTokenV2: caller must be the payee"
    self._use(sender, nonce, validAfter, validBefore)
    self._signed(
        sender,
        keccak256(abi_encode(RECEIVE_WITH_AUTHORIZATION_TYPEHASH, sender, to, amount, validAfter, validBefore, nonce)),
        v, r, s,
    )
    self._move(sender, to, amount)


@external
def cancelAuthorization(authorizer: address, nonce: bytes32, v: uint8, r: bytes32, s: bytes32):
    self._running()
    self._unused(authorizer, nonce)
    self._signed(authorizer, keccak256(abi_encode(CANCEL_AUTHORIZATION_TYPEHASH, authorizer, nonce)), v, r, s)
    self.authorizationState[authorizer][nonce] = True
    log AuthorizationCanceled(authorizer=authorizer, nonce=nonce)


# --- the issuer

@external
def mint(to: address, amount: uint256) -> bool:
    self._own()
    self._running()
    assert to != empty(address), "FiatToken: mint to the zero address"
    assert amount > 0, "FiatToken: mint amount not greater than 0"
    self._admit(to)
    self.totalSupply += amount
    assert self.totalSupply <= BALANCE, "FiatToken: supply too large"
    self.holders[to] += amount
    log Transfer(sender=empty(address), receiver=to, value=amount)
    return True


@external
def burn(amount: uint256):
    self._own()
    self._running()
    self._admit(msg.sender)
    assert self.holders[msg.sender] >= amount, "FiatToken: burn amount exceeds balance"
    self.holders[msg.sender] -= amount
    self.totalSupply -= amount
    log Transfer(sender=msg.sender, receiver=empty(address), value=amount)


@external
def pause():
    self._own()
    self.paused = True
    log Pause()


@external
def unpause():
    self._own()
    self.paused = False
    log Unpause()


@external
def blacklist(account: address):
    self._own()
    self.holders[account] |= DENIED
    log Blacklisted(account=account)


@external
def unBlacklist(account: address):
    self._own()
    self.holders[account] &= BALANCE
    log UnBlacklisted(account=account)


@external
def transferOwnership(heir: address):
    self._own()
    assert heir != empty(address), "Ownable: new owner is the zero address"
    log OwnershipTransferred(previous=self.owner, current=heir)
    self.owner = heir


# --- rules

@view
@internal
def _own():
    assert msg.sender == self.owner, "Ownable: caller is not the owner"


@view
@internal
def _running():
    assert not self.paused, "Pausable: paused"


@view
@internal
def _admit(account: address):
    assert self.holders[account] < DENIED, "Blacklistable: account is blacklisted"


@internal
def _move(sender: address, to: address, amount: uint256):
    self._running()
    assert to != empty(address), "ERC20: transfer to the zero address"
    held: uint256 = self.holders[sender]
    assert held < DENIED, "Blacklistable: account is blacklisted"
    assert held >= amount, "ERC20: transfer amount exceeds balance"
    self.holders[sender] = held - amount
    # Read after the sender's slot is written: whoever pays himself keeps what he had.
    received: uint256 = self.holders[to]
    assert received < DENIED, "Blacklistable: account is blacklisted"
    self.holders[to] = unsafe_add(received, amount)
    log Transfer(sender=sender, receiver=to, value=amount)


@internal
def _approve(owner: address, spender: address, amount: uint256):
    assert spender != empty(address), "ERC20: approve to the zero address"
    self._admit(spender)
    self.allowance[owner][spender] = amount
    log Approval(owner=owner, spender=spender, value=amount)


@view
@internal
def _unused(authorizer: address, nonce: bytes32):
    assert not self.authorizationState[authorizer][nonce], "FiatTokenV2: authorization is used or canceled"


@internal
def _use(authorizer: address, nonce: bytes32, validAfter: uint256, validBefore: uint256):
    assert block.timestamp > validAfter, "FiatTokenV2: authorization is not yet valid"
    assert block.timestamp < validBefore, "FiatTokenV2: authorization is expired"
    self._unused(authorizer, nonce)
    self.authorizationState[authorizer][nonce] = True
    log AuthorizationUsed(authorizer=authorizer, nonce=nonce)


@view
@internal
def _signed(signer: address, struct_hash: bytes32, v: uint8, r: bytes32, s: bytes32):
    assert convert(s, uint256) <= S_MAX, "ECRecover: invalid signature 's' value"
    assert v == 27 or v == 28, "ECRecover: invalid signature 'v' value"
    digest: bytes32 = keccak256(concat(b"\x19\x01", self._domain(), struct_hash))
    found: address = ecrecover(digest, v, r, s)
    assert found != empty(address) and found == signer, "FiatTokenV2: invalid signature"


@view
@internal
def _domain() -> bytes32:
    # The chain may be forked under another id; a signature for one must not serve on the other.
    if chain.id == CHAIN:
        return DOMAIN
    return self._domain_of(chain.id)


@view
@internal
def _domain_of(chain_id: uint256) -> bytes32:
    return keccak256(abi_encode(DOMAIN_TYPE, keccak256(name), keccak256(version), chain_id, self))
