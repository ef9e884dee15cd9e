"""Budgets and their windows: when one starts, when it ends, what may be spent in it.

Windows are read off the calendar, so nothing has to be reset by a job: a day, a week, a month
starts at local midnight; `Nh`, `Nm` and `Ns` are multiples counted from local midnight of
1 January 1970; other `Nd` are multiples of days counted from that day. `30d` means a month, as it
does in LiteLLM.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

LIFETIME_START = datetime(1970, 1, 1, tzinfo=UTC)
"""Start of the window that never ends."""

EPOCH_MONDAY = date(1970, 1, 5)

_WORDS = {"hourly": "1h", "daily": "1d", "weekly": "1w", "monthly": "1mo"}
_DURATION = re.compile(r"([1-9][0-9]{0,5})(mo|[smhdw])")


@dataclass(frozen=True, slots=True)
class Budget:
    """A cap in USD and how often it starts anew; no cap means no limit."""

    max: Decimal | None = None
    duration: str | None = None


UNLIMITED = Budget()


@dataclass(frozen=True, slots=True)
class Window:
    """From `start` up to, not including, `end`; both in UTC; no end means for ever."""

    start: datetime
    end: datetime | None


LIFETIME = Window(LIFETIME_START, None)


def parse_duration(text: str) -> tuple[int, str]:
    """Count and unit (`s m h d w mo`) of a budget duration such as `30d`, `1mo` or `weekly`.

    Raises ValueError with the forms that are known.
    """
    match = _DURATION.fullmatch(_WORDS.get(text, text))
    if match is None:
        raise ValueError(
            f"{text!r} is no duration: use <n>s, <n>m, <n>h, <n>d, <n>w, <n>mo, "
            "or hourly, daily, weekly, monthly"
        )
    count, unit = int(match[1]), match[2]
    return (1, "mo") if (count, unit) == (30, "d") else (count, unit)


def window_at(duration: str | None, now: datetime, zone: ZoneInfo) -> Window:
    """The window of `duration` that holds `now`, in the calendar of `zone`."""
    if duration is None:
        return LIFETIME
    count, unit = parse_duration(duration)
    local = now.astimezone(zone)
    match unit:
        case "mo":
            month = local.year * 12 + local.month - 1
            first = month - month % count
            return Window(_month_start(first, zone), _month_start(first + count, zone))
        case "d" | "w":
            days = count * (7 if unit == "w" else 1)
            origin = EPOCH_MONDAY if days % 7 == 0 else LIFETIME_START.date()
            start = local.date() - timedelta(days=(local.date() - origin).days % days)
            return Window(_midnight(start, zone), _midnight(start + timedelta(days=days), zone))
        case _:
            return _clock_window(count * {"s": 1, "m": 60, "h": 3600}[unit], local)


def _clock_window(seconds: int, local: datetime) -> Window:
    """Clock windows count wall time, so that `24h` starts at midnight in any zone."""
    offset = local.utcoffset() or timedelta()
    wall = int((local.astimezone(UTC) + offset - LIFETIME_START).total_seconds())
    start = LIFETIME_START + timedelta(seconds=wall - wall % seconds) - offset
    return Window(start, start + timedelta(seconds=seconds))


def _month_start(months: int, zone: ZoneInfo) -> datetime:
    return _midnight(date(months // 12, months % 12 + 1, 1), zone)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
