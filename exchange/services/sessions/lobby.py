"""Open a lobby, let people in, start. Here a session's money comes in, and nowhere else.

For real money the host's fund is held when the lobby opens, so that nobody waits for a session that
cannot be paid; it becomes the pool at the start. Play money is issued by the session itself: the
fund at the start, and to each participant what everybody begins with.
"""

import secrets

from django.db import IntegrityError, transaction

from exchange import clock
from exchange.errors import Malformed, NotAllowed, Unprocessable
from exchange.models import AccountKind, LiveState, Market, OutboxEvent, Participant, Session, User
from exchange.selectors.outcome import configs
from exchange.services import ledger, locks, outbox
from exchange.services.outcome import news
from exchange.services.outcome.batch import HOUSE, account_kind
from exchange.services.sessions.drafts import record, require_host, require_status, set_status
from exchange.services.tokens import digest

TOKEN_PREFIX = "mgp_"  # noqa: S105 (it says whose token it is, it is none)
SECRET_BYTES = 32
NAME_MAX = 40
PARTICIPANTS_MAX = 5_000
JOINING = (Market.Status.LOBBY, Market.Status.RUNNING)


def lobby_open(*, host: User, session: Session) -> None:
    """Let people in by the session's code. Its parameters stay as they are from now on.

    Raises:  NotAllowed, Unprocessable session_state or insufficient_funds.
    Locks:   the session's live row, the hold, the host's accounts.
    """
    require_host(host, session)
    with transaction.atomic():
        locks.live_state(session.market_id)
        require_status(session, Market.Status.DRAFT)
        for kind in HOUSE:
            ledger.account(
                kind=account_kind(kind, play=session.is_play), market_id=session.market_id
            )
        if session.is_play:
            ledger.account(kind=AccountKind.PLAY_ISSUE, market_id=session.market_id)
        else:
            config = configs.config_of(session.market.config)
            ledger.hold(user_id=session.host_id, amount_micro=config.z_micro, ref=hold_ref(session))
        set_status(session, Market.Status.LOBBY)
        session.opened_at = clock.now()
        session.save(update_fields=["opened_at"])
        record(session, "lobby", by=host)


def lobby_close(*, host: User, session: Session) -> None:
    """Give a session up before its start; the host's fund returns, play money stays where it is.

    Raises:  NotAllowed, Unprocessable session_state.
    Locks:   the session's live row, the hold, the host's accounts.
    """
    require_host(host, session)
    with transaction.atomic():
        locks.live_state(session.market_id)
        require_status(session, Market.Status.LOBBY)
        if not session.is_play:
            ledger.void(ref=hold_ref(session))
        set_status(session, Market.Status.CLOSED)
        record(session, "closed", by=host)
        _tell(session, {"status": Market.Status.CLOSED})
    outbox.bell.ring()


def join(*, session: Session, name: str, user: User | None) -> tuple[Participant, str | None]:
    """Take part under a name; return the participant and, the first time, their token.

    Who has joined already stays who they are. In play money one needs no account: a guest is made.
    The token opens this session to programs, is shown once and kept as a digest; for real money
    there is none, an account has its own.

    Raises:  Malformed name_taken or for a name; NotAllowed where an account is needed;
             Unprocessable session_state or session_full.
    Locks:   the session's live row, then the accounts that play money is issued to.
    """
    name = _checked_name(name)
    with transaction.atomic():
        locks.live_state(session.market_id)
        require_status(session, *JOINING)
        if user is not None and not user.is_guest:
            known = session.participants.filter(user=user).first()
            if known is not None:
                return known, None
        _require_welcome(session, user)
        secret = TOKEN_PREFIX + secrets.token_urlsafe(SECRET_BYTES) if session.is_play else None
        try:
            with transaction.atomic():
                participant = Participant.objects.create(
                    session=session,
                    user=user if user is not None and not user.is_guest else _guest(name),
                    name=name,
                    digest=None if secret is None else digest(secret),
                )
        except IntegrityError as taken:
            raise Malformed(
                f"somebody here is called {name!r}", code="name_taken", fields={"name": name}
            ) from taken
        if session.is_play:
            _grant(session, participant)
        record(session, "joined", name=name)
        _tell(session, {"joined": name, "participants": session.participants.count()})
    outbox.bell.ring()
    return participant, secret


