"""The set-up of a session as a form: what was typed, what is wrong with it, the draft in it.

It converts and nothing more; ranges and conditions are the services', said beside the field.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from exchange.engines import outcome
from exchange.errors import Malformed, Refused, Unprocessable
from exchange.models import Session
from exchange.services.sessions import drafts
from exchange.services.sessions.drafts import Draft, Label
from exchange.views.session_knobs import (
    CHOICES,
    FLAG,
    GROUPS,
    KNOBS,
    MINUTES,
    ROWS,
    SECONDS,
    Group,
    Knob,
    shown,
    time_shown,
    written,
)

OUTCOMES_MAX, ROUNDS_MAX = 10, 8
TYPED_MAX, SUMMARY_MAX = 80, 2_000
# Set by the mode where the form leaves them empty.
OF_MODE = ("q0", "zeta_start", "zeta_end")
LABEL_PARTS = ("name", "colour", "icon", "price", "picture")
ROUND_PARTS = ("at", "freeze", "outcomes")
PLAIN = ("name", "summary", "money", "mode", "planned_winner", "late_join", "by_hand")


@dataclass(slots=True, kw_only=True)
class Filled:
    """What a form holds: typed text by name, and what is wrong, by name or under none."""

    typed: dict[str, str]
    complaints: dict[str, list[str]] = field(default_factory=dict)

    def complain(self, name: str, words: str) -> None:
        """Keep what is wrong with a field."""
        known = name if name in self.typed else ""
        self.complaints.setdefault(known, []).append(words)


@dataclass(frozen=True, slots=True)
class FieldRow:
    """A knob as the page shows it."""

    knob: Knob
    value: str
    complaints: Sequence[str]
    choices: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class LineRow:
    """One outcome or one round of the form."""

    number: int
    values: Mapping[str, str]
    complaints: Sequence[str]


def filled(draft: Draft) -> Filled:
    """Return a form that says what a draft says."""
    parameters = dict(draft.parameters)
    if draft.mode:
        parameters = _without_mode(draft, parameters)
    typed = {
        "name": draft.name,
        "summary": draft.summary,
        "money": draft.money,
        "mode": draft.mode,
        "late_join": "on" if draft.late_join else "",
        "by_hand": "on" if parameters.get("mr_enabled") and not parameters.get("rounds") else "",
        "planned_winner": "" if draft.planned_winner is None else str(draft.planned_winner),
    }
    typed |= _knobs_typed(parameters)
    prices = parameters.get("initial_price")
    own = prices if isinstance(prices, list | tuple) else []
    spare = _spare_colours(draft.labels)
    for n in range(OUTCOMES_MAX):
        label = draft.labels[n] if n < len(draft.labels) else Label("", next(spare))
        price = shown(own[n], KNOBS["initial_price"]) if n < len(own) and len(set(own)) > 1 else ""
        colour = label.colour or drafts.COLOURS[n]
        parts = (label.name, colour, label.icon, price, label.picture)
        typed |= {f"outcome_{n}_{p}": v for p, v in zip(LABEL_PARTS, parts, strict=True)}
    for n in range(ROUNDS_MAX):
        typed |= _round_typed(n, parameters.get("rounds") or (), draft)
    return Filled(typed=typed)


def read(posted: Mapping[str, str]) -> tuple[Filled, Draft, outcome.Config | None]:
    """Return what was typed with its complaints, the draft in it, and its parameters if right."""
    names = [*PLAIN, *KNOBS]
    names += [f"outcome_{n}_{part}" for n in range(OUTCOMES_MAX) for part in LABEL_PARTS]
    names += [f"round_{n}_{part}" for n in range(ROUNDS_MAX) for part in ROUND_PARTS]
    form = Filled(typed={name: _text_of(posted, name) for name in names})
    if "\x00" in form.typed["summary"]:
        form.complain("summary", "It holds a character that cannot be kept: type it anew.")
    draft = _draft(form)
    config = None
    try:
        config = drafts.parsed(draft)
    except (Malformed, Unprocessable) as refusal:
        _explain(form, refusal)
    return form, draft, None if form.complaints else config


def _text_of(posted: Mapping[str, str], name: str) -> str:
    """Return what was typed: a browser sends two characters for the one that ends a line."""
    most = SUMMARY_MAX if name == "summary" else TYPED_MAX
    return posted.get(name, "").replace("\r\n", "\n")[:most].strip()


def explain(form: Filled, refusal: Refused) -> None:
    """Add to a form what a service refused."""
    _explain(form, refusal)


def field_rows(group: Group, form: Filled) -> list[FieldRow]:
    """Return a group's knobs with what stands in them."""
    return [
        FieldRow(
            knob,
            form.typed[knob.name],
            form.complaints.get(knob.name, []),
            CHOICES.get(knob.name, ()),
        )
        for knob in group.knobs
    ]


