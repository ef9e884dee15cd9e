"""Windows of budgets, read off the calendar."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.core.budgets import LIFETIME, Window, parse_duration, window_at

ZONES = ("UTC", "Europe/Oslo", "America/New_York", "Asia/Kolkata", "Pacific/Apia", "Africa/Cairo")
OSLO = ZoneInfo("Europe/Oslo")
NEW_YORK = ZoneInfo("America/New_York")
IN_UTC = ZoneInfo("UTC")


def at(text: str, zone: ZoneInfo = IN_UTC) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


def window(duration: str | None, now: str, zone: ZoneInfo = IN_UTC) -> Window:
    return window_at(duration, at(now, zone), zone)


MONDAY = "2026-11-23T12:34:56"
FORMS: list[tuple[str, str, str]] = [
    ("1s", "2026-11-23T12:34:56", "2026-11-23T12:34:57"),
    ("30s", "2026-11-23T12:34:30", "2026-11-23T12:35:00"),
    ("1m", "2026-11-23T12:34:00", "2026-11-23T12:35:00"),
    ("90m", "2026-11-23T12:00:00", "2026-11-23T13:30:00"),
    ("1h", "2026-11-23T12:00:00", "2026-11-23T13:00:00"),
    ("hourly", "2026-11-23T12:00:00", "2026-11-23T13:00:00"),
    ("6h", "2026-11-23T12:00:00", "2026-11-23T18:00:00"),
    ("24h", "2026-11-23T00:00:00", "2026-11-24T00:00:00"),
    ("1d", "2026-11-23T00:00:00", "2026-11-24T00:00:00"),
    ("daily", "2026-11-23T00:00:00", "2026-11-24T00:00:00"),
    ("2d", "2026-11-23T00:00:00", "2026-11-25T00:00:00"),
    ("7d", "2026-11-23T00:00:00", "2026-11-30T00:00:00"),
    ("1w", "2026-11-23T00:00:00", "2026-11-30T00:00:00"),
    ("weekly", "2026-11-23T00:00:00", "2026-11-30T00:00:00"),
    ("2w", "2026-11-23T00:00:00", "2026-12-07T00:00:00"),
    ("30d", "2026-11-01T00:00:00", "2026-12-01T00:00:00"),
    ("1mo", "2026-11-01T00:00:00", "2026-12-01T00:00:00"),
    ("monthly", "2026-11-01T00:00:00", "2026-12-01T00:00:00"),
    ("3mo", "2026-10-01T00:00:00", "2027-01-01T00:00:00"),
    ("12mo", "2026-01-01T00:00:00", "2027-01-01T00:00:00"),
]


@pytest.mark.parametrize(("duration", "start", "end"), FORMS)
def test_each_form_has_its_window(duration: str, start: str, end: str) -> None:
    assert window(duration, MONDAY) == Window(at(start), at(end))


def test_no_duration_is_a_window_for_ever() -> None:
    assert window(None, MONDAY) == LIFETIME


@pytest.mark.parametrize(
    ("duration", "now", "zone", "start", "end"),
    [
        # Clocks go forward at 01:00 UTC, and back at 01:00 UTC.
        ("1d", "2026-03-29T00:30", OSLO, "2026-03-28T23:00", "2026-03-29T22:00"),
        ("1d", "2026-03-29T12:00", OSLO, "2026-03-28T23:00", "2026-03-29T22:00"),
        ("24h", "2026-03-29T12:00", OSLO, "2026-03-28T23:00", "2026-03-29T22:00"),
        ("1d", "2026-10-25T12:00", OSLO, "2026-10-24T22:00", "2026-10-25T23:00"),
        ("24h", "2026-10-25T12:00", OSLO, "2026-10-24T22:00", "2026-10-25T23:00"),
        ("1w", "2026-10-25T12:00", OSLO, "2026-10-18T22:00", "2026-10-25T23:00"),
        ("1mo", "2026-10-25T12:00", OSLO, "2026-09-30T22:00", "2026-10-31T23:00"),
        # The hour that is skipped, and the one that comes twice.
        ("1h", "2026-03-29T03:15", OSLO, "2026-03-29T01:00", "2026-03-29T02:00"),
        ("1h", "2026-10-25T02:15", OSLO, "2026-10-25T00:00", "2026-10-25T01:00"),
        ("1d", "2026-03-08T12:00", NEW_YORK, "2026-03-08T05:00", "2026-03-09T04:00"),
        ("1d", "2026-11-01T12:00", NEW_YORK, "2026-11-01T04:00", "2026-11-02T05:00"),
        ("1mo", "2026-11-30T23:59", NEW_YORK, "2026-11-01T04:00", "2026-12-01T05:00"),
        ("1mo", "2024-02-29T12:00", IN_UTC, "2024-02-01T00:00", "2024-03-01T00:00"),
    ],
)
def test_windows_follow_the_clock_on_the_wall_of_the_zone(
    duration: str, now: str, zone: ZoneInfo, start: str, end: str
) -> None:
    assert window(duration, now, zone) == Window(at(start), at(end))


DURATIONS = st.one_of(
    st.sampled_from([form for form, _, _ in FORMS]),
    st.builds("{}{}".format, st.integers(1, 400), st.sampled_from(["s", "m", "h", "d", "w", "mo"])),
)
TIMES = st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
ZONE = st.sampled_from(ZONES).map(ZoneInfo)
SPRING, AUTUMN = at("2026-03-29T00:00"), at("2026-10-25T00:00")


def bounds(window: Window) -> tuple[datetime, datetime]:
    assert window.end is not None
    return window.start, window.end


@given(duration=DURATIONS, now=TIMES, zone=ZONE)
@example(duration="24h", now=SPRING + timedelta(hours=12), zone=OSLO)
def test_now_always_lies_in_its_window(duration: str, now: datetime, zone: ZoneInfo) -> None:
    start, end = bounds(window_at(duration, now, zone))

    assert start <= now < end
    assert start.utcoffset() == end.utcoffset() == timedelta()


@given(duration=DURATIONS, now=TIMES, zone=ZONE)
@example(duration="5h", now=SPRING, zone=OSLO)
@example(duration="12h", now=AUTUMN, zone=OSLO)
def test_windows_touch(duration: str, now: datetime, zone: ZoneInfo) -> None:
    start, end = bounds(window_at(duration, now, zone))

    assert window_at(duration, end, zone).start == end
    assert window_at(duration, start - timedelta(microseconds=1), zone).end == start


@given(duration=DURATIONS, now=TIMES, zone=ZONE, later=st.floats(0, 1, exclude_max=True))
@example(duration="24h", now=SPRING, zone=OSLO, later=0.9)
@example(duration="7h", now=AUTUMN, zone=OSLO, later=0.9)
def test_all_of_a_window_is_in_that_window(
    duration: str, now: datetime, zone: ZoneInfo, later: float
) -> None:
    whole = window_at(duration, now, zone)
    start, end = bounds(whole)

    moment = min(start + (end - start) * later, end - timedelta(microseconds=1))
    assert window_at(duration, moment, zone) == whole


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("1s", (1, "s")),
        ("15m", (15, "m")),
        ("100h", (100, "h")),
        ("7d", (7, "d")),
        ("30d", (1, "mo")),
        ("31d", (31, "d")),
        ("2w", (2, "w")),
        ("6mo", (6, "mo")),
        ("hourly", (1, "h")),
        ("daily", (1, "d")),
        ("weekly", (1, "w")),
        ("monthly", (1, "mo")),
        ("1200mo", (1200, "mo")),
    ],
)
def test_durations_are_read(text: str, parsed: tuple[int, str]) -> None:
    assert parse_duration(text) == parsed


@pytest.mark.parametrize(
    "text",
    ["", "d", "1", "0d", "-1d", "1.5h", "1 d", "1D", "1y", "yearly", "1d ", "01d", "1d\n", "٣d"],
)
def test_what_is_no_duration_is_refused_with_the_forms_that_are(text: str) -> None:
    with pytest.raises(ValueError, match=r"use <n>s, <n>m, .*<n>mo, or hourly, daily") as refused:
        parse_duration(text)

    assert repr(text) in str(refused.value)


@pytest.mark.parametrize("text", ["999999mo", "1201mo", "999999w", "5300w", "36600d", "999999h"])
def test_a_duration_of_more_than_a_century_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="100 years"):
        parse_duration(text)
