"""All operations by name."""

from fuzz import estimates, ksg, searches
from fuzz.operation import Op

OPS: dict[str, Op] = {
    "kth_distance": searches.KthDistance(),
    "kneighbors": searches.KNeighbors(),
    "count_within": searches.CountWithin(),
    "space_counts": searches.SpaceCounts(),
    "theiler_counts": searches.TheilerCounts(),
    "coincidences": searches.Coincidences(),
    "digamma": searches.Digamma(),
    "ksg": ksg.Ksg(),
    "ksg_sweep": ksg.KsgSweep(),
    "ksg_pairs": ksg.KsgPairs(),
    "ksg_surrogates": ksg.KsgSurrogates(),
    **estimates.OPS,
}
