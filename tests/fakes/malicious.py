"""Hostile documents in twelve families, the same ones in every run."""

from tests.oracle.corpus import FAMILIES, NEAR, PER_FAMILY, documents
from tests.oracle.corpus_seeds import VICTIM

__all__ = ["FAMILIES", "NEAR", "PER_FAMILY", "VICTIM", "documents"]
