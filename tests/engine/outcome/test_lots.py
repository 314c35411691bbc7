from hypothesis import given
from hypothesis import strategies as st

from exchange.engines.outcome.lots import in_proportion, largest
from exchange.engines.outcome.scales import LOT


def test_finds_the_largest_amount_that_holds() -> None:
    assert largest(0, 100 * LOT, lambda d: d <= 37 * LOT) == 37 * LOT


def test_the_lower_end_is_taken_without_asking() -> None:
    assert largest(5 * LOT, 9 * LOT, lambda _: False) == 5 * LOT


def test_both_ends_are_rounded_down_to_whole_lots() -> None:
    assert largest(LOT - 1, 3 * LOT + 9, lambda _: True) == 3 * LOT


def test_the_path_decides_where_the_condition_is_not_monotone() -> None:
    # 5 and 7 are asked and fail, 6 is never reached through them; 3 and 4 follow
    asked: list[int] = []

    def holds(amount: int) -> bool:
        asked.append(amount // LOT)
        return asked[-1] in {2, 3, 6}

    found = largest(0, 9 * LOT, holds)

    assert (asked, found) == ([5, 2, 3, 4], 3 * LOT)


def test_what_is_left_over_goes_to_the_largest_remainders() -> None:
    assert in_proportion(10, [7, 7, 7], 1) == [4, 3, 3]
    assert in_proportion(8, [50, 25, 25], 1) == [4, 2, 2]
    assert in_proportion(5, [1, 1, 3], 1) == [1, 1, 3]


def test_equal_remainders_favour_who_joined_first() -> None:
    assert in_proportion(40 * LOT, [50 * LOT, 50 * LOT, 50 * LOT], LOT) == [
        14 * LOT,
        13 * LOT,
        13 * LOT,
    ]


@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=9), st.integers(0, 100))
def test_parts_sum_up_and_exceed_no_weight(weights: list[int], percent: int) -> None:
    amount = sum(weights) * percent // 100

    parts = in_proportion(amount, weights, 1)

    assert sum(parts) == amount
    assert all(0 <= part <= weight for part, weight in zip(parts, weights, strict=True))
