"""Whatever the model process answers, a reader answers in form or is away."""

import json
import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from oracle.analysts import wire
from oracle.analysts.away import CHARACTERS_MAX, SCORE_MAX, SHARE_MAX, Away
from oracle.analysts.nets import ReaderAway
from tests.faults.scale import scaled

PAIRS = [("one", None), ("two", "three")]
NUMBERS = st.one_of(
    st.integers(), st.floats(), st.booleans(), st.sampled_from([10**30, -1, 0, SHARE_MAX])
)
ROWS = st.lists(st.lists(NUMBERS, max_size=3), max_size=3)
ANYTHING = st.recursive(
    st.none() | NUMBERS | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
FACTS = st.fixed_dictionaries({"models": ANYTHING | st.dictionaries(st.text(max_size=5), ANYTHING)})
ANSWERS = ROWS | st.lists(NUMBERS, max_size=3) | FACTS | ANYTHING
FRAMES = st.one_of(
    ANSWERS.map(lambda answer: json.dumps({"answer": answer}).encode()),
    ANYTHING.map(lambda said: json.dumps(said).encode()),
    st.binary(max_size=60),
    st.tuples(ANSWERS, st.integers(0, 40)).map(
        lambda found: json.dumps({"answer": found[0]}).encode()[: found[1]]
    ),
)


class Stranger:
    """Answers every question with the same bytes, framed as they should be or not."""

    def __init__(self, path: Path) -> None:
        self.path, self.says, self.is_framed = path, b"", True
        self._door = socket.socket(socket.AF_UNIX)
        self._door.bind(str(path))
        self._door.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                line, _ = self._door.accept()
            except OSError:
                return
            with line:
                wire.receive(line, wire.REQUEST_BYTES_MAX)
                head = struct.pack(">I", len(self.says)) if self.is_framed else b""
                line.sendall(head + self.says)

    def close(self) -> None:
        """Answer nobody any more."""
        self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stranger]:
    found = Stranger(tmp_path_factory.mktemp("model") / "socket")
    yield found
    found.close()


def heard(ask: Any) -> Any:
    """Return the answer, nothing where the reader is away; anything else is a defect."""
    try:
        return ask()
    except ReaderAway:
        return None


@settings(max_examples=scaled(500, 10_000))
@given(says=FRAMES, is_framed=st.booleans() | st.just(value=True))
@example(says=b'{"answer":[[NaN],[Infinity]]}', is_framed=True)
@example(says=b'{"answer":[[1e9],[true]]}', is_framed=True)
@example(says=b'{"answer":[[500000,500000],[0,1000000]]}', is_framed=True)
@example(says=b'{"answer":[-1,2,3]}', is_framed=True)
@example(says=b'{"answer":"The answer is up', is_framed=True)
@example(says=b'{"answer":{"models":{"a":{"version":1,"labels":"b"}}}}', is_framed=True)
def test_any_answer_is_in_form_or_none(stranger: Stranger, says: bytes, is_framed: bool) -> None:
    stranger.says, stranger.is_framed = says, is_framed
    away = Away(stranger.path)

    shares = heard(lambda: away.read("classifier", "v1", PAIRS))
    scores = heard(lambda: away.score("generator", "v1", "up?", ["up", "down", "flat"]))
    written = heard(lambda: away.write("generator", "v1", "say", 8))
    facts = away.facts()

    if shares is not None:
        assert len(shares) == len(PAIRS)
        assert all(type(one) is int and 0 <= one <= SHARE_MAX for row in shares for one in row)
    if scores is not None:
        assert len(scores) == 3
        assert all(type(one) is int and abs(one) <= SCORE_MAX for one in scores)
    assert written is None or len(written) <= CHARACTERS_MAX
    for fact in facts.values():
        assert isinstance(fact.version, str)
        assert all(isinstance(label, str) for label in fact.labels)


def test_a_good_answer_is_heard(stranger: Stranger) -> None:
    stranger.says, stranger.is_framed = b'{"answer":[[1,2],[3,4]]}', True
    assert Away(stranger.path).read("classifier", "v1", PAIRS) == [[1, 2], [3, 4]]
