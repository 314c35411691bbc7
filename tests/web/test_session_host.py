"""A host's pages: the form with its complaints, presets and tries; the console in each state."""

from typing import Any

import pytest
from django.test import Client

from exchange import clock
from exchange.engines import outcome
from exchange.models import Market, Session, User
from exchange.selectors.outcome import access, rehearsal
from exchange.services.sessions import drafts
from exchange.views import session_presets, session_setup
from tests.factories import draft, funded_user, host_user, joined, open_session, running_session
from tests.factories import ticked as tick
from tests.web.pages import body, form, text

pytestmark = pytest.mark.django_db

NEW = "/sessions/new/"


@pytest.fixture
def host() -> User:
    return host_user("20000")


@pytest.fixture
def desk(client: Client, host: User) -> Client:
    client.force_login(host)
    return client


def _typed(preset: str = "knockout", **changes: str) -> dict[str, str]:
    """Return what a browser sends for a preset, boxes without a tick left out."""
    typed = session_setup.filled(session_presets.PRESETS[preset].draft).typed
    return {name: text_ for name, text_ in {**typed, **changes}.items() if text_}


def _act(client: Client, session: Session, verb: str, **values: Any) -> Any:
    return client.post(f"/sessions/{session.code}/host/{verb}/", values)


def _console(client: Client, session: Session) -> str:
    return text(client.get(f"/sessions/{session.code}/host/"))


@pytest.mark.parametrize("name", session_presets.PRESETS)
def test_a_form_says_what_its_draft_says(name: str) -> None:
    wanted = session_presets.PRESETS[name].draft

    _, read, config = session_setup.read(_typed(name))

    assert config == drafts.parsed(wanted)
    assert [label.name for label in read.labels] == [label.name for label in wanted.labels]
    assert (read.name, read.mode, read.money) == (wanted.name, wanted.mode, wanted.money)


def test_keeps_every_parameter_through_form_and_table(desk: Client, host: User) -> None:
    parameters = {
        "z": "12345.5", "q0": "1000", "initial_price": ["0.1", "0.2", "0.3", "0.4"],
        "gamma": "0.001", "mu_start": "1.5", "mu_end": "2", "nu_start": "0.5", "nu_end": "1.25",
        "kappa_start": "0.00002", "kappa_end": "0.00001", "zeta_start": "0.05", "zeta_end": "0.15",
        "interpolation_mode": "reset", "f": "0.0125", "f_match": "0.004", "p_max": "0.98",
        "p_min": "0.02", "eta": "2.5", "tick_size": "0.005", "cm_enabled": False,
        "af_enabled": False, "sigma": "0.25", "af_cap_frac": "0.05", "af_max_pools": "2",
        "af_max_surplus": "0.1", "mr_enabled": True, "rounds": [["90000", "1500", ["3"]]],
        "vc_enabled": False, "gas_fee": "0.1", "default_max_slippage": "0.07",
        "allow_above_par": True, "starting_balance": "777", "total_duration_ms": "180000",
        "batch_ms": "750",
    }  # fmt: skip
    session = drafts.session_create(host=host, draft=draft(4, planned_winner=1, **parameters))
    before = session.market.config
    edit = f"/sessions/{session.code}/edit/"
    typed = session_setup.filled(drafts.draft_of(session)).typed

    answer = desk.post(edit, {**{n: t for n, t in typed.items() if t}, "keep": "1"})
    after = access.hosted(session.code, host)

    assert answer.status_code == 302
    assert after.market.config == before
    assert after.planned_winner == 1


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"name": ""}, "wrong_name", "1 to 80 characters."),
        ({"f": "7"}, "wrong_f", "From 0 to 5 %."),
        ({"f": "a lot"}, "wrong_f", "This is no figure."),
        ({"z": "0"}, "wrong_z", "More than nothing"),
        ({"z": "9" * 38}, "wrong_z", "at most 1 000 000 000 USDC"),
        ({"total_duration_ms": "0"}, "wrong_total_duration_ms", "More than nothing"),
        ({"outcome_0_name": "", "outcome_2_colour": "grass"}, "wrong_outcome_2", "One of blue"),
        ({"outcome_0_name": "", "planned_winner": "0"}, "", "no name any more"),
        ({"name": "a\x00b"}, "wrong_name", "1 to 80"),
        ({"summary": "a\x00b"}, "wrong_summary", "cannot be kept"),
        ({"batch_ms": "0.05"}, "wrong_batch_ms", "From 0.1 to 60 s."),
        ({"initial_price": "1"}, "wrong_initial_price", "at most the price cap"),
        ({"zeta_start": "0.3"}, "wrong_zeta_start", "Below 1/(N - 1)."),
        ({"outcome_0_name": "Birch"}, "wrong_outcome_1", "Two outcomes have the same name."),
        ({"outcome_7_icon": "x"}, "wrong_outcome_7", "Give it a name"),
        ({"round_0_at": "soon"}, "wrong_round_0", "like 2.5"),
        ({"round_0_outcomes": "Oak"}, "wrong_round_0", "names of outcomes"),
        ({"round_0_at": "13"}, "wrong_round_0", "Rounds follow each other"),
        ({"round_0_outcomes": "Ash", "planned_winner": "0"}, "", "no round eliminates"),
    ],
)
def test_says_at_the_field_what_is_wrong(
    desk: Client, changes: dict[str, str], field: str, words: str
) -> None:
    page = desk.post(NEW, {**_typed(), **changes, "keep": "1"})

    assert page.status_code == 422
    assert words in text(page)
    assert not field or f'id="{field}"' in body(page)
    assert not Session.objects.exists()