def session_start(*, host: User, session: Session) -> None:
    """Begin: the fund becomes the pool, the clock of the session starts at zero.

    Raises:  NotAllowed, Unprocessable session_state.
    Locks:   the session's live row, the hold, the accounts of fund and pool.
    """
    require_host(host, session)
    config = configs.config_of(session.market.config)
    with transaction.atomic():
        live = locks.live_state(session.market_id)
        require_status(session, Market.Status.LOBBY)
        pool = ledger.account(
            kind=account_kind("pool", play=session.is_play), market_id=session.market_id
        )
        if session.is_play:
            issue = ledger.account(kind=AccountKind.PLAY_ISSUE, market_id=session.market_id)
            ledger.post(
                kind="play_fund",
                ref=str(session.market_id),
                amounts=[(issue, -config.z_micro), (pool, config.z_micro)],
                market_id=session.market_id,
            )
        else:
            ledger.capture(ref=hold_ref(session), to=pool)
        session.started_ms = clock.now_ms()
        session.save(update_fields=["started_ms"])
        session.market.activated_at = clock.at_ms(session.started_ms)
        session.market.save(update_fields=["activated_at"])
        set_status(session, Market.Status.RUNNING)
        live.last_tick = news.opening(live.state)
        live.save(update_fields=["last_tick"])
        record(session, "started", by=host)
        _tell(session, {"status": Market.Status.RUNNING, "started_ms": session.started_ms})
    outbox.bell.ring()


def hold_ref(session: Session) -> str:
    """Return the reference under which the host's fund is held."""
    return f"session:{session.market_id}"


def _checked_name(name: str) -> str:
    name = " ".join(name.split())
    if not 1 <= len(name) <= NAME_MAX or not name.isprintable():
        raise Malformed(f"a name has 1 to {NAME_MAX} characters", fields={"name": name[:NAME_MAX]})
    return name


def _require_welcome(session: Session, user: User | None) -> None:
    if session.market.status == Market.Status.RUNNING and not session.late_join:
        raise Unprocessable(
            "this session takes nobody after its start",
            code="session_state",
            fields={"status": session.market.status, "wanted": Market.Status.LOBBY},
        )
    if not session.is_play and (user is None or user.is_guest):
        raise NotAllowed("this session is about real money: sign in to take part")
    if not session.is_play and user == session.host:
        raise NotAllowed("the host of a session for real money does not trade in it")
    if session.participants.count() >= PARTICIPANTS_MAX:
        raise Unprocessable(
            "this session is full",
            code="session_full",
            fields={"participants_max": PARTICIPANTS_MAX},
        )


def _guest(name: str) -> User:
    address = f"guest-{secrets.token_hex(12)}@guest.invalid"
    return User.objects.create_user(address, display_name=name, is_guest=True)


def _grant(session: Session, participant: Participant) -> None:
    config = configs.config_of(session.market.config)
    cash = ledger.account(
        kind=AccountKind.PLAY_CASH, user_id=participant.user_id, market_id=session.market_id
    )
    amount = config.starting_balance_micro
    if amount:
        issue = ledger.account(kind=AccountKind.PLAY_ISSUE, market_id=session.market_id)
        ledger.post(
            kind="play_grant",
            ref=f"{session.market_id}:{participant.user_id}",
            amounts=[(issue, -amount), (cash, amount)],
            market_id=session.market_id,
        )


def _tell(session: Session, event: dict[str, object]) -> None:
    """Tell whoever looks at the session of something that is no tick."""
    live = LiveState.objects.only("batch_seq").get(pk=session.market_id)
    OutboxEvent.objects.create(
        market_id=session.market_id,
        seq=live.batch_seq,
        public={"session": session.code, "event": {**event, "at_ms": clock.now_ms()}},
    )
