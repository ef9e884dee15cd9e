"""Growth is told from noise, and there is none."""

import random
from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pytest

from app.ledger.ledger import PARTITION_DAYS_AHEAD
from app.local.postgres import Postgres
from benchmarks.soak import soak
from benchmarks.soak_days import Days, pass_days
from benchmarks.soak_verdict import Note, Verdict, told
from benchmarks.soak_verdict import judge as judged
from benchmarks.trend import trend
from tests.support.length import length

ON_TIME = Days(passed=9, most_partitions=16, late=())


def judge(notes: list[Note]) -> Verdict:
    return judged(notes, ON_TIME)


def made_up(growth_mb: float, *, files: int = 0, **last: int) -> list[Note]:
    """A hundred batches of 2,000 requests, with noise; growth is for each 100,000."""
    chance = random.Random(1)
    notes = [
        Note(
            requests=number * 2_000,
            rss_mb=100 + growth_mb * number * 2_000 / 100_000 + chance.gauss(0, 1),
            open_files=30 + files * number,
            tasks=10 + number % 5,
            database_connections=12,
            series=800,
            holds=0,
            counters=400,
            unbooked=0,
        )
        for number in range(1, 101)
    ]
    return [*notes[:-1], replace(notes[-1], **last)]


@pytest.fixture
def empty_url(postgres: Postgres) -> Iterator[str]:
    """A server on which days may pass."""
    yield postgres.dsn
    with psycopg.connect(postgres.dsn, autocommit=True) as connection:
        connection.execute("DROP DATABASE days WITH (FORCE)")


def test_a_line_is_found_again() -> None:
    found = trend([(x, 3 + 2 * x) for x in range(10)])

    assert (found.slope, found.low, found.high) == pytest.approx((2, 2, 2))


def test_noise_alone_is_steady() -> None:
    verdict = judge(made_up(0))

    assert verdict.steady
    assert abs(verdict.memory.slope) < 1


def test_memory_that_grows_is_told_from_noise() -> None:
    assert not judge(made_up(6)).steady


def test_files_that_stay_open_are_named() -> None:
    verdict = judge(made_up(0, files=1))

    assert verdict.grown == ["open_files"]
    assert not verdict.steady


@pytest.mark.parametrize(
    ("last", "said"),
    [
        ({"holds": 2}, "2 holds are left"),
        ({"unbooked": 3}, "3 requests are not in the spend log"),
    ],
)
def test_what_is_left_or_not_booked_is_wrong(last: dict[str, int], said: str) -> None:
    verdict = judge(made_up(0, **last))

    assert verdict.wrong == [said]
    assert not verdict.steady
    assert said in told(made_up(0, **last), ON_TIME)


def test_a_day_that_was_late_is_wrong() -> None:
    assert not judged(made_up(0), Days(9, 16, ("on Monday",))).steady


async def test_partitions_come_and_go_on_time_while_days_pass(empty_url: str) -> None:
    found = await pass_days(empty_url, 12, retention=4)

    assert found.late == ()
    assert found.most_partitions <= 4 + 1 + PARTITION_DAYS_AHEAD


def test_two_notes_say_nothing_of_a_trend() -> None:
    assert trend([(0, 1), (1, 2)]).low < -1e9


@pytest.mark.timeout(600)
def test_nothing_but_memory_changes_over_some_thousand_requests() -> None:
    lines: list[str] = []
    requests = length(2_000, 4_000)
    whole = soak(requests=requests, batch=requests // 20, days=3, say=lines.append)
    found = whole.notes
    settled = found[len(found) // 4 :]

    assert len(lines) == len(found)
    assert judged(found, whole.days).wrong == []
    assert len({one.counters for one in settled}) == 1
    assert found[-1].requests >= requests
    assert max(one.open_files for one in settled) <= settled[0].open_files + 5
    assert len({one.series for one in settled}) == 1
    assert max(one.rss_mb for one in settled) - settled[0].rss_mb < 30
