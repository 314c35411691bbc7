"""What the engines have in common: how they refuse and how they fail.

Each has an `apply` of its own: configuration, state, people, commands in order and the time of one
instant in; a Settlement with everything that follows out; what waits is read through a frontier.
"""

from dataclasses import dataclass

Number = int | str


class EngineBug(Exception):
    """A promise of the engine does not hold: our defect, never the caller's."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """The answer to a command that a rule refuses: a stable code and the numbers behind it."""

    code: str
    fields: dict[str, Number]


class Refusal(Exception):
    """Carries a rejection from the rule that refuses up to the loop over commands, no further."""

    def __init__(self, code: str, **fields: Number) -> None:
        super().__init__(code)
        self.rejected = Rejected(code, fields)
