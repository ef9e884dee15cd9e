"""The programs of docs/examples/sdk-examples.md run as they stand."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.stack import Stack

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "examples" / "sdk-examples.md").read_text()
MODULES = ROOT / "tests" / "e2e" / "node_clients" / "node_modules"
PROGRAMS = [
    pytest.param(language, program, id=title)
    for title, language, program in re.findall(
        r"^## (.+?)\n.*?```(python|typescript)\n(.+?)```", PAGE, re.MULTILINE | re.DOTALL
    )
]


def command(language: str, folder: Path, program: str) -> list[str]:
    """The examples name no types, so that Node runs them as JavaScript."""
    if language == "python":
        return [sys.executable, "-W", "error", "-c", program]
    node = shutil.which("node")
    if node is None or not (MODULES / "openai").exists():
        pytest.skip("the TypeScript SDKs are not installed: ./dev test installs them where npm is")
    (folder / "node_modules").symlink_to(MODULES)
    (folder / "example.mjs").write_text(program)
    return [node, str(folder / "example.mjs")]


@pytest.mark.parametrize(("language", "program"), PROGRAMS)
def test_an_example_runs(stack: Stack, tmp_path: Path, language: str, program: str) -> None:
    done = subprocess.run(
        command(language, tmp_path, program),
        env={
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "ANTHROPIC_BASE_URL": stack.gateway.public_url,
            "ANTHROPIC_AUTH_TOKEN": stack.gateway.new_key(),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_there_are_examples_in_both_languages() -> None:
    assert len(PROGRAMS) == PAGE.count("\n## ") == 5
