"""What is new to a market: evidence already used in an accepted event is spent for good."""

from collections.abc import Collection, Mapping, Sequence


def choose(seen: Mapping[str, Sequence[int]], spent: Collection[int], limit: int) -> list[int]:
    """Return the clusters to read: unspent, each once, at most `limit`.

    Sources take turns in the order of their names, each offering its clusters by rank, so that one
    that floods cannot push the others out.

    Shapes:  `seen` has the clusters of each source by rank; the answer is in order of choice.
    """
    queues = [
        [cluster for cluster in dict.fromkeys(seen[name]) if cluster not in spent]
        for name in sorted(seen)
    ]
    chosen: dict[int, None] = {}
    for rank in range(max(map(len, queues), default=0)):
        for queue in queues:
            if rank < len(queue) and len(chosen) < limit:
                chosen.setdefault(queue[rank])
    return list(chosen)
