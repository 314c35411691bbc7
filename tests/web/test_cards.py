"""What a shared link shows elsewhere: title, words, and a picture that the site draws itself."""

import re
from io import BytesIO

import pytest
from django.test import Client
from PIL import Image

from exchange import cards
from exchange.models import Session
from exchange.services.sessions import drafts
from tests.factories import active_market, draft, host_user, joined, open_session, running_session
from tests.factories import ticked as tick
from tests.web.pages import body

pytestmark = pytest.mark.django_db


def _tags(client: Client, address: str) -> dict[str, str]:
    found = re.findall(r'<meta property="og:(\w+)" content="([^"]*)"', body(client.get(address)))
    return dict(found)


def _picture(client: Client, address: str) -> Image.Image:
    answer = client.get(address)
    assert answer["Content-Type"] == "image/png"
    with Image.open(BytesIO(answer.content)) as picture:
        picture.load()
    assert picture.size == (cards.WIDTH, cards.HEIGHT)
    return picture


def _shown(client: Client, session: Session) -> tuple[dict[str, str], Image.Image]:
    tags = _tags(client, f"/sessions/{session.code}/")
    assert tags["title"] == session.market.name
    assert tags["url"] == f"http://testserver/sessions/{session.code}/"
    assert tags["image"] == f"http://testserver/sessions/{session.code}/card.png"
    return tags, _picture(client, tags["image"].removeprefix("http://testserver"))


def test_a_session_is_shown_in_its_state(client: Client) -> None:
    host = host_user()
    lobby = open_session(host, name="Cup")
    over = running_session(host, name="Over", total_duration_ms="1000", planned_winner=1)
    joined(over)
    tick(over, 5)
    over.refresh_from_db()

    asked, waiting = _shown(client, lobby)
    told, ended = _shown(client, over)

    assert asked["description"] == "Join by name: 0 taking part"
    assert told["description"] == "Resolved: Bee has won, 1 taking part"
    assert len(waiting.getcolors(10_000) or []) > 2
    assert waiting.tobytes() != ended.tobytes()


def test_a_market_is_shown(client: Client) -> None:
    market = active_market("wheat-price")

    tags = _tags(client, "/markets/wheat-price/")

    assert (tags["title"], tags["description"]) == (market.name, market.question)
    _picture(client, tags["image"].removeprefix("http://testserver"))


def test_a_draft_has_no_picture(client: Client) -> None:
    session = drafts.session_create(host=host_user(), draft=draft())

    assert client.get(f"/sessions/{session.code}/card.png").status_code == 404


@pytest.mark.parametrize("name", ["x" * 300, "\u202eevil", "寿司 \U0001f363", "", "a\nb", "W" * 60])
def test_any_name_can_be_drawn(name: str) -> None:
    bar = cards.Bar(name=name, figure="50.0 %", thousandths=2_000, tone="none of ours")
    card = cards.Card(title=name, note=name, bars=[bar] * 12)

    with Image.open(BytesIO(cards.drawn(card))) as picture:
        picture.load()
        # What is too long is cut with dots and never reaches the edge.
        edge = picture.crop((cards.WIDTH - 20, 20, cards.WIDTH, 260))
        assert len(edge.getcolors() or []) == 1
