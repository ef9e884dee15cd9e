"""`ecs logs`."""

import stat
from datetime import timedelta
from pathlib import Path

import pytest

from ops.errors import Misuse, NotFound, Refused
from tests.ops.support.clock import BEGIN
from tests.ops.support.fake_logs import FakeLogs
from tests.ops.support.world import World, facts, output

GROUP = "/stargate-poc/gateway"
NOW = int(BEGIN.timestamp() * 1000)


@pytest.fixture
def logs(world: World) -> FakeLogs:
    made = FakeLogs()
    made.groups[GROUP] = []
    world.fakes["logs"] = made
    return made


def stream(task: str) -> str:
    return f"gateway/gateway/{task}"


def messages(lines: list[str]) -> list[str]:
    return [line.split(" ", 2)[2] for line in lines]


def test_lines_are_complete_and_in_order_across_pages_and_streams(
    world: World, logs: FakeLogs
) -> None:
    for number in range(40):
        logs.wrote(
            GROUP, stream(f"task{number % 3}"), NOW - 7_000_000 + number * 150_000, f"{number}"
        )

    result = world.run("ecs", "logs", "gateway", "--since", "3h")

    assert messages(world.emitted) == [str(number) for number in range(40)]
    assert output(result) == world.emitted


def test_a_download_is_complete_and_for_its_owner_alone(
    world: World, logs: FakeLogs, tmp_path: Path
) -> None:
    for number in range(25):
        logs.wrote(GROUP, stream("task"), NOW - 60_000 + number, f"line {number}")
    file = tmp_path / "gateway.log"

    result = world.run("ecs", "logs", "gateway", "--file", str(file))

    assert messages(file.read_text().splitlines()) == [f"line {number}" for number in range(25)]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert facts(result, "Download")["entries"] == 25
    assert list(tmp_path.iterdir()) == [file]


def test_a_file_that_is_there_stays(world: World, logs: FakeLogs, tmp_path: Path) -> None:
    file = tmp_path / "gateway.log"
    file.write_text("mine")

    with pytest.raises(Refused):
        world.run("ecs", "logs", "gateway", "--file", str(file))

    assert file.read_text() == "mine"


def test_a_download_that_breaks_off_leaves_no_file(world: World, tmp_path: Path) -> None:
    world.fakes["logs"] = FakeLogs()

    with pytest.raises(NotFound):
        world.run("ecs", "logs", "gateway", "--file", str(tmp_path / "log"))

    assert list(tmp_path.iterdir()) == []


def test_following_shows_each_line_once_even_if_it_comes_late(world: World, logs: FakeLogs) -> None:
    logs.wrote(GROUP, stream("task"), NOW - 1000, "first")

    def write_on() -> None:
        if world.clock.slept == 1:
            logs.wrote(GROUP, stream("task"), NOW - 2000, "late")
        if world.clock.slept == 2:
            logs.wrote(GROUP, stream("other"), NOW + 5000, "last")

    world.clock.on_tick(write_on)

    world.run("ecs", "logs", "gateway", "--follow", "--timeout", "30s")

    assert messages(world.emitted) == ["first", "late", "last"]


def test_the_filter_and_the_task_are_passed_on_as_they_are(world: World, logs: FakeLogs) -> None:
    pattern = '{ $.message = "a\'b; $(id)" }'

    world.run("ecs", "logs", "gateway", "--filter", pattern, "--task", "abc")

    (asked,) = logs.asked("filter_log_events")
    assert asked["filterPattern"] == pattern
    assert asked["logStreamNames"] == ["gateway/gateway/abc"]
    assert asked["endTime"] - asked["startTime"] == timedelta(hours=1).total_seconds() * 1000 - 1


@pytest.mark.parametrize(
    ("service", "group"),
    [
        ("gateway-migrate", "/stargate-poc/gateway-migrate"),
        ("exec", "/stargate-poc/exec"),
        ("database", "/aws/rds/instance/stargate-poc/postgresql"),
    ],
)
def test_other_logs_have_names_too(world: World, logs: FakeLogs, service: str, group: str) -> None:
    logs.wrote(group, "any", NOW - 1000, "hello")

    world.run("ecs", "logs", service)

    assert messages(world.emitted) == ["hello"]


def test_a_workflow_does_not_show_what_people_saw_in_a_container(
    world: World, logs: FakeLogs
) -> None:
    world.environ["GITHUB_ACTIONS"] = "true"

    with pytest.raises(Refused):
        world.run("ecs", "logs", "exec")


@pytest.mark.parametrize(
    "words",
    [
        ("--follow", "--file", "x"),
        ("--follow", "--until", "1h"),
        ("--since", "1h", "--until", "2h"),
        ("--since", "0s"),
        ("--since", "2 weeks"),
        ("--since", "999d"),
    ],
)
def test_what_makes_no_sense_is_said(world: World, words: tuple[str, ...]) -> None:
    with pytest.raises(Misuse):
        world.run("ecs", "logs", "gateway", *words)
