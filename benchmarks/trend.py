"""A straight line through points, and how sure its slope is."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, sqrt
from statistics import fmean
from typing import Final

SHARE_95: Final = 1.96
"""Of a normal distribution; with few points the interval is a little too narrow."""


@dataclass(frozen=True, slots=True)
class Trend:
    """The slope, and the interval that it lies in at 95 %, if the points scatter by chance."""

    slope: float
    low: float
    high: float


def trend(points: Sequence[tuple[float, float]]) -> Trend:
    """By least squares. With less than three points the slope could be anything."""
    mean_x, mean_y = fmean(x for x, _ in points), fmean(y for _, y in points)
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    if len(points) < 3 or not spread:
        return Trend(0, -inf, inf)
    slope = sum((x - mean_x) * (y - mean_y) for x, y in points) / spread
    rest = sum((y - mean_y - slope * (x - mean_x)) ** 2 for x, y in points)
    error = SHARE_95 * sqrt(rest / (len(points) - 2) / spread)
    return Trend(slope, slope - error, slope + error)
