"""What is new to a market: evidence already used in an accepted event is spent for good."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from oracle.core.reports import NOTE_FEW, Report


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


def held(reports: Iterable[Report]) -> set[int]:
    """Return the clusters that an event did not use: only a minority told of them so far.

    They stay new, so that news which reaches one source after the other counts once most have it.
    What any seat used, or what nobody found a direction in, is not among them.
    """
    waits, used = set[int](), set[int]()
    for report in reports:
        told = {mark.cluster for mark in report.marks if mark.sign}
        (waits if NOTE_FEW in report.notes else used).update(told)
    return waits - used


def _in_turns(clusters: Sequence[int], publishers: Mapping[int, str]) -> list[int]:
    """Return the first of each publisher, then the second of each, and so on."""
    before: dict[str, int] = {}
    turns = {}
    for one in clusters:
        turns[one] = before.get(publishers[one], 0)
        before[publishers[one]] = turns[one] + 1
    return sorted(clusters, key=turns.__getitem__)
