"""Budgets and their windows: when one starts, when it ends, what may be spent in it.

Windows are read off the calendar, so nothing has to be reset by a job: a day, a week, a month
starts at local midnight; other `Nd` are multiples of days counted from 1 January 1970, and so are
`24h`, `48h`…; `Nh`, `Nm` and `Ns` are multiples counted from local midnight of that day. `30d`
means a month, as it does in LiteLLM.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from zoneinfo import ZoneInfo

LIFETIME_START = datetime(1970, 1, 1, tzinfo=UTC)
"""Start of the window that never ends."""

EPOCH_MONDAY = date(1970, 1, 5)

_WORDS = {"hourly": "1h", "daily": "1d", "weekly": "1w", "monthly": "1mo"}

A_DAY = timedelta(days=1)

A_CENTURY = 36_525 * A_DAY
"""The longest duration: windows of more would leave the calendar."""

_LENGTHS = {
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": A_DAY,
    "w": timedelta(weeks=1),
    "mo": A_CENTURY / 1_200,
}

_DURATION = re.compile(r"([1-9][0-9]{0,5})(mo|[smhdw])")


@dataclass(frozen=True, slots=True)
class Increase:
    """USD on top of a cap, until then (UTC)."""

    amount: Decimal
    until: datetime


@dataclass(frozen=True, slots=True)
class Budget:
    """A cap in USD and how often it resets; no cap means no limit. Spend above `soft` is warned
    about, not rejected."""

    max: Decimal | None = None
    duration: str | None = None
    soft: Decimal | None = None
    increase: Increase | None = None

    def cap(self, now: datetime) -> Decimal | None:
        """The cap with what is on top of it at present."""
        if self.max is None or self.increase is None or self.increase.until <= now:
            return self.max
        return self.max + self.increase.amount


UNLIMITED = Budget()


@dataclass(frozen=True, slots=True)
class Window:
    """From `start` up to, not including, `end`; both in UTC; no end means forever."""

    start: datetime
    end: datetime | None


LIFETIME = Window(LIFETIME_START, None)


def in_utc(when: datetime) -> datetime:
    """Without a zone it is so already. Raises ValueError for what the calendar does not hold."""
    try:
        return when.astimezone(UTC) if when.tzinfo else when.replace(tzinfo=UTC)
    except OverflowError as error:
        raise ValueError(f"{when} is outside of the calendar") from error


def parse_duration(text: str) -> tuple[int, str]:
    """Count and unit (`s m h d w mo`) of a budget duration such as `30d`, `1mo` or `weekly`.

    Raises ValueError with the forms that are known.
    """
    match = _DURATION.fullmatch(_WORDS.get(text, text))
    if match is None:
        raise ValueError(
            f"{text!r} is not a duration: use <n>s, <n>m, <n>h, <n>d, <n>w, <n>mo, "
            "or hourly, daily, weekly, monthly"
        )
    count, unit = int(match[1]), match[2]
    if count * _LENGTHS[unit] > A_CENTURY:
        raise ValueError(f"{text!r} is too long: a duration has at most 100 years")
    return (1, "mo") if (count, unit) == (30, "d") else (count, unit)


def window_at(duration: str | None, now: datetime, zone: ZoneInfo) -> Window:
    """The window of `duration` that holds `now`, in the calendar of `zone`."""
    if duration is None:
        return LIFETIME
    count, unit = parse_duration(duration)
    if unit == "mo":
        return _months(count, now.astimezone(zone), zone)
    length = count * _LENGTHS[unit]
    if length % A_DAY:
        return _multiple(length, now, zone)
    return _days(length // A_DAY, now.astimezone(zone).date(), zone)


def _months(count: int, local: datetime, zone: ZoneInfo) -> Window:
    month = local.year * 12 + local.month - 1
    first = month - month % count
    return Window(_month_start(first, zone), _month_start(first + count, zone))


def _days(count: int, today: date, zone: ZoneInfo) -> Window:
    origin = EPOCH_MONDAY if count % 7 == 0 else LIFETIME_START.date()
    start = today - timedelta(days=(today - origin).days % count)
    return Window(_midnight(start, zone), _midnight(start + timedelta(days=count), zone))


def _multiple(length: timedelta, now: datetime, zone: ZoneInfo) -> Window:
    """In time that passes: when clocks are changed, no window begins early or comes twice."""
    origin = _midnight(LIFETIME_START.date(), zone)
    start = origin + (now - origin) // length * length
    return Window(start, start + length)


def _month_start(months: int, zone: ZoneInfo) -> datetime:
    return _midnight(date(months // 12, months % 12 + 1, 1), zone)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Limits:
    """Requests per minute, tokens per minute, requests in flight; None means no limit."""

    rpm: int | None = None
    tpm: int | None = None
    parallel: int | None = None


NO_LIMITS = Limits()


class LimitScope(StrEnum):
    """Whose limit it is. The order is the one that rows are locked in."""

    KEY_MODEL = "key_model"
    KEY = "key"
    USER_MODEL = "user_model"
    USER = "user"
    MODEL = "model"


class LimitKind(StrEnum):
    """What there is too much of."""

    REQUESTS = "requests"
    TOKENS = "tokens"
    PARALLEL = "parallel"


@dataclass(frozen=True, slots=True)
class LimitedBy:
    """Limits that a request counts against; `id` names the key, the user or the model."""

    scope: LimitScope
    id: str
    limits: Limits
