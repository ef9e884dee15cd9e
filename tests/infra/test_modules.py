"""`terraform test` passes in every module: in those without a provider for real."""

import json
import re
from pathlib import Path

import pytest

from tests.infra.support.terraform import ROOT, Terraform

MODULES = sorted(path.name for path in (ROOT / "infra" / "terraform" / "modules").iterdir())


@pytest.mark.parametrize("module", MODULES)
def test_the_modules_own_tests_pass(terraform: Terraform, infra: Path, module: str) -> None:
    folder = infra / "modules" / module
    terraform.must(folder, "init", "-backend=false", "-input=false")

    output = terraform.must(folder, "test")

    passed = re.search(r"Success! (\d+) passed, 0 failed\.", output)
    assert passed is not None, output
    assert int(passed[1]) >= 3


@pytest.mark.parametrize("module", MODULES)
def test_every_refusal_is_tested(module: str) -> None:
    folder = ROOT / "infra" / "terraform" / "modules" / module
    variables = (folder / "variables.tf").read_text()
    blocks = re.findall(r'^variable "(\w+)" \{\n(.*?)^\}', variables, re.MULTILINE | re.DOTALL)
    validated = {name for name, body in blocks if "validation {" in body}
    tests = "".join(path.read_text() for path in folder.glob("tests/*.tftest.hcl"))
    expected = set(re.findall(r"expect_failures = \[var\.(\w+)\]", tests))

    assert validated <= expected


@pytest.mark.parametrize("module", MODULES)
def test_every_variable_says_what_it_is(module: str) -> None:
    text = (ROOT / "infra" / "terraform" / "modules" / module / "variables.tf").read_text()
    blocks = re.findall(r'^variable "(\w+)" \{\n(.*?)^\}', text, re.MULTILINE | re.DOTALL)

    assert [name for name, _ in blocks] == sorted(name for name, _ in blocks)
    for name, body in blocks:
        assert re.search(r'^  description = "[A-Z].{9,}\."$', body, re.MULTILINE), name
        assert re.search(r"^  type +=", body, re.MULTILINE), name
        assert "nullable    = false" in body or "null" in body or "nullable = false" in body, name
        for message in re.findall(r'error_message = ("(?:[^"\\]|\\.)*")', body):
            spoken = json.loads(message)
            assert spoken.endswith((".", "moves.", "it.")), (name, spoken)
