"""Every command of every runbook, in its order: parsed by ops itself, and run.

A page is run in a platform of its own: the fake cluster, moto, RDS's fake, the real gateway.
Whether what a command shows is right is for the command's own tests.
"""

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ops.exits import Exit
from ops.services import everything
from tests.observability.files import RUNBOOKS
from tests.ops.playbooks.ansible import PLAYBOOKS
from tests.ops.support.fake_agent import FakeAgent, serving
from tests.ops.support.fake_definitions import definition
from tests.ops.support.fake_ecs import FakeEcs
from tests.ops.support.fake_logs import FakeLogs
from tests.ops.support.fake_rds import FakeCloudWatch, FakeRds
from tests.ops.support.nat import NatGroup
from tests.ops.support.world import World
from tests.ops.test_cost import FakeCostExplorer
from tests.support.processes import MASTER_KEY, ROOT
from tests.support.stack import Stack

BLOCK = re.compile(r"^ *```(\w+)\n(.+?)^ *```$", re.MULTILINE | re.DOTALL)
OPS, USERS, PLAY = ["./dev", "ops"], "scripts/users", ".venv/bin/ansible-playbook"
ON_CALL = ROOT / "docs" / "runbooks" / "README.md"
WORDS = set(re.findall(r"^\| `([A-Z_]+)` \|", ON_CALL.read_text(), re.MULTILINE))
UNREACHABLE_HERE = ["exec", "gateway", "bedrock"]
"""Fails where there is no way out of the machine that tests run on."""


def commands(page: Path) -> list[list[str]]:
    return [
        shlex.split(line)
        for kind, block in BLOCK.findall(page.read_text())
        if kind == "bash"
        for line in block.splitlines()
    ]


@pytest.fixture
def filled(stack: Stack, tmp_path: Path) -> dict[str, str]:
    """What stands for the words in capitals."""
    made = stack.gateway.admin("POST", "/user/new", auto_create_key=False, max_budget=10)
    alias = f"of-{made['user_id']}"
    stack.gateway.new_key(key_alias=alias, user_id=made["user_id"])
    return {
        "FILE": str(tmp_path / "gateway.log"),
        "KEY_ALIAS": alias,
        "MODEL": "claude-haiku-4-5",
        "REVISION": "1",
        "SERVICE": "gateway",
        "USER": made["user_id"],
    }


@pytest.fixture
def platform(
    world: World, ecs: FakeEcs, stack: Stack, page: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    """All services, each at its second revision, with what they need around them."""
    for name, service in everything().items():
        ecs.register_task_definition(**definition(f"stargate-poc-{name}", name))
        if not service.is_task:
            ecs.has(name)
    logs = FakeLogs()
    logs.groups = {f"/stargate-poc/{name}": [] for name in everything()}
    logs.groups["/aws/rds/instance/stargate-poc/postgresql"] = []
    world.fakes |= {
        "logs": logs,
        "rds": FakeRds(),
        "cloudwatch": FakeCloudWatch(),
        "ce": FakeCostExplorer(),
    }
    if any("nat" in words for words in commands(page)):
        world.clock.on_tick(NatGroup(world.client).attach)
    world.environ |= {
        "GATEWAY_URL": stack.gateway.public_url,
        "GATEWAY_INTERNAL_URL": stack.gateway.internal_url,
        "GATEWAY_MASTER_KEY": MASTER_KEY,
    }
    # The agent runs what it is given on this machine, as if in the gateway's container.
    monkeypatch.setenv("DATABASE_URL", stack.database_url)
    monkeypatch.setenv("GATEWAY_INTERNAL_PORT", stack.gateway.internal_url.rpartition(":")[2])
    with serving(FakeAgent(ecs)):
        yield world


@pytest.mark.parametrize("page", RUNBOOKS, ids=lambda page: page.stem)
def test_commands_are_of_three_kinds_and_name_the_environment(page: Path) -> None:
    for words in commands(page):
        if words[0] == PLAY:
            assert (ROOT / words[1]).parent == PLAYBOOKS
            assert (ROOT / words[1]).is_file()
            assert words[2:4] == ["-e", "env=poc"]
        elif words[0] != USERS:
            assert words[:4] == [*OPS, "--env", "poc"], words
        capitals = {word for word in words if re.fullmatch(r"[A-Z_]{3,}", word)}
        assert capitals <= WORDS, "a word that the page on being on call does not explain"


@pytest.mark.parametrize("page", RUNBOOKS, ids=lambda page: page.stem)
def test_every_command_runs(
    page: Path, platform: World, stack: Stack, filled: dict[str, str]
) -> None:
    for written in commands(page):
        words = [filled.get(word, word) for word in written]
        if "TASK" in words:
            words[words.index("TASK")] = youngest(platform)
        if words[:2] == OPS:
            result = platform.run(*words[2:])
            assert result.exit is Exit.OK or words[-3:] == UNREACHABLE_HERE, words
        elif words[0] == USERS:
            users(words, stack)


def youngest(world: World) -> str:
    found: Any = world.run("ecs", "status", "gateway").sections[3]
    return str(found.rows[0][1])


def users(words: list[str], stack: Stack) -> None:
    done = subprocess.run(
        words,
        env={
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "GATEWAY_INTERNAL_URL": stack.gateway.internal_url,
            "GATEWAY_MASTER_KEY": MASTER_KEY,
        },
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, (words, done.stdout + done.stderr)


def test_every_word_in_capitals_is_filled_here(filled: dict[str, str]) -> None:
    assert {*filled, "TASK"} == WORDS


def test_every_command_is_in_a_block_that_is_run() -> None:
    """One in another block would be checked by nobody."""
    for page in RUNBOOKS:
        for kind, block in BLOCK.findall(page.read_text()):
            if kind not in ("bash", "promql"):
                assert (page, kind) == (ON_CALL, "sh"), page
                assert not re.search(r"\./dev|scripts/|ansible", block), page
