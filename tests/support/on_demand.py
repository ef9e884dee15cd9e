"""Tools whose pins do not go with the project's: each lock has an environment of its own."""

import fcntl
import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from tests.support.processes import ROOT

INSTALL_SECONDS = 600


def installed(lock: Path) -> Path:
    """The folder of the tools' commands; made at the first use, and kept in .local."""
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()[:12]
    folder = ROOT / ".local" / f"{lock.stem}-{digest}"
    folder.parent.mkdir(exist_ok=True)
    with (folder.parent / f"{lock.stem}.guard").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            shutil.rmtree(folder, ignore_errors=True)
            _install(folder, lock)
            (folder / "complete").touch()
    return folder / "bin"


def _install(folder: Path, lock: Path) -> None:
    """With pip, which knows this machine's index and certificates."""
    pip = [f"{folder}/bin/python", "-m", "pip", "install", "--quiet", "--no-input", "--no-deps"]
    options = ["--no-compile", "--require-hashes", "--disable-pip-version-check"]
    for command in (
        [sys.executable, "-m", "venv", str(folder)],
        [*pip, *options, f"--requirement={lock}"],
    ):
        subprocess.run(command, check=True, timeout=INSTALL_SECONDS)