def line_rows(form: Filled, kind: str, count: int, parts: Sequence[str]) -> list[LineRow]:
    """Return the outcomes or the rounds of a form."""
    rows = []
    for n in range(count):
        values = {part: form.typed[f"{kind}_{n}_{part}"] for part in parts}
        wrong = [w for part in parts for w in form.complaints.get(f"{kind}_{n}_{part}", [])]
        rows.append(LineRow(n, values, wrong))
    return rows


def _spare_colours(labels: Sequence[Label]) -> Iterator[str]:
    """Return the colours that no outcome of a draft has yet, for the rows that are still empty."""
    taken = {label.colour or drafts.COLOURS[n] for n, label in enumerate(labels)}
    return iter(sorted(drafts.COLOURS, key=lambda colour: colour in taken))


def _draft(form: Filled) -> Draft:
    typed = form.typed
    labels, prices = _labels(form)
    parameters: dict[str, Any] = {}
    for group in GROUPS:
        for knob in group.knobs:
            text = typed[knob.name]
            if knob.unit == FLAG:
                parameters[knob.name] = bool(text)
            elif text:
                parameters[knob.name] = written(text, knob)
    if any(prices):
        common = parameters.get("initial_price", ROWS["initial_price"].default)
        parameters["initial_price"] = [price or common for price in prices]
    rounds = _rounds(form, labels)
    parameters |= {"rounds": rounds, "mr_enabled": bool(rounds or typed["by_hand"])}
    return Draft(
        name=typed["name"],
        summary=typed["summary"],
        labels=labels,
        money=typed["money"] or Session.Money.PLAY,
        mode=typed["mode"],
        parameters=parameters,
        late_join=bool(typed["late_join"]),
        planned_winner=_planned_winner(form),
    )


def _named(form: Filled) -> list[int]:
    """Return the rows that are outcomes, in their order: a draft counts without the empty ones."""
    return [n for n in range(OUTCOMES_MAX) if form.typed[f"outcome_{n}_name"]]


def _planned_winner(form: Filled) -> int | None:
    row, rows = form.typed["planned_winner"], [str(n) for n in _named(form)]
    if row and row not in rows:
        form.complain("planned_winner", "This outcome has no name any more; choose again.")
        return None
    return rows.index(row) if row else None


def _labels(form: Filled) -> tuple[list[Label], list[str]]:
    """Return the outcomes that have a name, and their own launch prices."""
    labels, prices = [], []
    for n in range(OUTCOMES_MAX):
        name, colour, icon, price, picture = (form.typed[f"outcome_{n}_{p}"] for p in LABEL_PARTS)
        if name:
            labels.append(Label(name, colour, icon, picture))
            prices.append(written(price, KNOBS["initial_price"]) if price else "")
        elif icon or price or picture:
            form.complain(f"outcome_{n}_name", "Give it a name, or leave the row empty.")
    return labels, prices


def _rounds(form: Filled, labels: Sequence[Label]) -> list[list[Any]]:
    rounds = []
    at_knob, freeze_knob = Knob("at", "", MINUTES), Knob("freeze", "", SECONDS)
    for n in range(ROUNDS_MAX):
        at, freeze, names = (form.typed[f"round_{n}_{part}"] for part in ROUND_PARTS)
        if not at:
            if names or freeze:
                form.complain(f"round_{n}_at", "Say when, or leave the row empty.")
            continue
        at_ms, freeze_ms = written(at, at_knob), written(freeze or "0", freeze_knob)
        if not (at_ms.isdigit() and freeze_ms.isdigit()):
            form.complain(f"round_{n}_at", "Write minutes and seconds as figures, like 2.5.")
            continue
        gone = [_number(name.strip(), labels) for name in names.split(",") if name.strip()]
        if None in gone:
            form.complain(f"round_{n}_outcomes", "Write names of outcomes, with commas between.")
            continue
        rounds.append([at_ms, freeze_ms, [str(k) for k in gone]])
    return rounds


def _number(name: str, labels: Sequence[Label]) -> int | None:
    names = [label.name.casefold() for label in labels]
    if name.casefold() in names:
        return names.index(name.casefold())
    if name.isascii() and name.isdigit() and 1 <= int(name) <= len(labels):
        return int(name) - 1
    return None


def _explain(form: Filled, refusal: Refused) -> None:
    if refusal.code == "config_invalid":
        name = str(refusal.fields.get("field", ""))
        _complain_config(form, str(refusal.fields.get("rule", "")), name)
        return
    known = False
    for name, words in refusal.fields.items():
        if isinstance(words, list):
            known = True
            form.complain(_field_of(form, name), _said(words))
    if not known:
        form.complain("", refusal.message)


