"""What a run says follows from its slices, and from the good ones alone."""

import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import plots, report, runs
from benchmarks.goals import GOALS
from benchmarks.growth import growth
from benchmarks.scenarios import SCENARIOS, chosen
from tests.benchmarks.made_up import SLICE, of, run


def test_added_latency_is_counted_from_the_stub_of_the_same_round() -> None:
    found = run(
        of("messages", "direct", 0, slower=0.1),
        of("messages", "gateway", 0),
        of("messages", "direct", 1, slower=0.5),
        of("messages", "gateway", 1, slower=2),
    ).figures("messages", "gateway")

    assert found["added_p50"] == pytest.approx(((10 - 1) + (20 - 5)) / 2)
    assert found["rate"] == pytest.approx((500 + 250) / 2)
    assert found["cpu_ms"] == pytest.approx((1 + 2) / 2)
    assert found["database_cpu_ms"] == pytest.approx((0.5 + 1) / 2)


def test_one_wrong_answer_takes_a_scenario_out() -> None:
    wrong = replace(SLICE, errors={"status 500": 1})
    found = run(wrong, of("messages", "gateway", 1))

    assert found.figures("messages", "gateway") == {}
    assert found.invalid() == [wrong]
    assert "INVALID: messages against gateway, round 0" in report.summary(found)


def test_no_answer_at_all_is_wrong_too() -> None:
    assert run(replace(SLICE, requests=0)).invalid()


def test_a_stub_that_was_the_limit_is_named() -> None:
    busy = replace(SLICE, cpu_seconds={**SLICE.cpu_seconds, "stub": 1.9})

    assert "may have been the limit in: messages against gateway" in report.summary(run(busy))
    assert "the limit" not in report.summary(run(SLICE))


def test_ratios_are_of_pairs_of_a_round() -> None:
    found = run(
        of("messages", "gateway", 0, slower=2),
        of("messages", "relay", 0),
        of("messages", "gateway", 1, slower=20),
        of("messages", "relay", 1, slower=10),
    )

    assert found.ratio("messages", "cpu_ms", "gateway", "relay") == pytest.approx(2)


def test_what_a_stream_holds_is_the_difference_of_many_and_few() -> None:
    many = replace(of("open-200", "gateway"), rss_bytes={"target": 109_500_000})
    text = report.summary(run(of("open-10", "gateway"), many))

    assert "| memory of an open stream, kB | gateway |     50.0 | 60 at most |" in text


def test_ten_thousand_keys_are_compared_with_ten() -> None:
    found = run(of("keys-10", "gateway"), of("keys-10000", "gateway", slower=1.25))

    assert ("10,000 keys / 10 keys: CPU", "gateway", 1.25, "1, within noise") in growth(found)


def test_a_target_that_is_left_out_is_named_with_its_last_words() -> None:
    found = run(SLICE)
    found.missing["litellm"] = "It ended with 3: no module"

    assert "Left out: litellm. It ended with 3: no module" in report.summary(found)


def test_what_is_written_can_be_read_again(tmp_path: Path) -> None:
    found = run(SLICE, of("messages", "direct"))
    runs.write(found, tmp_path / "results.json")

    assert runs.read(tmp_path / "results.json") == found


def test_goals_are_of_scenarios_and_figures_that_there_are() -> None:
    figures = run(of("x", "direct"), of("x", "gateway")).figures("x", "gateway")
    for goal in GOALS:
        assert [one.name for one in chosen([goal.scenario])] == [goal.scenario]
        assert goal.what in figures
        better = goal.moonshot > goal.must
        assert better == goal.more_is_better


def test_the_gateway_stands_beside_what_is_asked_of_it() -> None:
    text = report.against_goals(run(SLICE, of("messages", "relay", slower=0.5)))
    row = next(line for line in text.splitlines() if "requests/s" in line)

    assert [cell.strip() for cell in row.split("|")[1:-1]] == [
        "messages, whole, 0 ms upstream",
        *("requests/s", "500", "1,250", "1,800", "0.50", "0.46"),
    ]


def test_a_table_has_as_many_cells_in_every_row() -> None:
    lines = report.table(["a", "long"], [["wide cell", "1"], ["b", "2,000"]]).splitlines()

    assert {line.count("|") for line in lines} == {3}
    assert {len(line) for line in lines} == {len(lines[0])}


def test_a_plot_has_a_line_for_each_target(tmp_path: Path) -> None:
    names = ("connections-1", "connections-10", "connections-50")
    targets = ("direct", "relay", "gateway")
    found = run(*(of(name, target) for name in names for target in targets))

    written = plots.write_plots(found, tmp_path)
    picture = ET.fromstring(written[0].read_text())
    lines = picture.findall(".//{http://www.w3.org/2000/svg}polyline")

    assert [path.name for path in written] == ["latency.svg"]
    assert [len(line.get("points", "").split()) for line in lines] == [3, 3]


def test_names_in_a_plot_cannot_break_it() -> None:
    ET.fromstring(plots.plot("<&>", "a", "b", {'"<x>': [(1, 0), (2, 0)]}))


def test_a_scenario_is_chosen_by_its_name_or_its_family() -> None:
    assert [one.name for one in chosen(["open"])] == ["open-10", "open-50", "open-200"]
    assert [one.name for one in chosen(["messages"])] == ["messages"]
    with pytest.raises(ValueError, match="no scenario is called nope; there are messages, "):
        chosen(["messages", "nope"])


def test_no_two_scenarios_have_the_same_name() -> None:
    assert len({one.name for one in SCENARIOS}) == len(SCENARIOS)


@pytest.mark.parametrize(
    ("most", "marks"),
    [
        (250, [0, 50, 100, 150, 200, 250]),
        (149.6, [0, 50, 100, 150]),
        (12.3, [0, 2.5, 5, 7.5, 10, 12.5]),
        (9.9, [0, 2, 4, 6, 8, 10]),
        (0.81, [0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (0, [0, 1]),
    ],
)
def test_a_plot_is_divided_by_round_numbers(most: float, marks: list[float]) -> None:
    assert plots.round_marks(most) == pytest.approx(marks)
