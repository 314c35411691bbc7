"""A socket within the test's own event loop, for a consumer without a server."""

from typing import Any

from channels.testing import WebsocketCommunicator

from tests.patience import PATIENCE_S


class Visitor(WebsocketCommunicator):  # type: ignore[misc]  # Channels has no types
    """Channels' own communicator, which waits for more than a second."""

    async def connect(self, within_s: float = PATIENCE_S) -> Any:
        """Open the socket; return whether it was accepted, and the protocol or the code."""
        return await super().connect(within_s)

    async def receive_output(self, within_s: float = PATIENCE_S) -> Any:
        """Return the next event of the application."""
        return await super().receive_output(within_s)

    async def receive_from(self, within_s: float = PATIENCE_S) -> Any:
        """Return what the next frame says."""
        return await super().receive_from(within_s)

    async def disconnect(self, code: int = 1000, within_s: float = PATIENCE_S) -> None:
        """Close the socket, and wait until the application has ended."""
        await super().disconnect(code, within_s)
