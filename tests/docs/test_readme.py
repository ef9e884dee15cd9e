"""The README's commands do what it says."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from app.domain.keys import PREFIX
from tests.support.processes import MASTER_KEY
from tests.support.stack import Stack

README = (Path(__file__).parents[2] / "README.md").read_text()
COMMANDS = [
    block.split("\n", 1)[1]  # the first line reads what ./dev up wrote
    for block in re.findall(r"```bash\n(.+?)```", README, re.DOTALL)
    if "curl" in block
]


@pytest.mark.parametrize("command", COMMANDS, ids=["chat", "new user"])
def test_the_curl_commands_succeed(stack: Stack, command: str) -> None:
    done = subprocess.run(
        ["bash", "-euc", command.replace("curl ", "curl --silent --fail-with-body ")],
        env={
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "ANTHROPIC_BASE_URL": stack.gateway.public_url,
            "ANTHROPIC_AUTH_TOKEN": stack.gateway.new_key(),
            "GATEWAY_INTERNAL_URL": stack.gateway.internal_url,
            "GATEWAY_MASTER_KEY": MASTER_KEY,
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    answer = json.loads(done.stdout)
    assert answer.get("choices") or answer["key"].startswith(PREFIX)


def test_every_public_and_internal_path_is_in_the_readme(stack: Stack) -> None:
    described = stack.gateway.admin("GET", "/openapi.json")["paths"]

    for path in described:
        shown = path.replace("{model_id}", "{id}")
        assert shown in README, path
