"""Percentiles of what was measured."""

from __future__ import annotations

from collections.abc import Sequence


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest measured value that at least `percent` of all values do not exceed (the nearest rank). ValueError without values."""
    if not values:
        raise ValueError("there is nothing to take a percentile of: no value was measured")
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100).__int__() - 1)]
