"""Every root, module and example is laid out as `terraform fmt` does it, and is valid."""

from pathlib import Path

import pytest

from tests.infra.support.terraform import ROOT, Terraform

INFRA = ROOT / "infra" / "terraform"
ROOTS = sorted(
    str(path.parent.relative_to(INFRA))
    for path in INFRA.glob("**/*.tf")
    if path.name in ("terraform.tf", "main.tf") and ".terraform" not in path.parts
)
ROOTS = list(dict.fromkeys(ROOTS))
MODULES = sorted(path.name for path in (INFRA / "modules").iterdir())
LINES = 300


def test_everything_is_formatted(terraform: Terraform) -> None:
    run = terraform(INFRA, "fmt", "-check", "-recursive", "-diff")

    assert run.code == 0, run.output


@pytest.mark.parametrize("root", ROOTS)
def test_it_is_valid(terraform: Terraform, infra: Path, root: str) -> None:
    terraform.must(infra / root, "init", "-backend=false", "-input=false")
    terraform.must(infra / root, "validate")


@pytest.mark.parametrize("module", MODULES)
def test_a_module_has_its_parts(module: str) -> None:
    folder = INFRA / "modules" / module
    names = {path.name for path in folder.iterdir()}

    assert {"README.md", "outputs.tf", "terraform.tf", "tests", "variables.tf"} <= names
    assert module == "platform" or (folder / "examples" / "basic" / "main.tf").exists()


def test_no_file_is_too_long_to_read() -> None:
    for path in INFRA.glob("**/*.tf"):
        if path.name != "variables.tf" and ".terraform" not in path.parts:
            assert len(path.read_text().splitlines()) <= LINES, path


def test_terraform_and_provider_are_pinned_everywhere() -> None:
    for root in ROOTS:
        text = "".join(path.read_text() for path in (INFRA / root).glob("*.tf"))
        assert 'required_version = ">= 1.11"' in text, root
        assert 'provider "aws"' not in text or 'version = "~> 6' in text, root
