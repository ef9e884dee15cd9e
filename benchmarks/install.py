"""Peers in folders of their own, made at their first use from lock files, kept in .local."""

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from app.local.files import locked
from benchmarks.processes import ROOT, DidNotStart

PEERS = ROOT / "benchmarks" / "peers"
CLIENTS = ROOT / "tests" / "e2e" / "node_clients"
KEPT = ROOT / ".local" / "bench"
SECONDS = 1200
NOT_INSTALLED = "It could not be installed:"
PIP = ("-m", "pip", "install", "--quiet", "--no-input", "--no-deps", "--no-compile")


def python_environment(name: str) -> Path:
    """The folder of an environment with what `peers/<name>.lock` holds."""
    lock = PEERS / f"{name}.lock"

    def make(folder: Path) -> None:
        run([sys.executable, "-m", "venv", str(folder)], NOT_INSTALLED)
        pip = [f"{folder}/bin/python", *PIP, "--disable-pip-version-check"]
        run([*pip, "--require-hashes", f"--requirement={lock}"], NOT_INSTALLED)

    return _kept(name, lock, make)


def node_modules(locked_in: Path = PEERS) -> Path:
    """The folder with what `package-lock.json` there holds; no package's script is run."""
    npm = shutil.which("npm")
    if npm is None:
        raise DidNotStart("npm is not installed (Debian, Ubuntu: apt-get install npm)")

    def make(folder: Path) -> None:
        folder.mkdir()
        for file in ("package.json", "package-lock.json"):
            shutil.copy(locked_in / file, folder)
        npm_ci = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        run(npm_ci, NOT_INSTALLED, folder=folder)

    return _kept("node", locked_in / "package-lock.json", make) / "node_modules"


def _kept(name: str, lock: Path, make: Callable[[Path], None]) -> Path:
    """The folder for this very lock file; nothing half-made is used."""
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()[:12]
    folder = KEPT / f"{name}-{digest}"
    with locked(KEPT / f"{name}.guard"):
        if not (folder / "complete").exists():
            shutil.rmtree(folder, ignore_errors=True)
            make(folder)
            (folder / "complete").touch()
    return folder


def run(
    command: Sequence[str | Path],
    complaint: str,
    *,
    folder: Path = ROOT,
    environment: Mapping[str, str] | None = None,
    seconds: float = SECONDS,
) -> None:
    """Run it to its end. Raises DidNotStart with `complaint` and its last words if it fails."""
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=seconds,
    )
    if done.returncode:
        last = "\n".join(done.stdout.splitlines()[-8:])
        raise DidNotStart(f"{complaint} {command[0]} ended with:\n{last}")
