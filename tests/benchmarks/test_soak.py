"""Growth is told from noise, and there is none."""

import random

import pytest

from benchmarks.soak import Note, judge, soak
from benchmarks.trend import trend


def made_up(growth_mb: float, *, files: int = 0) -> list[Note]:
    """A hundred batches of 2,000 requests, with noise; growth is for each 100,000."""
    chance = random.Random(1)
    return [
        Note(
            requests=number * 2_000,
            rss_mb=100 + growth_mb * number * 2_000 / 100_000 + chance.gauss(0, 1),
            open_files=30 + files * number,
            database_connections=12,
            series=800,
        )
        for number in range(1, 101)
    ]


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


def test_two_notes_say_nothing_of_a_trend() -> None:
    assert trend([(0, 1), (1, 2)]).low < -1e9


@pytest.mark.timeout(180)
def test_nothing_but_memory_changes_over_some_thousand_requests() -> None:
    found = soak(requests=4_000, batch=200, say=lambda line: None)
    settled = found[len(found) // 4 :]

    assert found[-1].requests >= 4_000
    assert max(one.open_files for one in settled) <= settled[0].open_files + 5
    assert len({one.series for one in settled}) == 1
    assert max(one.rss_mb for one in settled) - settled[0].rss_mb < 30
