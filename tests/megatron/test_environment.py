import pytest
from django.core.exceptions import ImproperlyConfigured

from megatron.environment import Environment

env = Environment()


@pytest.mark.parametrize(
    ("word", "meaning"), [("1", True), ("on", True), ("TRUE", True), ("0", False), ("off", False)]
)
def test_reads_a_switch(monkeypatch: pytest.MonkeyPatch, word: str, *, meaning: bool) -> None:
    monkeypatch.setenv("SWITCH", word)

    assert env.switch("SWITCH", default=not meaning) is meaning


@pytest.mark.parametrize("word", ["yes", "2", "enabled", "tru"])
def test_refuses_a_switch_it_does_not_know(monkeypatch: pytest.MonkeyPatch, word: str) -> None:
    monkeypatch.setenv("SWITCH", word)

    with pytest.raises(ImproperlyConfigured, match="SWITCH must be"):
        env.switch("SWITCH", default=False)


@pytest.mark.parametrize("word", ["-1", "1.5", "1e3", "١٢", "0"])
def test_refuses_a_number_out_of_range_or_form(monkeypatch: pytest.MonkeyPatch, word: str) -> None:
    monkeypatch.setenv("NUMBER", word)

    with pytest.raises(ImproperlyConfigured, match="NUMBER must be"):
        env.number("NUMBER", default=1, least=1)


def test_takes_the_first_choice_unless_told() -> None:
    assert env.choice("NOT_SET_ANYWHERE", options=("local", "production")) == "local"


def test_refuses_a_choice_that_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHOICE", "prod")

    with pytest.raises(ImproperlyConfigured, match="one of local, production"):
        env.choice("CHOICE", options=("local", "production"))


def test_reads_a_secret_from_a_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.mktemp("secrets") / "key"
    file.write_text("from-the-file\n")
    monkeypatch.setenv("SECRET_FILE", str(file))

    assert Environment().text("SECRET", default="") == "from-the-file"


def test_reads_words_without_empty_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORDS", "a.example, ,b.example,")

    assert env.words("WORDS", default=[]) == ["a.example", "b.example"]
