"""Evidence: stored once, joined to the story it tells, and never changed."""

from datetime import UTC, datetime, timedelta

import pytest

from oracle.models import Cluster, Evidence
from oracle.services import evidence, stories
from oracle.sources.base import Item

pytestmark = pytest.mark.django_db

NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)
STORY = (
    "Harbour strike enters second week",
    (
        "Dock workers at the northern harbour voted on Friday to extend their strike for a second "
        "week after talks over pay broke down, leaving dozens of container ships waiting offshore."
    ),
)
OTHER = (
    "Harbour opens new container terminal",
    "The northern harbour opened a third terminal on Friday that doubles its room for ships.",
)


def item(title: str = STORY[0], text: str = STORY[1], **changes: object) -> Item:
    fields = {
        "title": title,
        "text": text,
        "url": "",
        "publisher": "Harbour Wire",
        "published_at": NOON - timedelta(hours=1),
        **changes,
    }
    return Item(**fields)  # type: ignore[arg-type]


def clusters(*items: Item) -> list[int]:
    return [row.cluster_id for row in evidence.store(list(items), until=NOON)]


def test_the_same_item_is_stored_once() -> None:
    first = evidence.store([item(), item()], until=NOON)
    again = evidence.store([item()], until=NOON)
    assert [row.pk for row in first] == [row.pk for row in again]
    assert (Evidence.objects.count(), Cluster.objects.count()) == (1, 1)


def test_fifty_copies_are_one_story_with_fifty_publishers() -> None:
    endings = ("", ".", " Read more", " - agency", " (updated)")
    copies = [
        item(
            title=f"{STORY[0]} | Paper {n}" if n % 3 else STORY[0].upper(),
            text=STORY[1] + endings[n % 5],
            publisher=f"Paper {n}",
            url=f"https://paper{n}.example/strike",
            published_at=NOON - timedelta(minutes=n),
        )
        for n in range(50)
    ]
    assert len(set(clusters(*copies))) == 1
    assert Evidence.objects.values("publisher").distinct().count() == 50
    assert Evidence.objects.filter(is_head=True).get().publisher == "Paper 0"


def test_another_story_of_the_same_place_is_another_story() -> None:
    assert len(set(clusters(item(), item(*OTHER)))) == 2


def test_other_numbers_are_other_news() -> None:
    body = "The statistics office said consumer prices rose {} percent in March from a year before."
    one = item("Inflation falls to 2.4 %", body.format("2.4"))
    two = item("Inflation falls to 2.3 %", body.format("2.3"))
    assert len(set(clusters(one, two))) == 2


def test_the_other_direction_is_other_news() -> None:
    """Word for word the same but for where it went: no copy, and no excuse to pass it over."""
    for up, down in (("surged", "plunged"), ("rises", "falls"), ("widened", "narrowed")):
        one = item(f"Widgets: demand for steel {up}", "")
        two = item(f"Widgets: demand for steel {down}", "")
        assert len(set(clusters(one, two))) == 2
    same = (
        item("Widgets: demand for steel soared", ""),
        item("Widgets: demand for steel surged", ""),
    )
    assert len(set(clusters(*same))) == 1


def test_a_shortened_copy_is_a_copy() -> None:
    assert len(set(clusters(item(), item(text=STORY[1][:130], publisher="Short News")))) == 1


def test_a_changed_text_at_the_same_address_is_the_same_story() -> None:
    one = item(url="https://site.example/a?utm_source=x")
    two = item(*OTHER, url="https://SITE.example/a#top")
    assert len(set(clusters(one, two))) == 1


def test_the_same_words_months_later_are_the_same_story() -> None:
    old = item(published_at=NOON - timedelta(days=200))
    assert len(set(clusters(old, item(publisher="Late News")))) == 1


def test_alike_words_months_later_are_not() -> None:
    old = item(published_at=NOON - timedelta(days=200))
    assert len(set(clusters(old, item(text=f"{STORY[1]} Again.")))) == 2


def test_what_claims_to_come_from_the_future_is_left_out() -> None:
    assert clusters(item(published_at=NOON + timedelta(seconds=1))) == []
    assert len(clusters(item(published_at=NOON))) == 1


@pytest.mark.parametrize("title", ["", "   ", "<b></b>", "\u200b\u200d", "!!! ???"])
def test_what_has_no_words_is_left_out(title: str) -> None:
    assert clusters(item(title, "")) == []


def test_a_publisher_without_a_name_gets_its_sites() -> None:
    rows = evidence.store([item(publisher="", url="https://www.site.example/a")], until=NOON)
    assert rows[0].publisher == "site.example"
    assert evidence.store([item(*OTHER, publisher="<i></i>")], until=NOON)[0].publisher == (
        evidence.UNNAMED
    )


def test_order_is_kept() -> None:
    rows = evidence.store([item(*OTHER), item()], until=NOON)
    assert [row.title for row in rows] == [OTHER[0], STORY[0]]


def test_a_stored_text_can_be_checked() -> None:
    row = evidence.store([item()], until=NOON)[0]
    row.refresh_from_db()
    assert evidence.is_intact(row)
    row.text += "."
    assert not evidence.is_intact(row)


def test_a_signature_is_the_same_everywhere() -> None:
    sketch = stories.signature("Widgets rise", "as demand grows")
    assert len(sketch) == 512
    assert sketch == stories.signature("widgets  RISE", "as demand grows!")
    assert sketch.hex()[:16] == "7f5bb5a070aa2fdc"
    assert len(stories.bands(sketch)) == stories.BANDS
