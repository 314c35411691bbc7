"""What is new to a market: evidence already used in an accepted event is spent for good."""

from collections.abc import Collection, Mapping, Sequence


def choose(
    seen: Mapping[str, Sequence[int]],
    spent: Collection[int],
    limit: int,
    publishers: Mapping[int, str],
) -> list[int]:
    """Return the clusters to read: unspent, each once, at most `limit`.

    Sources take turns in the order of their names, and the publishers of a source in the order of
    their best rank, so that one that floods cannot push the others out.

    Shapes:  `seen` has the clusters of each source by rank; the answer is in order of choice.
    """
    queues = [
        _in_turns([one for one in dict.fromkeys(seen[name]) if one not in spent], publishers)
        for name in sorted(seen)
    ]
    chosen: dict[int, None] = {}
    for rank in range(max(map(len, queues), default=0)):
        for queue in queues:
            if rank < len(queue) and len(chosen) < limit:
                chosen.setdefault(queue[rank])
    return list(chosen)


def _in_turns(clusters: Sequence[int], publishers: Mapping[int, str]) -> list[int]:
    """Return the first of each publisher, then the second of each, and so on."""
    before: dict[str, int] = {}
    turns = {}
    for one in clusters:
        turns[one] = before.get(publishers[one], 0)
        before[publishers[one]] = turns[one] + 1
    return sorted(clusters, key=turns.__getitem__)