def test_the_planned_winner_is_the_one_that_was_chosen_whatever_rows_are_empty(
    desk: Client, host: User
) -> None:
    typed = _typed("quick", outcome_0_name="", outcome_1_name="Oak", outcome_2_name="Elm")
    desk.post(NEW, {**typed, "outcome_5_name": "Fir", "planned_winner": "2", "keep": "1"})

    draft = drafts.draft_of(Session.objects.get(host=host))
    assert draft.planned_winner is not None
    assert draft.labels[draft.planned_winner].name == "Elm"


def test_a_long_summary_keeps_its_end_however_many_lines_it_has(desk: Client, host: User) -> None:
    lines = "\r\n".join(["1234"] * 400)
    desk.post(NEW, {**_typed("quick"), "summary": lines, "keep": "1"})

    kept = drafts.draft_of(Session.objects.get(host=host))
    assert kept.summary == lines.replace("\r\n", "\n")


def test_needs_three_outcomes(desk: Client) -> None:
    page = desk.post(NEW, {**_typed("quick", outcome_2_name=""), "keep": "1"})

    assert "give at least three a name" in text(page)


def test_a_try_shows_plots_and_keeps_nothing(desk: Client) -> None:
    page = desk.post(NEW, {**_typed(), "try": "1"})

    assert "8 traders, 200 orders" in text(page)
    assert "No certain loss" in text(page)
    assert not Session.objects.exists()


def test_the_certain_loss_is_shown(desk: Client) -> None:
    page = text(desk.get(NEW))

    assert "Certain loss" in page
    assert "195.95 USDC (1.95 % of the fund)" in page.replace("\u202f", " ")


def test_a_rehearsal_is_the_same_every_time_and_keeps_its_bounds() -> None:
    labels = [drafts.Label(f"O{n}") for n in range(10)]
    config = drafts.parsed(drafts.Draft(name="Ten", labels=labels, mode="high_own_high_cross"))
    before = clock.monotonic()

    first, second = rehearsal.rehearse(config), rehearsal.rehearse(config)

    assert clock.monotonic() - before < 4
    assert first == second
    assert all(frame.risk_micro <= config.z_micro for frame in first.frames)
    assert first.frames[-1].volume_micro > 0


def test_the_modes_differ_as_their_names_say() -> None:
    own = {card.name: card.own_pico for card in session_presets.mode_cards(4, 10**10)}
    cross = {card.name: -card.cross_pico for card in session_presets.mode_cards(4, 10**10)}

    for low in ("low", "high"):
        assert own[f"high_own_{low}_cross"] > own[f"low_own_{low}_cross"]
        assert cross[f"{low}_own_high_cross"] > cross[f"{low}_own_low_cross"] > 0


