"""checkov and trivy in an environment of their own: checkov's pins do not go with the project's."""

import fcntl
import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from tests.infra.support.terraform import ROOT

INSTALL_SECONDS = 600
LOCK = Path(__file__).parents[1] / "scanners.lock"
"""Made from scanners.in, which says how."""


def installed() -> Path:
    """The folder of the scanners' commands; made at the first use, and kept in .local."""
    digest = hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]
    folder = ROOT / ".local" / f"scanners-{digest}"
    folder.parent.mkdir(exist_ok=True)
    with (folder.parent / "scanners.guard").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            shutil.rmtree(folder, ignore_errors=True)
            _install(folder)
            (folder / "complete").touch()
    return folder / "bin"


def _install(folder: Path) -> None:
    """With pip, which knows this machine's index and certificates."""
    pip = [f"{folder}/bin/python", "-m", "pip", "install", "--quiet", "--no-input", "--no-deps"]
    options = ["--no-compile", "--require-hashes", "--disable-pip-version-check"]
    for command in (
        [sys.executable, "-m", "venv", str(folder)],
        [*pip, *options, f"--requirement={LOCK}"],
    ):
        subprocess.run(command, check=True, timeout=INSTALL_SECONDS)
