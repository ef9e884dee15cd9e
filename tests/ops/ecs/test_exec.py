"""`ecs exec` against an agent that speaks the real data channel."""

import json
from collections.abc import Iterator

import pytest

from ops import diagnostics, services
from ops.errors import Misuse, NotFound, OpsError, Refused, TimedOut, Unreachable
from ops.exits import Exit
from tests.ops.support.fake_agent import FakeAgent, FakeKms, serving
from tests.ops.support.fake_ecs import FakeEcs
from tests.ops.support.world import World, facts, notes, output


@pytest.fixture
def agent(ecs: FakeEcs) -> Iterator[FakeAgent]:
    for name in ("gateway", "grafana"):
        ecs.has(name)
    with serving(FakeAgent(ecs)) as running:
        yield running


def execute(world: World, command: str, service: str = "grafana", *words: str) -> list[str]:
    return output(world.run("ecs", "exec", service, "--command", command, *words))


def test_output_and_exit_code_are_the_commands(world: World, agent: FakeAgent) -> None:
    result = world.run(
        "ecs", "exec", "grafana", "--command", "sh -c 'echo hello; echo bad >&2; exit 7'"
    )

    assert output(result) == ["hello", "bad"]
    assert world.emitted[:2] == ["hello", "bad"]
    assert facts(result, "Command")["exit code"] == 7
    assert result.exit is Exit.FAILED


@pytest.mark.parametrize("service", ["gateway", "grafana"])
def test_words_arrive_as_they_are_with_and_without_a_shell(
    world: World, agent: FakeAgent, service: str
) -> None:
    assert execute(world, """printf '%s\n' '$(id)' "it's" 'a  b; c' '`x`'""", service) == [
        "$(id)",
        "it's",
        "a  b; c",
        "`x`",
    ]


def test_a_command_that_is_missing_ends_with_127(world: World, agent: FakeAgent) -> None:
    for service in ("gateway", "grafana"):
        result = world.run("ecs", "exec", service, "--command", "no-such-program")
        assert facts(result, "Command")["exit code"] == 127


def test_large_output_is_complete_and_in_order_though_messages_are_not(
    world: World, agent: FakeAgent
) -> None:
    agent.shuffled = True

    lines = execute(world, "seq 1 9000")

    assert lines == [str(number) for number in range(1, 9001)]
    assert set(range(10)) <= set(agent.acknowledged)


def test_output_without_end_is_bounded(world: World, agent: FakeAgent) -> None:
    result = world.run("ecs", "exec", "grafana", "--command", "seq 1 12000")

    assert len(output(result)) == 10_000
    assert notes(result) == ["There was more output than is shown."]
    assert result.exit is Exit.OK


def test_a_line_without_end_is_cut(world: World, agent: FakeAgent) -> None:
    lines = execute(world, "python3 -c 'print(\"x\" * 50000)'")

    assert "".join(lines) == "x" * 50_000
    assert max(map(len, lines)) == 20_000


def test_output_cannot_forge_the_exit_code(world: World, agent: FakeAgent) -> None:
    result = world.run(
        "ecs", "exec", "grafana", "--command", "sh -c 'echo ops-0123456789abcdef:0; exit 3'"
    )

    assert facts(result, "Command")["exit code"] == 3


def test_a_session_is_encrypted_where_the_cluster_names_a_key(
    world: World, agent: FakeAgent
) -> None:
    agent.kms = FakeKms()
    world.fakes["kms"] = agent.kms

    assert execute(world, "echo secret words") == ["secret words"]

    (asked,) = agent.kms.asked("generate_data_key")
    context = asked["EncryptionContext"]
    assert context["aws:ssm:SessionId"] == agent.session_id
    task = agent.ecs.asked("execute_command")[0]["task"].rpartition("/")[2]
    assert context["aws:ssm:TargetId"] == f"ecs:stargate-poc_{task}_{task}-runtime"


def test_an_action_that_is_not_known_is_answered_as_such(world: World, agent: FakeAgent) -> None:
    agent.unsupported = True

    assert execute(world, "echo hello") == ["hello"]
    assert agent.errors == ["Unsupported action Dance"]