def test_who_may_host(client: Client, alice: User, host: User) -> None:
    session = open_session(host)
    client.force_login(alice)
    assert client.get(NEW).status_code == 403
    client.force_login(host_user())
    for rest in ("host/", "edit/"):
        assert client.get(f"/sessions/{session.code}/{rest}").status_code == 404
    assert _act(client, session, "start").status_code == 404
    assert _act(client, session, "nonsense").status_code == 404
    client.force_login(host)
    assert _act(client, session, "nonsense").status_code == 404


def test_leads_a_session_from_draft_to_result(desk: Client, host: User) -> None:
    parameters: dict[str, Any] = {"total_duration_ms": "5000", "batch_ms": "1000"}
    session = drafts.session_create(host=host, draft=draft(**parameters))
    assert "Change the set-up" in _console(desk, session)
    _act(desk, session, "open")
    page = desk.get(f"/sessions/{session.code}/host/")
    assert "<svg" in body(page).partition('class="qr"')[2][:200]
    assert f"http://testserver/sessions/{session.code}/" in text(page)
    joined(session, "Zoe")
    _act(desk, session, "start")
    _act(desk, session, "reduce", reason="Lunch", key="lunch-on")
    tick(session, 2)
    assert "Resume buying" in _console(desk, session)
    with clock.shifted(2):
        _act(desk, session, "resume", key="lunch-off")
    tick(session, 3)
    with clock.shifted(3):
        _act(desk, session, "end")
    tick(session, 4)
    assert "Who has won?" in _console(desk, session)
    assert _act(desk, session, "resolve", winner="nobody").status_code == 422
    with clock.shifted(4):
        _act(desk, session, "resolve", winner="2")
    tick(session, 6)

    log = _console(desk, session)
    assert Market.objects.get(pk=session.pk).status == Market.Status.RESOLVED
    for words in ("Lobby opened by Host", "Joined: Zoe", "Started by Host", "Resolved: Cat"):
        assert words in log


def test_names_who_goes_when_the_round_comes(desk: Client, host: User) -> None:
    session = running_session(host, outcomes=4, mr_enabled=True, rounds=[["2000", "1000", []]])
    assert "Who goes?" not in _console(desk, session)
    tick(session, 3)
    with clock.shifted(3):
        page = desk.get(f"/sessions/{session.code}/host/")
        assert "Who goes?" in text(page)
        key = form(page, f"/sessions/{session.code}/host/eliminate/")["key"]
        assert _act(desk, session, "eliminate", key=key).status_code == 422
        wrong = _act(desk, session, "eliminate", key=key + "x", outcomes=["0", "1", "2"])
        assert wrong.status_code == 422
        assert body(wrong).count('name="outcomes" value="') == 4
        assert body(wrong).count(" checked") == 3
        assert 'aria-describedby="wrong_outcomes"' in body(wrong)
        assert "at least two outcomes stay" in text(wrong)
        _act(desk, session, "eliminate", key=key, outcomes=["1"])
    tick(session, 5)

    live = access.session(session.code).market.live
    assert outcome.MarketState.from_mapping(live.state).active == (0, 2, 3)


def test_begins_again_and_clones(desk: Client, host: User) -> None:
    session = running_session(host)

    again = _act(desk, session, "reset")["Location"]
    clone = _act(desk, session, "clone")["Location"]

    assert "Start" in text(desk.get(again))
    assert clone.endswith("/edit/")
    assert "Change the set-up" in text(desk.get(clone))
    codes = set(Session.objects.filter(cloned_from=session).values_list("code", flat=True))
    assert {again.split("/")[2], clone.split("/")[2]} == codes


def test_real_money_without_the_fund_stays_a_draft(client: Client) -> None:
    poor = host_user("10")
    client.force_login(poor)
    session = drafts.session_create(host=poor, draft=draft(money="real"))

    page = _act(client, session, "open")

    assert page.status_code == 422
    assert Market.objects.get(pk=session.pk).status == Market.Status.DRAFT


def test_deletes_a_draft(desk: Client, host: User) -> None:
    session = drafts.session_create(host=host, draft=draft())

    assert _act(desk, session, "delete")["Location"] == "/sessions/"
    assert session.code not in body(desk.get("/sessions/"))
    assert funded_user("0").pk != host.pk
