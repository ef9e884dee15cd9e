"""What the local stack keeps between two runs: the folder, its secrets, its settings."""

import hashlib
import json
import secrets
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from app.local.files import write_private
from app.local.postgres import Postgres
from app.local.process import Daemon

Bedrock = Literal["emulator", "aws"]
ROOT = Path(__file__).resolve().parents[2]
DEFAULT_DIRECTORY = ROOT / ".local"


@dataclass(frozen=True, slots=True)
class Options:
    """What a caller of `up` may choose."""

    port: int
    internal_port: int
    bedrock: Bedrock
    observability: bool = False


@dataclass(frozen=True, slots=True)
class State:
    """The folder in which the stack keeps everything; deleting it starts over."""

    directory: Path

    @property
    def lock(self) -> Path:
        return self.directory / "stack.lock"

    @property
    def spool(self) -> Path:
        return self.directory / "spool"

    @property
    def environment_file(self) -> Path:
        return self.directory / "gateway.env"

    @property
    def demo_key(self) -> Path:
        return self.directory / "demo.key"

    def log(self, part: str) -> Path:
        return self.directory / "log" / f"{part}.log"

    def postgres(self) -> Postgres:
        return Postgres(self.directory / "postgres", log=self.log("postgres"))

    def daemon(self, part: str) -> Daemon:
        return Daemon(part, self.directory / "run" / f"{part}.json", self.log(part))

    def master_key(self) -> str:
        """The administrator's key, made once."""
        file = self.directory / "master.key"
        if not file.exists():
            write_private(file, f"sk-master-{secrets.token_urlsafe(32)}")
        return file.read_text()

    def write_environment(self, values: Mapping[str, str]) -> None:
        """Write a file that a shell can source, whatever the values hold."""
        lines = [f"export {name}={shlex.quote(value)}\n" for name, value in values.items()]
        write_private(self.environment_file, "".join(lines))


def fingerprint(values: Mapping[str, str]) -> str:
    """A short text that changes with the values and does not show them."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]


def code_fingerprint() -> str:
    """A short text that changes with the gateway's files and its locked packages."""
    files = [ROOT / "requirements" / "gateway.lock"]
    files += sorted(path for path in (ROOT / "app").rglob("*") if _is_code(path))
    digest = hashlib.sha256()
    for path in files:
        digest.update(str(path.relative_to(ROOT)).encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _is_code(path: Path) -> bool:
    return path.suffix in (".py", ".sql", ".json") and path.is_file()
