"""The hooks of .pre-commit-config.yaml, run by pre-commit itself in a repository of their own."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.workflows.test_secrets import GITLEAKS, PLANTED

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / ".pre-commit-config.yaml"
NEEDED = (
    CONFIG.name,
    "pyproject.toml",
    "requirements",
    "scripts/check.py",
    "scripts/lock.py",
    ".github/gitleaks.toml",
)
FAILED = re.compile(r"^([a-z].+?)\.+Failed$", re.MULTILINE)
ENVIRONMENT = {
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.com",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.com",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
}
WRONG = {
    "app/unused.py": "import os\n",
    "app/untidy.py": "x = {  'a':1 }\n",
    "unquoted.sh": "#!/bin/sh\nrm $1\n",
    "app/Dockerfile": "FROM debian\n",
    "requirements/ops.lock": "# made from something else\n",
}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """With the hooks installed, and the programs of this environment."""
    folder = tmp_path / "a checkout"
    for name in NEEDED:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name)
        else:
            shutil.copy(ROOT / name, folder / name)
    (folder / ".venv").symlink_to(ROOT / ".venv")
    (folder / ".gitignore").write_text(".venv\n.ruff_cache\n__pycache__\n")
    run(folder, "git", "init", "--quiet")
    run(folder, ".venv/bin/pre-commit", "install")
    return folder


def run(folder: Path, *command: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command,
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PRE_COMMIT_HOME": f"{folder}/../kept", **ENVIRONMENT},
        capture_output=True,
        text=True,
        check=False,
    )


def commit(folder: Path) -> "subprocess.CompletedProcess[str]":
    run(folder, "git", "add", "--all")
    return run(folder, "git", "commit", "--message=A change")


def test_what_is_well_is_committed(repository: Path) -> None:
    (repository / "x.py").write_text('"""A page."""\n')

    done = commit(repository)

    assert done.returncode == 0, done.stderr
    assert "ruff check" in done.stderr


def test_each_hook_keeps_what_is_not_well_from_being_committed(repository: Path) -> None:
    (repository / "app").mkdir()
    for name, text in WRONG.items():
        (repository / name).write_text(text)

    done = commit(repository)

    assert done.returncode == 1
    assert FAILED.findall(done.stderr) == [
        "ruff check",
        "ruff format",
        "shellcheck",
        "hadolint",
        "locks fit pyproject.toml",
    ]


@pytest.mark.skipif(not GITLEAKS.exists(), reason="gitleaks has no package for this platform")
def test_a_secret_is_kept_back_and_not_shown(repository: Path) -> None:
    secret = PLANTED["token of GitHub"]
    (repository / "settings.ini").write_text(f"{secret}\n")

    done = commit(repository)

    assert done.returncode == 1
    assert "REDACTED" in done.stderr
    assert secret[-12:] not in done.stderr


def test_nothing_is_fetched() -> None:
    repositories = yaml.safe_load(CONFIG.read_text())["repos"]

    assert [one["repo"] for one in repositories] == ["local"]
    assert {hook["language"] for one in repositories for hook in one["hooks"]} == {"system"}
