"""The commands that documents show do what they say."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.support.processes import MASTER_KEY
from tests.support.stack import Stack

ROOT = Path(__file__).parents[2]
PAGES = ("README.md", "docs/models.md", "docs/examples/curl-examples.md")
COMMANDS = [
    pytest.param(block, id=f"{page}-{number}")
    for page in PAGES
    for number, block in enumerate(
        re.findall(r"```bash\n(.+?)```", (ROOT / page).read_text(), re.DOTALL)
    )
]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_curl_command_succeeds(request: pytest.FixtureRequest, command: str) -> None:
    # A command that changes the models for everybody gets a gateway of its own.
    stack: Stack = request.getfixturevalue("own_stack" if "-X PUT" in command else "stack")
    # The file of ./dev up stands for what the environment of this test holds.
    command = command.replace(". .local/gateway.env\n", "")
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
    assert done.stdout
    assert "error" not in done.stdout


def test_every_path_is_in_the_readme(stack: Stack) -> None:
    readme = (ROOT / "README.md").read_text()

    for path in stack.gateway.admin("GET", "/openapi.json")["paths"]:
        shown = path.replace("{model_id}", "{id}")
        assert shown in readme, path
