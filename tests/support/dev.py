"""`./dev` as a process, for tests."""

import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Dev:
    """`./dev`, with ports and a state folder that nobody else uses."""

    state: Path
    port: int
    internal_port: int
    variables: dict[str, str] = field(default_factory=dict)

    def __call__(self, verb: str, *options: str) -> "subprocess.CompletedProcess[str]":
        bare = {name: os.environ[name] for name in ("HOME", "PATH") if name in os.environ}
        return subprocess.run(
            [ROOT / "dev", verb, "--state-dir", str(self.state), *options],
            check=False,
            capture_output=True,
            text=True,
            cwd="/",
            env=bare | {"AWS_EC2_METADATA_DISABLED": "true"} | self.variables,
        )

    def up(self, *options: str) -> "subprocess.CompletedProcess[str]":
        ports = ("--port", str(self.port), "--internal-port", str(self.internal_port))
        return self("up", *ports, *options)

    def sourced(self) -> dict[str, str]:
        """The variables as a shell exports them after it sourced the file."""
        script = '. "$1" && exec env -0'
        file = str(self.state / "gateway.env")
        done = subprocess.run(
            ["sh", "-c", script, "sh", file], check=True, capture_output=True, text=True, env={}
        )
        return dict(line.split("=", 1) for line in done.stdout.split("\0") if line)

    def table(self) -> dict[str, list[str]]:
        """Each part's pid, ports and health, as `status` tells them."""
        lines = self("status").stdout.splitlines()[1:]
        return {line.split()[0]: line.split()[1:] for line in lines}
