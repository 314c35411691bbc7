"""What the engines have in common: how they refuse, how they fail, and the shape of `apply`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

Number = int | str

ConfigT_contra = TypeVar("ConfigT_contra", contravariant=True)
StateT_contra = TypeVar("StateT_contra", contravariant=True)
TraderT_contra = TypeVar("TraderT_contra", contravariant=True)
ProviderT_contra = TypeVar("ProviderT_contra", contravariant=True)
CommandT_contra = TypeVar("CommandT_contra", contravariant=True)
SettlementT_co = TypeVar("SettlementT_co", covariant=True)


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


class Engine(
    Protocol[
        ConfigT_contra,
        StateT_contra,
        TraderT_contra,
        ProviderT_contra,
        CommandT_contra,
        SettlementT_co,
    ],
):
    """A pure function from a state and a sequence of commands to everything that follows."""

    def apply(  # noqa: PLR0917 (the one interface of both engines)
        self,
        config: ConfigT_contra,
        state: StateT_contra,
        traders: Mapping[int, TraderT_contra],
        providers: Mapping[int, ProviderT_contra],
        commands: Sequence[CommandT_contra],
        now_s: int,
    ) -> SettlementT_co:
        """Apply `commands` in order at one instant; refuse some, fail for none."""
        ...
