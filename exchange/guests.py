"""How a browser keeps a participant's token: one cookie per session, unreadable for scripts."""

import hashlib


def cookie_name(code: str) -> str:
    """Return the name of the cookie for a session; the code itself is not put into it."""
    return f"participant_{hashlib.sha256(code.encode()).hexdigest()[:12]}"
