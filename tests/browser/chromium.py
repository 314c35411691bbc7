"""Finds a Chromium: the one that is named, the system's, or the one inside an npm package."""

import io
import os
import shutil
import tarfile
from pathlib import Path

import brotli

HERE = Path(__file__).resolve().parent
PACKED = HERE / "node_modules" / "@sparticuz" / "chromium" / "bin"
UNPACKED = HERE / "unpacked"
SYSTEM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHUNK_BYTES = 1 << 20
HOW_TO_GET_ONE = (
    "no Chromium: run `python3 run.py test`, which fetches one, or set CHROMIUM=/path/to/chromium"
)


def find() -> Path | None:
    """Return a Chromium that starts, unpacking the package's where there is no other."""
    if named := os.environ.get("CHROMIUM"):
        return Path(named)
    for name in SYSTEM_NAMES:
        if found := shutil.which(name):
            return Path(found)
    return _from_package() if (PACKED / "chromium.br").exists() else None


def _from_package() -> Path:
    program = UNPACKED / "chromium"
    if not program.exists():
        UNPACKED.mkdir(exist_ok=True)
        for name, folder in (("al2023", "al2023"), ("swiftshader", "."), ("fonts", ".")):
            _extract(PACKED / f"{name}.tar.br", UNPACKED / folder)
        # The program comes last and appears whole: whoever sees it sees everything.
        draft = UNPACKED / f"chromium.{os.getpid()}"
        _decompress(PACKED / "chromium.br", draft)
        draft.chmod(0o755)
        draft.rename(program)
    libraries = [str(UNPACKED / "al2023" / "lib"), os.environ.get("LD_LIBRARY_PATH", "")]
    os.environ["LD_LIBRARY_PATH"] = ":".join(path for path in libraries if path)
    os.environ["FONTCONFIG_PATH"] = str(UNPACKED)
    return program


def _decompress(source: Path, target: Path) -> None:
    reader = brotli.Decompressor()
    with source.open("rb") as packed, target.open("wb") as out:
        while chunk := packed.read(CHUNK_BYTES):
            out.write(reader.process(chunk))


def _extract(source: Path, folder: Path) -> None:
    content = io.BytesIO(brotli.decompress(source.read_bytes()))
    with tarfile.open(fileobj=content) as archive:
        # Python 3.11.2 and older have no filter; the lock file vouches for the content.
        if hasattr(tarfile, "data_filter"):
            archive.extractall(folder, filter="data")
        else:
            archive.extractall(folder)
