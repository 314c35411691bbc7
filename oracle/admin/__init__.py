"""The staff's view of the oracle: everything to look at, little to change, nothing to move F."""

from oracle.admin import cards, runs, sources, specs

__all__ = ["cards", "runs", "sources", "specs"]