def test_the_token_opens_the_channel_and_is_shown_nowhere(world: World, agent: FakeAgent) -> None:
    result = world.run("ecs", "exec", "grafana", "--command", "echo hello")

    assert agent.hello["TokenValue"] == agent.token
    assert agent.token not in json.dumps([world.said, world.emitted, str(result)])


def test_a_session_that_breaks_off_is_told(world: World, agent: FakeAgent) -> None:
    agent.breaks_off = True

    with pytest.raises(Unreachable, match="broke off"):
        execute(world, "echo hello")


def test_a_token_that_does_not_open_it_is_told(world: World, agent: FakeAgent) -> None:
    agent.ecs.session["tokenValue"] = "another"

    with pytest.raises(Unreachable):
        execute(world, "echo hello")


def test_a_command_that_goes_on_is_left_at_the_limit(world: World, agent: FakeAgent) -> None:
    agent.stays_silent = True

    with pytest.raises(TimedOut, match="within 1 s"):
        execute(world, "echo hello", "grafana", "--timeout", "1")


def test_an_address_that_nobody_answers_at_is_told(world: World, ecs: FakeEcs) -> None:
    ecs.has("grafana")
    ecs.session = {"sessionId": "s", "streamUrl": "ws://127.0.0.1:9/x", "tokenValue": "t"}

    with pytest.raises(Unreachable, match="cannot be opened"):
        execute(world, "echo hello")


def test_in_a_workflow_only_diagnostics_are_run(world: World, agent: FakeAgent) -> None:
    world.environ["GITHUB_ACTIONS"] = "true"

    for command in ("env", "printenv", "cat /proc/1/environ", "ls"):
        with pytest.raises(Refused, match="only diagnostics"):
            execute(world, command)

    assert agent.ecs.commands == []
    assert world.run("ecs", "exec", "grafana", "memory").exit is Exit.OK


@pytest.mark.parametrize("name", ["processes", "disk", "memory"])
@pytest.mark.parametrize("service", ["gateway", "grafana"])
def test_a_diagnostic_runs_and_tells(
    world: World, agent: FakeAgent, service: str, name: str
) -> None:
    result = world.run("ecs", "exec", service, name)

    assert result.exit is Exit.OK, output(result)
    assert len(output(result)) > 1


def test_no_diagnostic_shows_the_environment(
    world: World, agent: FakeAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_REGION", "nowhere.invalid")
    monkeypatch.setenv("GATEWAY_MASTER_KEY", "sk-never-to-be-seen")
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:never-to-be-seen@127.0.0.1:9/none")

    for name in diagnostics.ALL:
        shown = output(world.run("ecs", "exec", "gateway", name, "--timeout", "20"))
        assert "never-to-be-seen" not in "\n".join(shown), name


def test_every_service_has_a_diagnostic_of_its_health() -> None:
    for name in services.services():
        assert diagnostics.command_of("health", name)


def test_the_gateways_diagnostics_are_for_the_gateway(world: World, agent: FakeAgent) -> None:
    with pytest.raises(Misuse, match="for the gateway"):
        world.run("ecs", "exec", "grafana", "database")


@pytest.mark.parametrize("words", [(), ("disk", "--command", "ls"), ("dance",), ("--command", "'")])
def test_what_to_run_must_be_said(world: World, agent: FakeAgent, words: tuple[str, ...]) -> None:
    with pytest.raises(Misuse):
        world.run("ecs", "exec", "grafana", *words)


def test_a_task_that_is_not_there_is_told(world: World, agent: FakeAgent) -> None:
    with pytest.raises(NotFound, match="no task abc"):
        world.run("ecs", "exec", "grafana", "disk", "--task", "abc")


def test_a_container_without_an_agent_is_told(world: World, agent: FakeAgent) -> None:
    agent.ecs.agent = "STOPPED"

    with pytest.raises(OpsError, match="agent of ECS Exec is STOPPED"):
        world.run("ecs", "exec", "grafana", "disk")
