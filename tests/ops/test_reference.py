"""docs/ops.md says what the commands say."""

import re

import pytest

from ops import reference
from ops.cli import parser
from ops.commands import COMMANDS


def test_the_page_is_up_to_date() -> None:
    assert reference.PAGE.read_text() == reference.page(), "run python -m ops.reference"


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_and_every_argument_is_documented(path: str) -> None:
    described = reference.Described()
    COMMANDS[path].arguments(described)

    assert all(told.get("help") for _, told in described.arguments)


def test_the_commands_on_the_page_are_commands() -> None:
    commands = re.findall(r"^\./dev ops ([^#\n]+)", reference.PAGE.read_text(), re.MULTILINE)

    assert len(commands) > 3
    for command in commands:
        parser().parse_args(command.split())
