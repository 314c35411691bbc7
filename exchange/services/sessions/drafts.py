"""Set a session up: its outcomes, its parameters, its money. Nothing moves before the lobby opens.

Who may host has the right `host_session`, and changes the sessions that are their own.
"""

import hashlib
import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.db import transaction

from exchange.engines import outcome, units
from exchange.errors import Field, Malformed, NotAllowed, Unprocessable
from exchange.models import LiveState, Market, MarketEvent, Session, User
from exchange.selectors import pictures
from exchange.services import locks

RIGHT = "exchange.host_session"
NAME_MAX, SUMMARY_MAX, LABEL_MAX, ICON_MAX = 80, 2_000, 40, 8
BATCH_MS_MIN, BATCH_MS_MAX = 100, 60_000
DURATION_MS_MAX = 7 * 24 * 3_600_000
FUND_MICRO_MAX = 10**15
CODE_BYTES = 12
COLOURS = (
    "blue", "orange", "green", "red", "violet", "teal", "yellow", "pink", "brown", "grey",
)  # fmt: skip

# The log is public in the end; whom rounds and plan take is the host's secret, so it names neither.
PLANNED = dict.fromkeys(("rounds", "planned_winner", "mr_enabled"), "plan")

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Label:
    """How one outcome looks: a name, one of COLOURS, a sign such as an emoji, or a kept picture."""

    name: str
    colour: str = ""
    icon: str = ""
    picture: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """Everything that makes a session; parameters are text by the specification's names.

    `mode` is a preset of impact (`outcome.MODES`) that sets q0 and zeta; parameters given beside it
    win. `planned_winner` resolves the session by itself at its end.
    """

    name: str
    labels: Sequence[Label]
    summary: str = ""
    money: str = Session.Money.PLAY
    mode: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    late_join: bool = True
    planned_winner: int | None = None


def session_create(*, host: User, draft: Draft, cloned_from: Session | None = None) -> Session:
    """Keep a new session as a draft that only its host sees.

    Raises:  NotAllowed without the right to host; Malformed, Unprocessable config_invalid.
    """
    require_right(host)
    config = parsed(draft)
    code = secrets.token_urlsafe(CODE_BYTES)
    with transaction.atomic():
        market = Market.objects.create(
            kind=Market.Kind.OUTCOME,
            status=Market.Status.DRAFT,
            slug=f"session-{secrets.token_hex(8)}",
            ticker=secrets.token_hex(6),
            unit="USDC per token",
            question=draft.name,
            rules="",
            topic="session",
            **_described(draft, config),
        )
        LiveState.objects.create(market=market, **_opening(config))
        session: Session = Session.objects.create(
            market=market,
            host=host,
            code=code,
            cloned_from=cloned_from,
            **_settings(draft, config),
        )
        source = {"name": cloned_from.market.name} if cloned_from else {}
        record(session, "cloned_from" if cloned_from else "drafted", by=host, **source)
        _record_pictures(session, host, [])
    return session


def session_configure(*, host: User, session: Session, draft: Draft) -> Session:
    """Replace what a draft says.

    Raises:  NotAllowed, Malformed, Unprocessable config_invalid or session_state.
    Locks:   the session's live row.
    """
    require_host(host, session)
    config = parsed(draft)
    with transaction.atomic():
        live = locks.live_state(session.market_id)
        require_status(session, Market.Status.DRAFT)
        before, labels = _told(session), session.outcomes
        for name, value in _opening(config).items():
            setattr(live, name, value)
        live.save()
        market = session.market
        for name, value in {**_described(draft, config), "question": draft.name}.items():
            setattr(market, name, value)
        market.save()
        for name, value in _settings(draft, config).items():
            setattr(session, name, value)
        session.save()
        now = _told(session)
        what = sorted({PLANNED.get(name, name) for name in now if now[name] != before[name]})
        if what:
            record(session, "changed", by=host, what=what)
        _record_pictures(session, host, labels)
    return session


def session_delete(*, host: User, session: Session) -> None:
    """Close a draft for good; its row stays, and nobody sees it any more.

    Raises:  NotAllowed, Unprocessable session_state.
    Locks:   the session's live row.
    """
    require_host(host, session)
    with transaction.atomic():
        locks.live_state(session.market_id)
        require_status(session, Market.Status.DRAFT)
        set_status(session, Market.Status.CLOSED)
        record(session, "deleted", by=host)


