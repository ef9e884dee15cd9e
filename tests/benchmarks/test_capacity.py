"""What a task carries follows from what requests cost, and the pages say what is computed."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import capacity, publish
from benchmarks.capacity_model import (
    carries,
    load_of,
    measured_in,
    needs,
    read_inputs,
    simulate,
)
from benchmarks.pages import renewed
from tests.benchmarks.made_up import of, run

INPUTS = read_inputs()
HABITS, TASK, MEASURED = INPUTS.habits, INPUTS.task, INPUTS.measured


@pytest.mark.parametrize(
    ("page", "sections"),
    [(capacity.PAGE, lambda: capacity.sections(INPUTS)), (publish.PAGE, publish.sections)],
    ids=["capacity", "benchmarks"],
)
def test_a_page_says_what_is_computed(page: Path, sections: Callable[[], dict[str, str]]) -> None:
    text, made = page.read_text(), sections()

    assert renewed(text, made) == text
    assert all(f"<!-- made: {name} -->" in text for name in made)


def test_a_page_of_another_day_is_made_anew() -> None:
    page = "before\n<!-- made: a -->\nold\n<!-- end -->\nbetween\n<!-- made: b -->\n<!-- end -->"
    made = "before\n<!-- made: a -->\n\nA\n\n<!-- end -->\nbetween\n<!-- made: b -->\n\nB\n\n"

    assert renewed(page, {"a": "A", "b": "B\n"}) == f"{made}<!-- end -->"
    with pytest.raises(KeyError):
        renewed(page, {"a": "A"})


def test_costs_are_taken_from_a_run() -> None:
    found = run(of("code-stream", "gateway"), replace(of("paced-50", "gateway"), events=100_000))
    taken = measured_in(found, MEASURED)

    assert (taken.request_cpu_ms, taken.event_cpu_us, taken.database_cpu_ms) == (1, 10, 0.5)
    assert (taken.idle_mb, taken.machine) == (90, "a machine")
    assert taken.stream_kb == MEASURED.stream_kb
    with pytest.raises(KeyError):
        measured_in(run(of("messages", "gateway")), MEASURED)


def test_half_the_cost_carries_twice_as_many() -> None:
    cheap = replace(
        MEASURED,
        request_cpu_ms=MEASURED.request_cpu_ms / 2,
        event_cpu_us=MEASURED.event_cpu_us / 2,
    )
    before, after = carries(INPUTS), carries(replace(INPUTS, measured=cheap))

    assert after.requests_by_cpu == pytest.approx(2 * before.requests_by_cpu)


@pytest.mark.parametrize(
    ("change", "limit"),
    [
        ({"measured": replace(MEASURED, event_cpu_us=10_000)}, "CPU"),
        ({"task": replace(TASK, memory_mb=200)}, "memory"),
        ({"task": replace(TASK, upstream_connections=3)}, "connections to Bedrock"),
    ],
)
def test_the_smallest_limit_is_named(change: dict[str, object], limit: str) -> None:
    assert carries(replace(INPUTS, **change)).limit == limit  # type: ignore[arg-type]


def test_a_second_vcpu_does_not_help_one_process() -> None:
    double = replace(INPUTS, task=replace(TASK, vcpu=2))

    assert carries(double).requests_by_cpu == carries(INPUTS).requests_by_cpu


def test_the_developers_of_a_task_fit_on_it_and_more_do_not() -> None:
    full = carries(INPUTS).developers

    assert needs(load_of(full, HABITS), INPUTS, least_tasks=1).tasks == 1
    assert needs(load_of(full * 11 // 10, HABITS), INPUTS, least_tasks=1).tasks == 2


def test_nobody_is_served_by_a_single_task() -> None:
    assert needs(load_of(1, HABITS), INPUTS).tasks == 2


def test_the_worst_moment_is_worse_than_the_average() -> None:
    streams, in_a_second = simulate(10, 15, seed=3)

    assert 150 < streams < 250
    assert 10 < in_a_second < 40
    assert (streams, in_a_second) == simulate(10, 15, seed=3)


def test_a_larger_team_needs_no_smaller_database() -> None:
    names = [one.name for one in capacity.CLASSES]
    sizes = [
        names.index(capacity.database_class(needs(load_of(size, HABITS), INPUTS)).name)
        for size in capacity.SIZES
    ]

    assert sizes == sorted(sizes)


def test_what_no_database_of_the_list_carries_is_said() -> None:
    wanted = replace(needs(load_of(10, HABITS), INPUTS), database_cores=99)

    with pytest.raises(ValueError, match="no class"):
        capacity.database_class(wanted)


def test_a_team_of_ones_own_is_computed(capsys: pytest.CaptureFixture[str]) -> None:
    assert capacity.main(["--developers", "250"]) == 0
    assert "| 250 " in capsys.readouterr().out
