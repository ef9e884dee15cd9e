"""What holds for every playbook: the linter's production profile, and rules of our own."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.ops.playbooks.ansible import PLAYBOOKS
from tests.support.on_demand import INSTALL_SECONDS, installed

LOCK = Path(__file__).parent / "lint.lock"
"""Made from lint.in, which says how."""
FILES = sorted(PLAYBOOKS.rglob("*.yml"))
COMMAND = "ansible.builtin.command"


def tasks(file: Path) -> Iterator[dict[str, Any]]:
    """Of a playbook, or of a file of tasks."""
    for entry in yaml.safe_load(file.read_text()):
        yield from entry.get("tasks", [entry])


@pytest.mark.lint
@pytest.mark.timeout(INSTALL_SECONDS + 120)
def test_the_linter_finds_nothing_at_its_strictest(tmp_path: Path) -> None:
    programs = installed(LOCK)
    done = subprocess.run(
        [programs / "ansible-lint", "--offline", "--profile=production", "--strict", "."],
        cwd=PLAYBOOKS,
        env={
            "PATH": f"{programs}:{os.environ['PATH']}",
            "HOME": str(tmp_path),
            "LC_ALL": "C.UTF-8",
            "ANSIBLE_HOME": str(tmp_path),
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"0 failure\(s\), 0 warning\(s\)", done.stderr)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_modules_are_ansibles_own(file: Path) -> None:
    words = {word for task in tasks(file) for word in task if "." in word}

    assert words
    assert all(word.startswith("ansible.builtin.") for word in words)


def test_one_task_alone_runs_commands_and_it_runs_ops() -> None:
    found = [(file.name, task) for file in FILES for task in tasks(file) if COMMAND in task]

    ((name, task),) = found
    assert name == "ops.yml"
    assert "'-m', 'ops'" in task[COMMAND]["argv"]
    assert task["check_mode"] is False


def test_every_change_is_confirmed_before() -> None:
    """`writes` stands in one file alone, behind the question whether it is meant."""
    writers = [
        (file.name, number)
        for file in FILES
        for number, task in enumerate(tasks(file))
        if task.get("vars", {}).get("writes")
    ]

    ((name, number),) = writers
    assert name == "change.yml"
    steps = list(tasks(PLAYBOOKS / "tasks" / "change.yml"))
    asked = [
        place
        for place, task in enumerate(steps)
        if task.get("ansible.builtin.assert", {}).get("that") == 'confirm == "yes"'
    ]
    assert asked
    assert max(asked) < number


@pytest.mark.parametrize("file", sorted(PLAYBOOKS.glob("*.yml")), ids=lambda file: file.stem)
def test_a_playbook_begins_with_its_environment_and_without_consent(file: Path) -> None:
    (play,) = yaml.safe_load(file.read_text())

    assert play["vars"]["confirm"] == "no"
    assert play["tasks"][0]["ansible.builtin.include_tasks"] == "tasks/environment.yml"
