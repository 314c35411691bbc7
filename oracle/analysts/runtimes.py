"""Which way networks are run here, and by what name a report remembers it.

`auto` is what `manage.py bench oracle` found fastest; see docs/BENCHMARKS.md.
"""

import platform
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from django.conf import settings

AUTO, TORCH, TORCH_INT8, ONNX_INT8 = "auto", "torch", "torch-int8", "onnx-int8"
CHOICES = (AUTO, TORCH, TORCH_INT8, ONNX_INT8)
ONNX_LIBRARIES = ("onnx", "onnxruntime")
CPU = Path("/proc/cpuinfo")
# Instructions by which libraries choose how to add up.
TELLING = ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "amx_int8", "asimddp", "i8mm")


def for_classifiers() -> str:
    """Return how classifiers run: as set, or the fastest that is installed."""
    wanted = str(settings.ORACLE_RUNTIME)
    if wanted in (AUTO, ONNX_INT8):
        return ONNX_INT8 if all(find_spec(one) for one in ONNX_LIBRARIES) else TORCH_INT8
    return wanted


def for_texts() -> str:
    """Return how text models run: in torch always, for their export keeps one length of prompt."""
    return TORCH if settings.ORACLE_RUNTIME == TORCH else TORCH_INT8


@cache
def machine() -> str:
    """Return what of the machine may show in the last bits of a sum."""
    try:
        line = next(one for one in CPU.read_text().splitlines() if one.startswith("flags"))
    except (OSError, StopIteration):
        line = ""
    have = set(line.split())
    return "+".join([platform.machine(), *(one for one in TELLING if one in have)])
