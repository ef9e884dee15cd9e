"""A GitHub to talk to, and a command to talk to it with."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ops.cli import main
from tests.ops.plan import fake_github
from tests.ops.plan.fake_github import GitHub
from tests.ops.plan.plans import COMMIT, Node

Command = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def github() -> Iterator[GitHub]:
    with fake_github.serving() as found:
        yield found


@pytest.fixture
def command(github: GitHub, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run a command on a plan; None is a plan that failed. The answer is the exit code and JSON."""

    def run(name: str, plan: Node | None, *arguments: str, log: str = "") -> tuple[int, Any]:
        place, said = tmp_path / "plan.json", tmp_path / "plan.log"
        place.unlink(missing_ok=True)
        if plan is not None:
            place.write_text(json.dumps(plan))
        said.write_text(log)
        given = [f"--plan={place}", f"--log={said}", f"--commit={COMMIT}", "--env=poc"]
        code = main([name, *given, "--output=json", *arguments], github.environ)
        # A misused command is told on stderr: before it is understood, nobody has asked for JSON.
        return code, json.loads(capsys.readouterr().out or "{}")

    return run
