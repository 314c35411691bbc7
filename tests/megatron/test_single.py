import os
from pathlib import Path

import pytest

from megatron.single import AlreadyRunning, only_one


def test_a_second_one_is_told_where_the_first_is(tmp_path: Path) -> None:
    with only_one(tmp_path) as note:
        note("http://127.0.0.1:8000/")

        with pytest.raises(AlreadyRunning, match=rf"127\.0\.0\.1:8000/ \(process {os.getpid()}\)"):
            only_one(tmp_path).__enter__()


def test_a_file_left_behind_locks_nobody_out(tmp_path: Path) -> None:
    (tmp_path / "up.lock").write_text("1 http://127.0.0.1:8000/")

    with only_one(tmp_path):
        assert (tmp_path / "up.lock").read_text() == str(os.getpid())


def test_the_next_one_may_follow(tmp_path: Path) -> None:
    with only_one(tmp_path):
        pass

    with only_one(tmp_path):
        pass
