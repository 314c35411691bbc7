"""Which way networks are run here, and by what name a report remembers it.

`auto` is what `manage.py bench readers` found fastest on this host, and until it has run what it
found elsewhere; see docs/BENCHMARKS.md.
"""

import platform
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from django.conf import settings

from oracle.analysts import choices

AUTO, TORCH, TORCH_INT8, ONNX_INT8 = "auto", "torch", "torch-int8", "onnx-int8"
CHOICES = (AUTO, TORCH, TORCH_INT8, ONNX_INT8)
ONNX_LIBRARIES = ("onnx", "onnxruntime")
CPU = Path("/proc/cpuinfo")
# Instructions by which libraries choose how to add up.
TELLING = ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "amx_int8", "asimddp", "i8mm")


def possible(*, is_text: bool) -> tuple[str, ...]:
    """Return the runtimes that a kind of network can have here, the usual one first.

    Text models run in torch always, for their export keeps one length of prompt.
    """
    if is_text or not all(find_spec(one) for one in ONNX_LIBRARIES):
        return TORCH_INT8, TORCH
    return ONNX_INT8, TORCH_INT8, TORCH


def of(kind: str, *, is_text: bool) -> str:
    """Return how a kind of network runs: as set, as measured on this host, or as usual."""
    wanted, here = str(settings.ORACLE_RUNTIME), possible(is_text=is_text)
    if wanted == AUTO:
        found = choices.chosen(kind, machine())
        wanted = found.runtime if found else ""
    return wanted if wanted in here else here[0]


@cache
def machine() -> str:
    """Return what of the machine may show in the last bits of a sum."""
    try:
        line = next(one for one in CPU.read_text().splitlines() if one.startswith("flags"))
    except (OSError, StopIteration):
        line = ""
    have = set(line.split())
    return "+".join([platform.machine(), *(one for one in TELLING if one in have)])
