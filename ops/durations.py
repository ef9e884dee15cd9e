"""Spans of time as people write them: 90s, 15m, 2h, 7d."""

import argparse
import re
from datetime import timedelta
from typing import Final

UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
LONGEST: Final = timedelta(days=365)


def duration(text: str) -> timedelta:
    """For argparse: a number alone is seconds."""
    match = re.fullmatch(r"(\d{1,9})([smhdw]?)", text)
    if not match:
        raise argparse.ArgumentTypeError(f"{text!r} is no duration, such as 90s, 15m, 2h or 7d")
    span = timedelta(**{UNITS[match[2] or "s"]: int(match[1])})
    if not timedelta(0) < span <= LONGEST:
        raise argparse.ArgumentTypeError(f"{text!r} is not between 1s and 365d")
    return span


def words(span: timedelta) -> str:
    """`3m 20s`: the two largest parts."""
    seconds = int(span.total_seconds())
    parts = [
        (seconds // 86_400, "d"),
        (seconds // 3600 % 24, "h"),
        (seconds // 60 % 60, "m"),
        (seconds % 60, "s"),
    ]
    shown = [f"{count}{unit}" for count, unit in parts if count]
    return " ".join(shown[:2]) or "0s"