def session_clone(*, host: User, session: Session, name: str = "") -> Session:
    """Make a new draft that says what this session says.

    Raises:  NotAllowed.
    """
    require_host(host, session)
    draft = draft_of(session)
    with transaction.atomic():
        made = session_create(
            host=host, draft=replace(draft, name=name or draft.name), cloned_from=session
        )
        record(session, "cloned", by=host, name=made.market.name)
    return made


def draft_of(session: Session) -> Draft:
    """Return what would make this session again; a picture that staff has removed is left out."""
    return Draft(
        name=session.market.name,
        summary=session.market.summary,
        labels=[_label_of(row) for row in session.outcomes],
        money=session.money,
        mode=session.mode,
        parameters=session.market.config,
        late_join=session.late_join,
        planned_winner=session.planned_winner,
    )


def parsed(draft: Draft) -> outcome.Config:
    """Return the engine's configuration of a draft.

    Raises:  Malformed with what is wrong by field; Unprocessable config_invalid.
    """
    _check_words(draft)
    values: Json = {"starting_balance": "1000", **dict(draft.parameters)}
    values["n_outcomes"] = str(len(draft.labels))
    try:
        if draft.mode:
            fund = units.parse_fixed(str(values.get("z", "10000")), 6)
            made = outcome.preset(draft.mode, n_outcomes=len(draft.labels), z_micro=fund)
            values = {**made, **values}
        config = outcome.Config.parse(values)
    except outcome.ConfigError as error:
        raise _invalid(error.code, error.field, error.value) from error
    except (ValueError, KeyError) as error:
        raise _invalid("malformed", "z" if draft.mode in outcome.MODES else "mode", "") from error
    _check_session(draft, config)
    return config


def require_right(user: User) -> None:
    """Raise NotAllowed unless this person may host sessions."""
    if user.is_guest or not user.has_perm(RIGHT):
        raise NotAllowed("hosting a session needs the right to host")


def require_host(user: User, session: Session) -> None:
    """Raise NotAllowed unless the session is this person's, or they run the site."""
    require_right(user)
    if session.host_id != user.pk and not user.is_superuser:
        raise NotAllowed("only its host may change a session")


def require_status(session: Session, *wanted: str) -> None:
    """Raise Unprocessable session_state unless the session stands where one of `wanted` says.

    Under the session's lock: the row is read again.
    """
    session.market.refresh_from_db()
    session.refresh_from_db()
    if session.market.status not in wanted:
        raise Unprocessable(
            f"this session is {session.market.status}",
            code="session_state",
            fields={"status": session.market.status, "wanted": ", ".join(wanted)},
        )


def set_status(session: Session, status: Market.Status) -> None:
    """Move a session on; the caller has its lock."""
    session.market.status = status
    session.market.save(update_fields=["status"])


def record(session: Session, kind: str, *, by: User | None = None, **detail: Any) -> None:
    """Keep a step of the session in its public log."""
    if by is not None:
        detail["by"] = by.public_name
    MarketEvent.objects.create(market_id=session.market_id, kind=kind, detail=detail)


def _told(session: Session) -> Json:
    """Return what a draft says, by the names under which a change of it is told."""
    market = session.market
    return {
        **json.loads(json.dumps(market.config)),
        "name": market.name,
        "summary": market.summary,
        "outcomes": [{**row, "picture": ""} for row in session.outcomes],
        **{name: getattr(session, name) for name in ("money", "mode", "late_join")},
        "planned_winner": session.planned_winner,
    }


def _record_pictures(session: Session, host: User, before: Sequence[Mapping[str, str]]) -> None:
    """Keep in the log which outcomes got a picture, or lost theirs."""
    for n, row in enumerate(session.outcomes):
        had = before[n].get("picture", "") if n < len(before) else ""
        if row["picture"] != had:
            kind = "picture_set" if row["picture"] else "picture_removed"
            record(session, kind, by=host, name=row["name"], picture=row["picture"] or had)


def _label_of(row: Mapping[str, str]) -> Label:
    label = Label(**row)
    gone = label.picture and not pictures.is_kept(label.picture)
    return replace(label, picture="") if gone else label


def _described(draft: Draft, config: outcome.Config) -> Json:
    return {"name": draft.name, "summary": draft.summary, "config": config.to_mapping()}


