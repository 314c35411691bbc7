"""The log of a session: whatever its host does leaves who, when and what, and tells no secret."""

from dataclasses import replace

import pytest

from exchange import clock
from exchange.errors import Malformed, Unprocessable
from exchange.models import MarketEvent, Picture, Session, User
from exchange.services.sessions import drafts, host, lobby
from exchange.templatetags.sessions import event_detail, event_words
from tests.factories import draft, host_user, open_session, running_session

pytestmark = pytest.mark.django_db


@pytest.fixture
def boss() -> User:
    """Return somebody who may host."""
    return host_user()


def told(session: Session) -> list[tuple[str, dict[str, object]]]:
    """Return what stands in a session's log, and check that each line says when."""
    rows = list(MarketEvent.objects.filter(market_id=session.pk).order_by("id"))
    now = clock.now()
    assert all(now.timestamp() - 60 < row.at.timestamp() <= now.timestamp() for row in rows)
    return [(row.kind, row.detail) for row in rows]


def test_a_draft_made_and_changed(boss: User) -> None:
    session = drafts.session_create(host=boss, draft=draft(5))
    now = drafts.draft_of(session)
    parameters = {**now.parameters, "f": "0.02", "mr_enabled": True}
    parameters["rounds"] = [["5000", "1000", ["4"]]]

    drafts.session_configure(host=boss, session=session, draft=now)
    changed = replace(now, name="Bowl", parameters=parameters, planned_winner=1, late_join=False)
    drafts.session_configure(host=boss, session=session, draft=changed)

    what = ["f", "late_join", "name", "plan"]
    assert told(session) == [("drafted", {"by": "Host"}), ("changed", {"by": "Host", "what": what})]


def test_a_picture_set_and_removed(boss: User) -> None:
    Picture.objects.create(digest="a" * 64, image=b"x", by=boss)
    Picture.objects.create(digest="b" * 64, image=b"y", by=boss)
    labels = [drafts.Label("Ant", picture="a" * 64), drafts.Label("Bee"), drafts.Label("Cat")]
    session = drafts.session_create(host=boss, draft=draft(labels=labels))
    for digest in ("b" * 64, ""):
        labels[0] = drafts.Label("Ant", picture=digest)
        drafts.session_configure(host=boss, session=session, draft=draft(labels=labels))

    def line(kind: str, digest: str) -> tuple[str, dict[str, object]]:
        return kind, {"by": "Host", "name": "Ant", "picture": digest}

    assert told(session)[1:] == [
        line("picture_set", "a" * 64),
        line("picture_set", "b" * 64),
        line("picture_removed", "b" * 64),
    ]


def test_a_clone_and_a_deletion(boss: User) -> None:
    session = running_session(boss)
    made = drafts.session_clone(host=boss, session=session, name="Cup 2")
    drafts.session_delete(host=boss, session=made)

    assert told(session)[-1] == ("cloned", {"by": "Host", "name": "Cup 2"})
    assert told(made) == [
        ("cloned_from", {"by": "Host", "name": "Cup"}),
        ("deleted", {"by": "Host"}),
    ]


def test_a_lobby_closed_and_a_session_begun_again(boss: User) -> None:
    given_up, running = open_session(boss), running_session(boss)
    lobby.lobby_close(host=boss, session=given_up)
    made = host.reset(host=boss, session=running)

    assert [kind for kind, _ in told(given_up)] == ["drafted", "lobby", "closed"]
    assert told(given_up)[-1] == ("closed", {"by": "Host"})
    assert told(running)[-2:] == [
        ("cloned", {"by": "Host", "name": "Cup"}),
        ("reset", {"by": "Host", "code": made.code}),
    ]
    assert [kind for kind, _ in told(made)] == ["cloned_from", "lobby"]


def test_it_is_who_did_it_and_not_whose_it_is(boss: User) -> None:
    session = drafts.session_create(host=boss, draft=draft())
    chief = User.objects.create_superuser("chief@example.com", "x", display_name="Chief")
    drafts.session_configure(host=chief, session=session, draft=draft(name="Bowl"))

    assert told(session)[-1] == ("changed", {"by": "Chief", "what": ["name"]})


def test_what_is_refused_leaves_no_line(boss: User) -> None:
    session = open_session(boss)
    before = told(session)

    with pytest.raises(Unprocessable):
        drafts.session_configure(host=boss, session=session, draft=draft(name="Bowl"))
    with pytest.raises(Unprocessable):
        drafts.session_delete(host=boss, session=session)
    with pytest.raises(Malformed):
        drafts.session_create(host=boss, draft=draft(name=""))

    assert told(session) == before


def test_each_line_has_its_words(boss: User) -> None:
    session = drafts.session_create(host=boss, draft=draft())
    drafts.session_configure(host=boss, session=session, draft=draft(name="Bowl", z="9000"))
    drafts.session_clone(host=boss, session=session, name="Cup 2")
    rows = MarketEvent.objects.filter(market_id=session.pk).order_by("id")

    assert [f"{event_words(row)} {event_detail(row, session)}" for row in rows] == [
        "Draft made by Host",
        "Draft changed: name, q0, z, by Host",
        "Cloned: Cup 2, by Host",
    ]