def _field_of(form: Filled, name: str) -> str:
    """Return the form's name for a draft's: of two outcomes of one name, the later is the wrong."""
    rows = _named(form)
    if name == "outcomes":
        names = [form.typed[f"outcome_{n}_name"].casefold() for n in rows]
        twice = [row for k, row in enumerate(rows) if names[k] in names[:k]]
        return f"outcome_{twice[0]}_name" if twice else ""
    if not name.startswith("outcomes."):
        return name
    _, number, part = name.split(".")
    return f"outcome_{rows[int(number)]}_{part}"


def _said(words: Sequence[str]) -> str:
    text = " ".join(words)
    return f"{text[:1].upper()}{text[1:]}."


def _complain_config(form: Filled, rule: str, name: str) -> None:
    target = {"rounds": "round_0_at", "n_outcomes": "outcome_0_name"}.get(name, name)
    if rule == "condition":
        words = CONDITIONS.get(name, f"The parameters contradict each other: {name}.")
    elif name == "n_outcomes":
        words = "A session has 3 to 10 outcomes; give at least three a name."
    elif name not in KNOBS or (rule == "malformed" and not _is_figure(form.typed[name])):
        words = "This is no figure. Write digits with a point, like 12.5."
    else:
        words = _range(KNOBS[name])
    form.complain(target, words)


def _is_figure(text: str) -> bool:
    """Say whether a refused text is a figure for people: then it is too large, or too fine."""
    whole, _, rest = text.partition(".")
    return f"{whole}{rest}".isdigit()


def _range(knob: Knob) -> str:
    if knob.name in LIMITS:
        return LIMITS[knob.name]
    row = ROWS[knob.name]
    low = shown(row.low, knob)
    unit = f" {knob.unit}" if knob.unit else ""
    if row.high is None:
        return f"At least {low}{unit}."
    return f"From {low} to {shown(row.high, knob)}{unit}."


LIMITS = {
    "batch_ms": "From 0.1 to 60 s.",
    "total_duration_ms": "More than nothing, and at most 7 days, which are 10080 min.",
    "z": "More than nothing, and at most 1 000 000 000 USDC.",
}
CONDITIONS = {
    "q0": "All pools together must fit into the fund: at most Z / (2N).",
    "initial_price": "Above 0, below 1 and at most the price cap.",
    "zeta_start": "Below 1/(N - 1).",
    "zeta_end": "Below 1/(N - 1).",
    "eta": "A multiple of 0.5 from 1 to 10.",
    "tick_size": "A multiple of 0.0001 that divides 1.",
    "rounds": "Rounds follow each other within the session, each freeze after the round before;"
    " nobody goes twice, and at least two outcomes stay until the end.",
    "mr_enabled": "Rounds need eliminations to be on.",
    "planned_winner": "The planned winner must be an outcome that no round eliminates.",
}


def _without_mode(draft: Draft, parameters: dict[str, Any]) -> dict[str, Any]:
    """Leave out what the mode itself would set, so that the mode goes on setting it."""
    try:
        made = drafts.parsed(
            Draft(
                name="x",
                labels=draft.labels,
                mode=draft.mode,
                parameters={"z": parameters.get("z", ROWS["z"].default)},
            )
        ).to_mapping()
    except Refused:
        return parameters
    return {n: v for n, v in parameters.items() if n not in OF_MODE or v != made.get(n)}


def _knobs_typed(parameters: Mapping[str, Any]) -> dict[str, str]:
    typed = {}
    for knob in KNOBS.values():
        default = ROWS[knob.name].default
        value = parameters.get(knob.name, None if knob.name in OF_MODE else default)
        if knob.name == "starting_balance" and knob.name not in parameters:
            value = "1000"
        if knob.unit == FLAG:
            typed[knob.name] = "on" if value else ""
        elif isinstance(value, list | tuple):
            typed[knob.name] = shown(value[0], knob) if value else ""
        else:
            typed[knob.name] = shown(value, knob)
    for start in ("mu", "nu", "kappa"):
        if typed[f"{start}_end"] == typed[f"{start}_start"]:
            typed[f"{start}_end"] = ""
    return typed


def _round_typed(n: int, rounds: Sequence[Any], draft: Draft) -> dict[str, str]:
    names = [f"round_{n}_{part}" for part in ROUND_PARTS]
    if n >= len(rounds):
        return dict.fromkeys(names, "")
    at, freeze, gone = rounds[n]
    words = ", ".join(draft.labels[int(k)].name for k in gone)
    values = (time_shown(int(at), MINUTES), time_shown(int(freeze), SECONDS), words)
    return dict(zip(names, values, strict=True))
