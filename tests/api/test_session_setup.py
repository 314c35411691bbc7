"""A program sets a session up: modes, presets, a rehearsal, pictures, the way in, every step."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from io import BytesIO
from typing import Any

import pytest
import segno
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from exchange import clock, pictures
from exchange.engines import outcome
from exchange.engines.outcome import Config
from exchange.engines.units import parse_fixed
from exchange.models import MarketEvent, Picture, Session, User
from exchange.selectors.outcome import rehearsal
from exchange.services.sessions import drafts, presets
from exchange.views import session_setup
from exchange.views import session_shapes as shapes
from tests.api.caller import Answer, Caller
from tests.factories import draft, funded_user, host_user, joined, key, running_session, ticked
from tests.web.pages import body

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("unlimited", "still_clock")]
Watch = Callable[[], AbstractContextManager[None]]
ByToken = Callable[..., Caller]

BODY = {"name": "Cup", "outcomes": [{"name": "Ant"}, {"name": "Bee"}, {"name": "Cat"}]}
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


@pytest.fixture
def host() -> User:
    """Return somebody who may host."""
    return host_user("20000")


@pytest.fixture
def by_host(host: User) -> Caller:
    """Call as the host."""
    return Caller(host)


def _picture(kind: str = "PNG") -> bytes:
    drawn = BytesIO()
    Image.effect_noise((90, 60), 60).convert("RGB").save(drawn, kind)
    return drawn.getvalue()


def _file(raw: bytes, name: str = "a.png", kind: str = "image/png") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, raw, content_type=kind)


def _steps(session: Session) -> list[str]:
    rows = MarketEvent.objects.filter(market_id=session.pk).order_by("id")
    return list(rows.values_list("kind", flat=True))


def test_a_rehearsal_draws_the_very_lines_of_the_page(by_host: Caller, host: User) -> None:
    preset = presets.PRESETS["knockout"].draft
    sent = {
        "name": preset.name,
        "outcomes": [{"name": label.name} for label in preset.labels],
        "mode": preset.mode,
        "parameters": preset.parameters,
    }
    told = by_host.post("sessions/rehearse/", sent).json
    client = Client()
    client.force_login(host)
    typed = session_setup.filled(preset).typed
    page = body(client.post("/sessions/new/", {n: t for n, t in typed.items() if t}))

    prices = []
    for n in range(len(preset.labels)):
        points = [(f["t_ms"], f["yes"][n]) for f in told["frames"]]
        prices.append(("", "", [(t, parse_fixed(p, 12)) for t, p in points if p is not None]))
    volume = [("", "", [(f["t_ms"], parse_fixed(f["volume"], 6)) for f in told["frames"]])]
    lines = [
        *shapes.price_plot(prices, told["duration_ms"]).lines,
        *shapes.money_plot(volume, told["duration_ms"]).lines,
    ]
    assert len(told["frames"]) == rehearsal.TICKS + 1
    assert any(price is None for price in told["frames"][-1]["yes"])  # a round has come
    assert all(f'points="{line.points}"' in page for line in lines)
    assert told["basket"]["loss"] == "0.000000"
    assert told["parameters"] == json.loads(json.dumps(drafts.parsed(preset).to_mapping()))


def test_a_rehearsal_refuses_what_a_session_would(by_host: Caller, nothing_happened: Watch) -> None:
    with nothing_happened():
        wrong = by_host.post("sessions/rehearse/", {**BODY, "parameters": {"f": "0.9"}})
        few = by_host.post("sessions/rehearse/", {**BODY, "outcomes": BODY["outcomes"][:2]})
        by_host.post("sessions/rehearse/", BODY)

    assert (wrong.status, wrong.code, wrong.fields["field"]) == (422, "config_invalid", "f")
    assert (few.status, list(few.fields)) == (400, ["outcomes"])


def test_the_modes_have_the_parameters_and_curves_they_say() -> None:
    told = Caller().get("sessions/modes/", outcomes=5, fund=20_000).json["results"]
    small = Caller().get("sessions/modes/").json["results"]

    assert [mode["name"] for mode in told] == [name for name, *_ in presets.MODES]
    for mode in told:
        made = outcome.preset(mode["name"], n_outcomes=5, z_micro=2 * 10**10)
        assert mode["parameters"] == made
        acts = rehearsal.impact(Config.parse({**made, "initial_price": "0.2"}))
        curve = mode["curve"]
        assert [parse_fixed(p, 12) for p in curve["own"]] == list(acts.own_pico)
        assert [parse_fixed(p, 12) for p in curve["cross"]] == list(acts.cross_pico)
        assert [parse_fixed(t, 6) for t in curve["bought"]] == list(acts.bought_micro)
        assert curve["own"][0] == curve["cross"][0] == "0.200000000000"
    assert [mode["parameters"]["n_outcomes"] for mode in small] == ["3"] * 4
    for query in ({"outcomes": 2}, {"outcomes": 11}, {"fund": 0}, {"fund": 10**10}, {"z": 1}):
        assert Caller().get("sessions/modes/", **query).status == 400


def test_a_presets_body_makes_the_session_that_it_describes(by_host: Caller) -> None:
    told = Caller().get("sessions/presets/").json["results"]

    assert [row["name"] for row in told] == [p.name for p in presets.PRESETS.values()]
    for row in told:
        made = by_host.post("sessions/", row["body"])
        assert made.status == 201
        assert made.json["parameters"] == row["parameters"]
        acts = rehearsal.impact(Config.parse(row["parameters"]))
        assert [parse_fixed(p, 12) for p in row["curve"]["own"]] == list(acts.own_pico)


def test_the_way_in_is_a_link_and_its_code_to_scan(by_host: Caller, host: User) -> None:
    session = running_session(host)

    told = by_host.get(f"sessions/{session.code}/invitation/").json

    link = f"http://testserver/sessions/{session.code}/"
    assert (told["code"], told["link"]) == (session.code, link)
    wanted = segno.make(link, error="m", micro=False)
    assert told["qr"] == wanted.svg_inline(
        scale=1, border=4, dark="#000", light="#fff", omitsize=True
    )
    client = Client()
    client.force_login(host)
    assert told["qr"] in body(client.get(f"/sessions/{session.code}/host/"))


def _draft(host: User) -> tuple[Session, str]:
    session = drafts.session_create(host=host, draft=draft())
    return session, f"sessions/{session.code}/outcomes/1/picture/"


def test_a_picture_is_set_shown_and_taken_away(by_host: Caller, host: User) -> None:
    session, address = _draft(host)

    told = by_host.send(address, file=_file(_picture("WEBP"), "../x.svg", "image/svg+xml"))

    kept = Picture.objects.get()
    assert told.status == 200
    assert told.json == {
        "outcome": 1, "picture": kept.digest, "address": f"/pictures/{kept.digest}.webp",
    }  # fmt: skip
    shown = by_host.get(f"sessions/{session.code}/").json["outcomes"]
    assert [row["picture"] for row in shown] == ["", kept.digest, ""]
    assert Client().get(told.json["address"]).content == bytes(kept.image)
    assert by_host.delete(address).json == {"outcome": 1, "picture": "", "address": ""}
    assert by_host.get(f"sessions/{session.code}/").json["outcomes"][1]["picture"] == ""
    assert _steps(session) == ["drafted", "picture_set", "picture_removed"]


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"file": "text"},
        {"image": _picture()},
        {"file": SVG},
        {"file": b"\x89PNG\r\n\x1a\n" + SVG},
        {"file": b""},
        {"file": _picture() + bytes(pictures.UPLOAD_MAX)},
        {"file": _picture(), "other": _picture()},
        {"file": _picture(), "name": "x"},
        {"file": [_picture(), _picture()]},
    ],
    ids=range(10),
)
def test_what_is_not_one_good_picture_is_refused(
    by_host: Caller, host: User, nothing_happened: Watch, fields: dict[str, Any]
) -> None:
    _, address = _draft(host)

    def sent(value: Any) -> Any:
        if isinstance(value, list):
            return [_file(raw) for raw in value]
        return _file(value) if isinstance(value, bytes) else value

    with nothing_happened():
        told = by_host.send(address, **{name: sent(value) for name, value in fields.items()})

    assert told.status == 400
    assert told.code in {"picture_refused", "malformed"}
    assert not Picture.objects.exists()


def test_a_picture_is_only_for_the_hosts_own_draft(
    by_host: Caller, host: User, by_token: ByToken
) -> None:
    session, address = _draft(host)
    elsewhere = f"sessions/{session.code}/outcomes/3/picture/"
    guest = Caller(secret=_guest_secret())

    def sent(caller: Caller, where: str = address) -> Answer:
        return caller.send(where, file=_file(_picture()))

    assert sent(Caller()).status == 401
    assert sent(guest).status == 403
    assert sent(Caller(host_user())).status == 404
    assert sent(Caller(funded_user("1"))).status == 404
    assert sent(by_token(host, "read")).code == "scope_missing"
    assert (sent(by_host, elsewhere).status, by_host.delete(elsewhere).status) == (404, 404)
    assert by_host.post(address, {"file": "x"}).status == 415
    assert not Picture.objects.exists()
    assert sent(by_token(host, "trade")).status == 200
    by_host.post(f"sessions/{session.code}/lobby/")
    assert (sent(by_host).status, sent(by_host).code) == (422, "session_state")
    assert by_host.delete(address).code == "session_state"


def _guest_secret() -> str:
    other = running_session()
    told = Caller().post(f"sessions/{other.code}/join/", {"name": "Ann"})
    return str(told.json["token"])


def test_every_step_of_a_host_succeeds(by_host: Caller) -> None:
    parameters = {"mr_enabled": True, "rounds": [["2000", "1000", []]]}
    outcomes = [{"name": name} for name in ("Ant", "Bee", "Cat", "Dog")]
    made = by_host.post("sessions/", {**BODY, "outcomes": outcomes, "parameters": parameters})
    one = f"sessions/{made.json['code']}/"
    by_host.post(f"{one}lobby/")
    session = Session.objects.get()
    ann = joined(session, "Ann")
    assert by_host.post(f"{one}start/").json["phase"] == "running"

    reduced = by_host.post(f"{one}reduce-only/", {"reason": "breath"}, Idempotency_Key=key())
    assert (reduced.status, reduced.json["tick"]) == (200, 1)
    assert by_host.get(one).json["reduce_only"] == "breath"
    assert by_host.post(f"{one}resume/", Idempotency_Key=key()).status == 200
    ticked(session, 1)
    assert by_host.get(one).json["phase"] == "frozen"  # the round freezes from its second on
    early = by_host.post(f"{one}eliminate/", {"outcomes": [3]}, Idempotency_Key=key())
    assert (early.status, early.code) == (422, "args")
    with clock.shifted(3):
        same = key()
        gone = by_host.post(f"{one}eliminate/", {"outcomes": [3]}, Idempotency_Key=same)
        again = by_host.post(f"{one}eliminate/", {"outcomes": [3]}, Idempotency_Key=same)
    assert (gone.status, gone.json) == (200, again.json)
    ticked(session, 4)

    shown = by_host.get(one).json
    assert (shown["phase"], shown["coming"]["kind"]) == ("running", "end")
    assert [row["is_active"] for row in shown["outcomes"]] == [True, True, True, False]
    copy = by_host.post(f"{one}clone/", {"name": "Cup 2"})
    assert (copy.status, copy.json["phase"], copy.json["name"]) == (201, "draft", "Cup 2")
    fresh = by_host.post(f"{one}reset/")
    assert (fresh.status, fresh.json["phase"]) == (201, "lobby")
    assert fresh.json["code"] not in {session.code, copy.json["code"]}
    ticked(session, 6)
    assert by_host.get(one).json["phase"] == "ended"
    assert ann.session_id == session.pk
