"""Websocket addresses of the core."""

from django.urls import path

from exchange.consumers import MarketConsumer

websocket_urlpatterns = [path("ws/markets/", MarketConsumer.as_asgi())]