def _settings(draft: Draft, config: outcome.Config) -> Json:
    labels = [
        {
            "name": row.name,
            "colour": row.colour or COLOURS[n],
            "icon": row.icon,
            "picture": row.picture,
        }
        for n, row in enumerate(draft.labels)
    ]
    return {
        "outcomes": labels[: config.n_outcomes],
        "money": draft.money,
        "mode": draft.mode,
        "late_join": draft.late_join,
        "planned_winner": draft.planned_winner,
    }


def _opening(config: outcome.Config) -> Json:
    state = outcome.MarketState.opened(config)
    return {
        "state": json.loads(json.dumps(state.to_mapping())),
        "state_hash": hashlib.sha256(outcome.canonical_bytes(state)).digest(),
    }


def _check_words(draft: Draft) -> None:
    wrong: dict[str, Field] = {name: [words] for name, words in _wrong_words(draft)}
    if wrong:
        first = next(iter(wrong))
        raise Malformed(f"{first}: {wrong[first]}", fields=wrong)


def _wrong_words(draft: Draft) -> Iterator[tuple[str, str]]:
    if not _is_label(draft.name, NAME_MAX):
        yield "name", f"1 to {NAME_MAX} characters"
    if len(draft.summary) > SUMMARY_MAX:
        yield "summary", f"at most {SUMMARY_MAX} characters"
    if draft.money not in Session.Money.values:
        yield "money", "play or real"
    if draft.mode and draft.mode not in outcome.MODES:
        yield "mode", f"one of {', '.join(outcome.MODES)}"
    for n, label in enumerate(draft.labels):
        yield from ((f"outcomes.{n}.{name}", words) for name, words in _wrong_label(label))
    names = [label.name.strip().casefold() for label in draft.labels]
    if len(set(names)) < len(names):
        yield "outcomes", "two outcomes have the same name"


def _wrong_label(label: Label) -> Iterator[tuple[str, str]]:
    if not _is_label(label.name, LABEL_MAX):
        yield "name", f"1 to {LABEL_MAX} characters"
    if label.colour and label.colour not in COLOURS:
        yield "colour", f"one of {', '.join(COLOURS)}"
    if len(label.icon) > ICON_MAX:
        yield "icon", f"at most {ICON_MAX} characters"
    if label.picture and not pictures.is_kept(label.picture):
        yield "picture", "there is no such picture; choose the file again"


def _is_label(text: str, most: int) -> bool:
    return 1 <= len(text.strip()) <= most and text.isprintable()


def _check_session(draft: Draft, config: outcome.Config) -> None:
    """Check what a session asks of its parameters beyond the engine."""
    if not BATCH_MS_MIN <= config.batch_ms <= BATCH_MS_MAX:
        raise _invalid("range", "batch_ms", str(config.batch_ms))
    if config.total_duration_ms > DURATION_MS_MAX:
        raise _invalid("range", "total_duration_ms", str(config.total_duration_ms))
    if max(config.z_micro, config.starting_balance_micro) > FUND_MICRO_MAX:
        raise _invalid("range", "z", units.format_fixed(config.z_micro, 6))
    _check_rounds(config)
    gone = {k for scheduled in config.rounds for k in scheduled.outcomes}
    winner = draft.planned_winner
    if winner is not None and (not 0 <= winner < config.n_outcomes or winner in gone):
        raise _invalid("condition", "planned_winner", str(winner))


def _check_rounds(config: outcome.Config) -> None:
    """Check that rounds lie within the session, each with its freeze after the one before."""
    if config.rounds and not config.mr_enabled:
        raise _invalid("condition", "mr_enabled", "false")
    before = 0
    for scheduled in config.rounds:
        begins = scheduled.at_ms - scheduled.freeze_ms
        in_order = before <= begins <= scheduled.at_ms <= config.total_duration_ms
        if not in_order or scheduled.at_ms < config.batch_ms:
            raise _invalid("condition", "rounds", f"{scheduled.at_ms} - {scheduled.freeze_ms}")
        before = scheduled.at_ms


def _invalid(rule: str, name: str, value: str) -> Unprocessable:
    return Unprocessable(
        f"{rule}: {name} = {value}",
        code="config_invalid",
        fields={"rule": rule, "field": name, "value": value},
    )
