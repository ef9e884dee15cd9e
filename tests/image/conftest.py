"""The image, built once by buildah from a stand-in for its base.

What this does not prove: the real base image, and a container runtime's limits (namespaces for
processes and network, seccomp, cgroups). What it does prove: the Dockerfile's steps with the real
locked packages, the user, a root file system that is really read-only, and the running gateway.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
BASE, IMAGE = "localhost/python:stand-in", "localhost/gateway:test"
MACHINE_FILES = ("/etc/pip.conf", "/etc/ssl/certs/ca-certificates.crt")


@dataclass(frozen=True, slots=True)
class Image:
    """Its configuration, and its root file system as a folder."""

    config: dict[str, Any]
    root: Path

    @property
    def environment(self) -> list[str]:
        return [str(one) for one in self.config["Env"]]


@dataclass(frozen=True, slots=True)
class Buildah:
    """buildah with a storage of its own, which works without a daemon."""

    folder: Path

    def __call__(self, *arguments: str) -> str:
        places = ["--root", f"{self.folder}/root", "--runroot", f"{self.folder}/run"]
        return run(["buildah", *places, *arguments])


def run(command: Sequence[str]) -> str:
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT)
    if done.returncode:
        pytest.fail(f"{' '.join(command)}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    return done.stdout.strip()


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    if os.geteuid() != 0:
        pytest.skip("only root can build the image without a container engine")
    for tool in ("buildah", "mmdebstrap"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed: apt-get install buildah mmdebstrap")
    folder = tmp_path_factory.mktemp("image")
    buildah = Buildah(folder)
    build(buildah, folder)
    container = buildah("from", IMAGE)
    details = json.loads(buildah("inspect", "--type", "image", IMAGE))
    yield Image(details["Docker"]["config"], Path(buildah("mount", container)))
    buildah("rm", "--all")
    shutil.rmtree(folder)


def build(buildah: Buildah, folder: Path) -> None:
    """Make Debian's Python the base, as the official image has Debian below its own."""
    packages = "--include=python3,python3-venv,ca-certificates"
    base = folder / "base"
    base.mkdir()
    run(["mmdebstrap", "--variant=minbase", packages, "bookworm", f"{base}/root.tar"])
    (base / "Dockerfile").write_text("FROM scratch\nADD root.tar /\n")
    buildah("bud", "--isolation", "chroot", "--tag", BASE, str(base))
    shutil.rmtree(base)
    mounts = [f"--volume={path}:{path}:ro" for path in MACHINE_FILES if Path(path).exists()]
    options = ["--isolation", "chroot", "--format", "docker", f"--build-arg=PYTHON_IMAGE={BASE}"]
    buildah("bud", *options, *mounts, "--tag", IMAGE, "-f", "app/Dockerfile", ".")
