"""What the tests' own guards promise."""

import socket
import threading
import time

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection

from exchange.models import Market
from tests.factories import open_market
from tests.guards import NetworkUsed


@pytest.mark.django_db(transaction=True)
def test_tables_are_emptied_though_somebody_holds_one_for_a_while() -> None:
    open_market("wheat-price")
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = 50")
    with psycopg.connect(**connection.get_connection_params()) as other:
        other.execute("LOCK TABLE exchange_market IN ACCESS SHARE MODE")
        letting_go = threading.Timer(0.3, other.commit)
        letting_go.start()
        began = time.monotonic()

        call_command("flush", interactive=False, verbosity=0)

        assert time.monotonic() - began > 0.2
        letting_go.join()
    assert not Market.objects.exists()


def test_no_server_beyond_this_machine_is_reached() -> None:
    with socket.socket() as somebody, pytest.raises(NetworkUsed):
        somebody.connect(("192.0.2.1", 443))
