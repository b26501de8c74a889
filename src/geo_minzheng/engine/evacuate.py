"""Who sleeps under a roof and who needs a tent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

TOWN_DIGITS = 9


def outdoor_households(
    households: Mapping[str, Sequence[int]], indoor_by_town: Mapping[str, int]
) -> dict[str, list[int]]:
    """Seat households in the indoor places of their town, kept together; the rest sleeps outdoors.

    Larger households are seated first (ties: village code, then order in the list), so that few tents are needed for
    many people; a household that does not fit whole stays outdoors and the next one is tried.

    Parameters
    ----------
    households
        Sizes of the households in collective sites by village code [persons].
    indoor_by_town
        Indoor places by 9-digit town code [persons].

    Returns
    -------
    Sizes of the households left outdoors, by village code, in the order given.
    """
    room = dict(indoor_by_town)
    listed = [(size, code, k) for code, sizes in sorted(households.items()) for k, size in enumerate(sizes)]
    outdoors: dict[str, list[tuple[int, int]]] = {}
    for size, code, k in sorted(listed, key=lambda h: (-h[0], h[1], h[2])):
        town = code[:TOWN_DIGITS]
        if room.get(town, 0) >= size:
            room[town] -= size
        else:
            outdoors.setdefault(code, []).append((k, size))
    return {code: [size for _, size in sorted(rows)] for code, rows in sorted(outdoors.items())}
