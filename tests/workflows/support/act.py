"""Workflows, run by act on this machine, without a container.

What stands in, and so is not proven: GitHub's own actions and AWS's (`stubs/`), `./dev`, which
would install the locked packages first (tests/e2e does that for real) and here runs the same ops in
the tests' own Python, and `sudo`. What act does not do at all is listed in docs/workflows.md.
"""

import json
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.workflows.support.files import ROOT, steps

STUBS: Final = Path(__file__).parents[1] / "stubs"
PINNED: Final = re.compile(r"([\w-]+/([\w-]+))@([0-9a-f]{40})")
NOT_COPIED: Final = shutil.ignore_patterns("__pycache__")
BUILT_IN: Final = {"actions/checkout"}
ACCOUNT: Final = "123456789012"
VARIABLES: Final = {"AWS_ACCOUNT_POC": ACCOUNT, "AWS_ACCOUNT_PROD": ACCOUNT}
COPIED: Final = (".github", "ops/plan")
FILES: Final = (
    "ops/__init__.py",
    "app/Dockerfile",
    "infra/grafana/Dockerfile",
    "infra/terraform/environments/poc/backend.tf",
    "infra/terraform/environments/prod/backend.tf",
)
"""What workflows need; the environments' own files are the tests'."""
AUTHOR: Final = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
SECONDS: Final = 300
ACT: Final = Path(sysconfig.get_path("scripts"), "act")

DEV: Final = f"""#!/bin/sh
if [ "$1" = audit ]; then echo audited && [ ! -e hole ]; exit; fi
shift
PYTHONPATH={ROOT} exec {sys.executable} -P -m ops "$@"
"""


@dataclass(frozen=True, slots=True)
class Run:
    """How a run of a workflow went."""

    code: int
    records: Sequence[Mapping[str, Any]]

    @property
    def output(self) -> str:
        """What the steps wrote."""
        return "".join(one["msg"] for one in self.records if one.get("raw_output"))

    @property
    def everything(self) -> str:
        """All that act said, for when a test fails."""
        return "\n".join(str(one.get("msg", "")).rstrip() for one in self.records)

    @property
    def summary(self) -> str:
        """What the steps wrote for the run's page."""
        return "".join(one["content"] for one in self.records if one.get("command") == "summary")

    def results(self) -> dict[str, str]:
        """How each step ended, by its name."""
        return {
            one["step"].removeprefix("Main "): one["stepResult"]
            for one in self.records
            if "stepResult" in one and one.get("stage") == "Main" and len(one["stepID"]) == 1
        }

    def jobs(self) -> dict[str, str]:
        return {one["jobID"]: one["jobResult"] for one in self.records if "jobResult" in one}


@dataclass
class Checkout:
    """A repository of its own, as a runner would check it out."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=lambda: dict(VARIABLES))

    @property
    def artifacts(self) -> Path:
        return self.folder.parent / "artifacts"

    @property
    def path(self) -> Path:
        """First on the path of every step."""
        return self.folder.parent / "bin"

    def git(self, *arguments: str) -> str:
        command = ["git", *AUTHOR, *arguments]
        done = subprocess.run(
            command, cwd=self.folder, check=True, stdout=subprocess.PIPE, text=True
        )
        return done.stdout.strip()

    def commit(self, files: Mapping[str, str] | None = None) -> str:
        """Its commit."""
        for name, text in (files or {}).items():
            place = self.folder / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)
        self.git("add", "--all", "--force")
        self.git("commit", "--quiet", "--allow-empty", "--message=change")
        return self.git("rev-parse", "HEAD")

    def run(self, workflow: str, event: str = "workflow_dispatch", payload: Any = None) -> Run:
        """Run a workflow of the checkout."""
        home = self.folder.parent / "home"
        home.mkdir(exist_ok=True)
        (home / "event.json").write_text(json.dumps(payload or {}))
        self.artifacts.mkdir(exist_ok=True)
        given = {"ARTIFACTS": str(self.artifacts), "GITHUB_REPOSITORY": "example/stargate"}
        done = subprocess.run(
            [
                ACT,
                event,
                f"--workflows=.github/workflows/{workflow}.yml",
                f"--eventpath={home}/event.json",
                "--platform=ubuntu-24.04=-self-hosted",
                "--platform=ubuntu-24.04-arm=-self-hosted",
                "--no-cache-server",
                "--container-daemon-socket=-",
                "--artifact-server-addr=127.0.0.1",
                "--secret=GITHUB_TOKEN=token-of-the-run",
                "--json",
                *_stand_ins(),
                *(f"--env={name}={value}" for name, value in {**given, **self.environment}.items()),
                *(f"--var={name}={value}" for name, value in self.variables.items()),
            ],
            cwd=self.folder,
            env={
                "PATH": f"{self.path}:{sysconfig.get_path('scripts')}:/usr/bin:/bin",
                "HOME": str(home),
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        return Run(done.returncode, [_record(line) for line in done.stdout.splitlines()])


def _record(line: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(line)
    except ValueError:
        return {"msg": line}
    return found


def _stand_ins() -> list[str]:
    """A stub for every action that the workflows name."""
    used = {match.groups() for step in steps() if (match := PINNED.fullmatch(step.uses))}
    return [
        f"--local-repository={repository}@{commit}={STUBS / name}"
        for repository, name, commit in sorted(used)
        if repository not in BUILT_IN
    ]


def checkout(folder: Path) -> Checkout:
    """A repository with what workflows need, and one commit on main."""
    made = Checkout(folder / "repository")
    for name in COPIED:
        shutil.copytree(ROOT / name, made.folder / name, ignore=NOT_COPIED)
    for name in FILES:
        (made.folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, made.folder / name)
    made.path.mkdir()
    _program(made.folder / "dev", DEV)
    _program(made.path / "sudo", '#!/bin/sh\nshift\nexec "$@"\n')
    made.git("init", "--quiet", "--initial-branch=main")
    made.git("remote", "add", "origin", "https://github.com/example/stargate.git")
    made.commit()
    return made


def _program(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)
