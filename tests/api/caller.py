"""A program that calls the API: with a session, with a token, or as nobody."""

import json
from typing import Any

from django.test import Client

from exchange.models import User
from tests.factories import key as fresh_key

V1 = "/api/v1/"


class Answer:
    """A response, read as JSON."""

    def __init__(self, response: Any) -> None:
        self.status: int = response.status_code
        self.raw: bytes = response.content
        self.headers = response.headers

    @property
    def json(self) -> Any:
        return json.loads(self.raw)

    @property
    def code(self) -> str:
        return str(self.json["error"]["code"])

    @property
    def fields(self) -> dict[str, Any]:
        return dict(self.json["error"]["fields"])


class Caller:
    """Sends requests below /api/v1/."""

    def __init__(self, user: User | None = None, secret: str = "", **options: Any) -> None:
        self.client = Client(raise_request_exception=False, **options)
        self.headers: dict[str, str] = {"Authorization": f"Bearer {secret}"} if secret else {}
        if user is not None:
            self.client.force_login(user)

    def get(self, address: str, **query: Any) -> Answer:
        return Answer(self.client.get(V1 + address, query, headers=self.headers))

    def delete(self, address: str) -> Answer:
        return Answer(self.client.delete(V1 + address, headers=self.headers))

    def put(self, address: str, body: Any) -> Answer:
        sent = json.dumps(body)
        response = self.client.put(
            V1 + address, sent, content_type="application/json", headers=self.headers
        )
        return Answer(response)

    def post(
        self, address: str, body: Any = None, *, raw: str | bytes | None = None, **headers: str
    ) -> Answer:
        """Send a body as JSON, or `raw` as it is; header names are written with underscores."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        content = json.dumps({} if body is None else body) if raw is None else raw
        response = self.client.post(
            V1 + address,
            content,
            content_type=sent.pop("Content-Type", "application/json"),
            headers=self.headers | sent,
        )
        return Answer(response)

    def send(self, address: str, **fields: Any) -> Answer:
        """Send fields, files among them, as multipart/form-data."""
        return Answer(self.client.post(V1 + address, fields, headers=self.headers))

    def order(self, slug: str, body: Any, key: str = "") -> Answer:
        """Place an order under a fresh key, or the one given."""
        return self.post(f"markets/{slug}/orders/", body, Idempotency_Key=key or fresh_key())
