"""docs/operations.md names what there is: verbs, playbooks with their variables, and roles."""

import re
import shlex

import pytest
import yaml

from ops.cli import parser
from tests.support.processes import ROOT

PAGE = (ROOT / "docs" / "operations.md").read_text()
PLAYBOOKS = ROOT / "ops" / "playbooks"
BLOCKS = re.findall(r"```bash\n(.+?)```", PAGE, re.DOTALL)
COMMANDS = [shlex.split(line) for block in BLOCKS for line in block.splitlines()]
TAKEN_BY_ALL = {"confirm"}


def variables(path: str) -> set[str]:
    """What a playbook takes: its defaults, and what it asserts to be there."""
    text = (PLAYBOOKS / f"{path}.yml").read_text()
    (play,) = yaml.safe_load(text)
    return {*play["vars"], *re.findall(r"that: (\w+) is defined", text)} - {"findings"}


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_can_be_given(words: list[str]) -> None:
    if words[:2] == ["./dev", "ops"]:
        assert parser().parse_args(words[2:]).env == "poc"
    elif words[0] == ".venv/bin/ansible-playbook":
        given = {value.split("=")[0] for value in words if "=" in value}
        name = words[1].removeprefix("ops/playbooks/").removesuffix(".yml")
        assert given <= variables(name) | {"env", "limit"}
    else:
        assert words[0] == "scripts/users"


def test_every_playbook_is_listed_with_its_variables() -> None:
    table = PAGE.split("\n## Playbooks\n")[1]
    rows = re.findall(r"^\| `([a-z-]+)` \| .+ \| (.*)\|$", table, re.MULTILINE)

    assert {name: set(re.findall(r"`(\w+)`", told)) for name, told in rows} == {
        path.stem: variables(path.stem) - TAKEN_BY_ALL for path in PLAYBOOKS.glob("*.yml")
    }


def test_every_role_is_listed() -> None:
    text = (ROOT / "infra" / "terraform" / "bootstrap" / "roles.tf").read_text()
    made = set(re.findall(r': "([a-z]+)-\$\{environment\}" => \{', text))

    listed = set(re.findall(r"^\| `([a-z]+)-<env>` \|", PAGE, re.MULTILINE))

    assert listed == made == {"plan", "apply", "ops"}
