"""No request becomes dearer unnoticed."""

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.gate import (
    SCENARIOS,
    Limits,
    Ratios,
    confirmed,
    measured,
    ratio,
    read_limits,
    worse,
    write_limits,
)

LIMITS = Limits("2026-11-23", "a machine", 1.25, {"messages": 2.0, "code-stream": 1.2})


@pytest.mark.timeout(600)
def test_a_request_takes_no_more_cpu_than_was_agreed() -> None:
    limits = read_limits()
    found: Ratios = measured()
    if worse(found, limits):
        found = confirmed(found, measured())

    assert worse(found, limits) == []


def test_what_is_dearer_than_the_margin_is_named() -> None:
    assert worse({"messages": 2.49, "code-stream": 1.5}, LIMITS) == []
    (complaint,) = worse({"messages": 2.51, "code-stream": 1.0}, LIMITS)
    assert complaint == (
        "messages: a request takes 2.51 times the relay's CPU; "
        "2.00 was agreed on 2026-11-23, and 1.25 times that is the limit"
    )


def test_one_slow_measurement_is_not_enough() -> None:
    slow, quick = {"messages": 9.0, "code-stream": 1.0}, {"messages": 2.0, "code-stream": 9.0}

    assert worse(confirmed(slow, quick), LIMITS) == []
    assert worse(confirmed(slow, slow), LIMITS)


def test_pairs_that_were_disturbed_do_not_count() -> None:
    assert ratio({"gateway": [2, 4, 9, 6, 2], "relay": [1, 2, 1, 3, 4]}) == pytest.approx(2)


def test_a_new_limit_is_written_with_its_day(tmp_path: Path) -> None:
    path = tmp_path / "limits.json"
    write_limits({"messages": 1.23456}, 1.3, path)
    written = read_limits(path)

    assert written.ratios == {"messages": 1.23}
    assert replace(written, date="", machine="") == Limits("", "", 1.3, {"messages": 1.23})
    assert written.date > "2026"


def test_every_scenario_of_the_gate_has_a_limit() -> None:
    assert read_limits().ratios.keys() == set(SCENARIOS)
