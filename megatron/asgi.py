"""The ASGI application: pages and API over HTTP, prices over websockets."""

import os

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "megatron.settings")
# Loads the applications, which the modules below need.
http = get_asgi_application()

from exchange import garbage, live  # noqa: E402
from exchange.api.desk import OrderDesk  # noqa: E402
from exchange.routing import websocket_urlpatterns  # noqa: E402
from megatron.origins import SameOriginOnly  # noqa: E402

application = ProtocolTypeRouter(
    {
        "http": OrderDesk(http),
        "websocket": SameOriginOnly(AuthMiddlewareStack(URLRouter(websocket_urlpatterns))),
    }
)
live.keep("web")
garbage.settle_down()
