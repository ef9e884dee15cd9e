"""The stand-in for the provider sees mistakes; what it does not see is written down."""

import json
from pathlib import Path

import pytest

from tests.infra.standin.schema import FILE, Schema
from tests.infra.support.mistakes import CAUGHT, NOT_CAUGHT, Mistake
from tests.infra.support.terraform import Terraform

README = Path(__file__).parent / "standin" / "README.md"


def caught_by(terraform: Terraform, infra: Path, mistake: Mistake) -> str | None:
    """The command that fails: validation if it can, else the plan."""
    module = infra / "modules" / mistake.module
    file = module / mistake.file
    assert mistake.right in file.read_text(), f"{mistake.kind}: the place is not there any more"
    file.write_text(file.read_text().replace(mistake.right, mistake.wrong, 1))
    root = module / "examples" / "basic"
    for command in ("init", "validate", "plan"):
        if terraform(root, command).code:
            return command
    return None


@pytest.mark.parametrize("mistake", CAUGHT, ids=lambda one: one.kind)
def test_a_mistake_is_caught(terraform: Terraform, own_infra: Path, mistake: Mistake) -> None:
    assert caught_by(terraform, own_infra, mistake) is not None


@pytest.mark.parametrize("mistake", NOT_CAUGHT, ids=lambda one: one.kind)
def test_what_is_not_caught_is_written_down(
    terraform: Terraform, own_infra: Path, mistake: Mistake
) -> None:
    assert caught_by(terraform, own_infra, mistake) is None
    assert f"| {mistake.kind} |" in README.read_text()


def test_without_mistakes_nothing_is_caught(terraform: Terraform, own_infra: Path) -> None:
    nothing = Mistake("none", "registry", "main.tf", "IMMUTABLE", "IMMUTABLE")

    assert caught_by(terraform, own_infra, nothing) is None


def test_the_schema_is_of_the_provider_that_the_environments_ask_for() -> None:
    assert Schema.load().version == "6.69.1"
    assert json.loads(FILE.read_text())["source"].startswith("cdktn-provider-aws ")
