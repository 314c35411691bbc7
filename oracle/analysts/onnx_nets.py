"""Classifiers in ONNX Runtime, int8: made once from the weights, and used only if they agree.

The file is made beside the weights and named by them, so that new weights are a new file. A model
whose export does not say what the model says runs in torch instead.
"""

import importlib
import multiprocessing
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

from oracle.analysts import runtimes, torch_nets

FOLDER = "made"
OPSET = 17
TRIED_LENGTHS = (5, 9, 16)
# Between the export in fp32 and the model itself; int8 comes after and is not held against it.
DIFFERENCE_MAX = 1e-3
WHOLE, LIGHT = "whole.onnx", "light.onnx"


class OnnxPasses:
    """A classifier's passes in ONNX Runtime. The scale of int8 is one for all rows of a pass."""

    keeps_rows_apart = False

    def __init__(self, file: Path, threads: int = torch_nets.THREADS) -> None:
        onnxruntime = importlib.import_module("onnxruntime")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, torch_nets.THREADS
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            str(file), options, providers=["CPUExecutionProvider"]
        )

    def logits(self, ids: list[list[int]], mask: list[list[int]]) -> list[list[float]]:
        """Return the logits of each row."""
        given = {"input_ids": _whole(ids), "attention_mask": _whole(mask)}
        (found,) = self._session.run(None, given)
        rows: list[list[float]] = found.tolist()
        return rows


def prepared(place: Path, sums: str) -> Path | None:
    """Return the int8 form of a classifier, made now if it is not there; nothing if it cannot be.

    Made in a child of its own, so that what making needs is not kept by who only reads.
    """
    file = place / FOLDER / f"{sums}-{runtimes.ONNX_INT8}.onnx"
    refused = file.with_suffix(".refused")
    if not file.exists() and not refused.exists():
        file.parent.mkdir(exist_ok=True)
        if "torch" in sys.modules:
            make(place, file)
        else:
            child = multiprocessing.get_context("spawn").Process(target=make, args=(place, file))
            child.start()
            child.join()
    if not file.exists():
        refused.touch()
        return None
    return file


def make(place: Path, file: Path) -> None:
    """Export a classifier, compare it with the model at several lengths, make it int8."""
    with tempfile.TemporaryDirectory(dir=file.parent) as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        whole, light = Path(folder) / WHOLE, Path(folder) / LIGHT
        try:
            if _exported(place, whole):
                _quantized(whole, light)
                light.replace(file)
        except Exception as fault:  # noqa: BLE001 (of any library; it runs in torch)
            sys.stderr.write(f"{place.name} has no form in int8: {type(fault).__name__}\n")


def _exported(place: Path, whole: Path) -> bool:
    torch, library = torch_nets.libraries()
    loader = library.AutoModelForSequenceClassification
    model = loader.from_pretrained(place, local_files_only=True).eval()

    class Plain(torch.nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, input_ids: Any, attention_mask: Any) -> Any:
            return self.model(input_ids=input_ids, attention_mask=attention_mask).logits

    plain = Plain().eval()
    samples = [_sample(torch, rows, length) for rows, length in enumerate(TRIED_LENGTHS, 1)]
    axes = {0: "rows", 1: "length"}
    with torch.no_grad():
        torch.onnx.export(
            plain,
            samples[0],
            str(whole),
            input_names=["input_ids", "attention_mask"],
            output_names=["logits"],
            dynamic_axes={"input_ids": axes, "attention_mask": axes, "logits": {0: "rows"}},
            opset_version=OPSET,
            dynamo=False,
        )
        session = OnnxPasses(whole)
        for ids, mask in samples:
            ours = torch.tensor(session.logits(ids.tolist(), mask.tolist()))
            if float((ours - plain(ids, mask).double()).abs().max()) > DIFFERENCE_MAX:
                return False
    return True


def _sample(torch: Any, rows: int, length: int) -> tuple[Any, Any]:
    ids = torch.arange(rows * length).reshape(rows, length) % 23
    mask = torch.ones_like(ids)
    mask[-1, -2:] = 0
    return ids, mask


def _quantized(whole: Path, light: Path) -> None:
    library = importlib.import_module("onnxruntime.quantization")
    library.quantize_dynamic(str(whole), str(light), weight_type=library.QuantType.QInt8)


def _whole(rows: list[list[int]]) -> Any:
    numpy = importlib.import_module("numpy")
    return numpy.array(rows, numpy.int64)
