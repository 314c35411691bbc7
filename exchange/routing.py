"""Websocket addresses of the core."""

from django.urls import path

from exchange.consumers import MarketConsumer
from exchange.session_socket import SessionConsumer

websocket_urlpatterns = [
    path("ws/markets/", MarketConsumer.as_asgi()),
    path("ws/sessions/<str:code>/", SessionConsumer.as_asgi()),
]
