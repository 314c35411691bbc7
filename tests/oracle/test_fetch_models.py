"""Bringing weights: whole or not at all, the same bytes as before or a refusal."""

import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from oracle.analysts import weights
from tests.fakes.hub import Hub, serving

FILES = weights.CATALOGUE["classifier"].files


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings: Any) -> Path:
    settings.ORACLE_MODELS_DIR = str(tmp_path / "models")
    return tmp_path / "models" / "classifier"


@pytest.fixture
def hub() -> Iterator[Hub]:
    with serving(Hub(files={name: name.encode() * 9 for name in FILES})) as served:
        yield served


def fetch(hub: Hub, *words: str) -> str:
    out = StringIO()
    call_command("fetch_models", "classifier", "--hub", hub.url, *words, stdout=out)
    return out.getvalue()


@pytest.mark.parametrize("behave", ["ok", "elsewhere"])
def test_it_brings_every_file_and_its_sums(hub: Hub, folder: Path, behave: str) -> None:
    hub.behave = behave
    said = fetch(hub)
    manifest = json.loads((folder / weights.MANIFEST).read_text())
    assert set(manifest["sha256"]) == set(FILES)
    assert all((folder / name).read_bytes() == hub.files[name] for name in FILES)
    assert all(f"{name}: " in said for name in FILES)
    assert "100 %" in said
    assert weights.damaged("classifier") == []
    assert not folder.with_name("classifier.part").exists()


def test_what_is_whole_is_not_fetched_again(hub: Hub) -> None:
    fetch(hub)
    asked = len(hub.paths)
    fetch(hub)
    assert len(hub.paths) == asked == len(FILES)


@pytest.mark.parametrize("behave", ["liar", "cut", "broken"])
def test_a_bad_server_leaves_nothing(hub: Hub, folder: Path, behave: str) -> None:
    hub.behave = behave
    with pytest.raises(CommandError):
        fetch(hub)
    assert not folder.exists()
    assert not folder.with_name("classifier.part").exists()


def test_damage_is_found_and_mended(hub: Hub, folder: Path) -> None:
    fetch(hub)
    (folder / "config.json").write_text("{}")
    with pytest.raises(CommandError, match=r"config\.json"):
        call_command("fetch_models", "classifier", "--check")
    fetch(hub)
    assert weights.damaged("classifier") == []


def test_other_files_under_the_same_name_are_refused(hub: Hub, folder: Path) -> None:
    fetch(hub)
    (folder / "config.json").unlink()
    hub.files["config.json"] = b"{}"
    with pytest.raises(CommandError, match="differ"):
        fetch(hub)
    assert not (folder / "config.json").exists()


def test_a_folder_may_be_brought_along(tmp_path: Path, folder: Path) -> None:
    source = tmp_path / "stick"
    source.mkdir()
    (source / "config.json").write_text("{}")
    (source / "model.safetensors").write_bytes(b"weights")
    out = StringIO()
    call_command("fetch_models", "classifier", "--from", str(source), stdout=out)
    call_command("fetch_models", "classifier", "--check", stdout=out)
    assert "classifier: whole" in out.getvalue()
    (source / "config.json").unlink()
    with pytest.raises(CommandError):
        call_command("fetch_models", "classifier", "--from", str(source), stdout=out)
    assert weights.damaged("classifier") == []


@pytest.mark.parametrize("words", [["imagined"], ["classifier", "nli", "--from", "."]])
def test_senseless_words_are_refused(words: list[str]) -> None:
    with pytest.raises(CommandError):
        call_command("fetch_models", *words)
