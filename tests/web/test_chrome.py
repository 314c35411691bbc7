"""What holds on every page: the policy, the skeleton, the theme, the parts."""

import re

import pytest
from django.template import Context, Template
from django.test import Client, RequestFactory

from exchange.models import Market, User
from tests.factories import active_market, buy
from tests.web.pages import body, text

pytestmark = pytest.mark.django_db

OPEN = [
    "/",
    "/markets/wheat-price/",
    "/markets/wheat-price/?tab=rules",
    "/markets/wheat-price/?tab=pool&side=buy&quantity=10",
    "/markets/wheat-price/history/",
    "/help/",
    "/preferences/",
    "/accounts/login/",
    "/accounts/signup/",
    "/accounts/password/reset/",
    "/nothing-here/",
]
SIGNED_IN = [
    "/portfolio/",
    "/portfolio/?tab=fills",
    "/account/",
    "/accounts/2fa/",
    "/accounts/2fa/totp/activate/",
    "/accounts/password/change/",
    "/accounts/email/",
    "/accounts/sessions/",
    "/markets/wheat-price/?tab=orders&side=sell&mode=shares&quantity=1",
]


@pytest.fixture
def market() -> Market:
    return active_market("wheat-price")


@pytest.mark.parametrize("address", [*OPEN, *SIGNED_IN])
def test_no_script_or_style_is_inline(
    client: Client, market: Market, alice: User, address: str
) -> None:
    if address in SIGNED_IN:
        buy(alice, market, "100")
        client.login(email=alice.email, password="alice-has-a-long-secret")

    response = client.get(address, follow=True)

    policy = response["Content-Security-Policy"]
    source = body(response)
    assert "unsafe" not in policy
    assert "*" not in policy
    assert re.findall(r"<script(?![^>]*(src=|application/json))", source) == []
    assert re.findall(r"<style|\sstyle=|\son\w+=|javascript:", source) == []


@pytest.mark.parametrize("address", OPEN)
def test_has_the_skeleton_of_a_page(client: Client, market: Market, address: str) -> None:
    source = body(client.get(address))

    assert source.count("<h1") == 1
    assert '<a class="skip" href="#main">' in source
    assert 'lang="en"' in source
    assert len(re.findall(r"<main\b", source)) == 1
    assert "<title>" in source
    assert len(re.findall(r'\bid="([^"]+)"', source)) == len(
        set(re.findall(r'\bid="([^"]+)"', source))
    )


def test_every_input_has_a_label(client: Client, market: Market) -> None:
    for address in OPEN:
        source = body(client.get(address))
        for tag in re.findall(r"<(?:input|select|textarea)\b[^>]*>", source):
            if 'type="hidden"' in tag or 'type="radio"' in tag or 'type="checkbox"' in tag:
                continue
            name = re.search(r'\bid="([^"]+)"', tag)
            labelled = "aria-label=" in tag or (name and f'for="{name[1]}"' in source)
            assert labelled, f"{address}: {tag}"


def test_the_theme_is_in_the_first_byte(client: Client) -> None:
    client.post("/preferences/", {"theme": "dark", "palette": "blue-orange", "keys": "off"})

    source = body(client.get("/"))

    assert 'data-theme="dark" data-palette="blue-orange" data-keys="off"' in source


def test_unknown_preferences_are_not_kept(client: Client) -> None:
    client.post("/preferences/", {"theme": '"><script>'})
    client.cookies["palette"] = "pink"

    assert 'data-theme="system" data-palette="green-red"' in body(client.get("/"))


def test_the_header_shows_the_cash(client: Client, alice: User) -> None:
    client.force_login(alice)

    assert "Account menu, cash 1 000.00 USDC" in text(client.get("/help/")).replace("\u202f", " ")


def test_an_old_form_is_refused_with_a_page(alice: User) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(alice)

    response = strict.post("/demo-funds/")

    assert response.status_code == 403
    assert "This form was too old to be trusted" in text(response)


@pytest.mark.parametrize(
    ("source", "html"),
    [
        ("{% change 2140000 %}", '>▲</span><span class="only-spoken" data-word>up</span>'),
        ("{% change None %}", "no change known"),
        ("{% gain -1080000 %}", '<span class="num">\u22121.08</span>'),
        ("{{ 12500000|usdc_exact }}", "12.50"),
        ("{{ none|usdc }}", "—"),
        ("{% part 400000000 25000000 %}", "100.00"),
    ],
)
def test_parts_say_what_they_show(source: str, html: str) -> None:
    written = Template("{% load chrome money %}" + source).render(Context({"none": None}))

    assert html in written


def test_icons_come_from_the_package() -> None:
    written = Template("{% load chrome %}{% icon 'search' %}").render(Context())

    assert 'aria-hidden="true"' in written
    assert "<circle" in written


def test_links_keep_the_rest_of_the_query(rf: RequestFactory) -> None:
    context = Context({"request": rf.get("/?q=wheat&topic=sport")})

    written = Template("{% load chrome %}{% with_query topic='' %}").render(context)

    assert written == "?q=wheat"
