"""Typed readers of the environment that refuse what they do not understand.

Every variable may also be given as NAME_FILE, the path of a file that holds the value, so that a
secret need not stand in a process's environment.
"""

import environ
from django.core.exceptions import ImproperlyConfigured

ON = frozenset({"1", "true", "on"})
OFF = frozenset({"0", "false", "off"})


class Environment(environ.FileAwareEnv):  # type: ignore[misc]
    """django-environ's readers, and three that accept nothing by accident."""

    def switch(self, name: str, *, default: bool) -> bool:
        """Return a yes or no: 1, true or on; 0, false or off; nothing else."""
        word = self.text(name, default="1" if default else "0").lower()
        if word not in ON | OFF:
            raise ImproperlyConfigured(f"{name} must be 1, true, on, 0, false or off: got {word!r}")
        return word in ON

    def number(self, name: str, *, default: int, least: int = 0) -> int:
        """Return a whole number of at least `least`."""
        word = self.text(name, default=str(default))
        if not word.isascii() or not word.isdigit() or int(word) < least:
            raise ImproperlyConfigured(f"{name} must be a whole number from {least}: got {word!r}")
        return int(word)

    def choice(self, name: str, *, options: tuple[str, ...]) -> str:
        """Return one of `options`, the first where the variable is absent."""
        word = self.text(name, default=options[0])
        if word not in options:
            raise ImproperlyConfigured(f"{name} must be one of {', '.join(options)}: got {word!r}")
        return word

    def text(self, name: str, *, default: str) -> str:
        """Return the value without surrounding space, the default where it is absent or empty."""
        return str(self.str(name, default=default)).strip() or default

    def words(self, name: str, *, default: list[str]) -> list[str]:
        """Return a comma-separated list without empty members."""
        members = self.text(name, default=",".join(default)).split(",")
        return [member.strip() for member in members if member.strip()]
