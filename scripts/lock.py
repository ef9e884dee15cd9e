"""Write requirements/*.lock from pyproject.toml: `./dev lock [--upgrade]`.

The locks name no index and no host. Each begins with a fingerprint of what it was made from, so
that `./dev check` can tell without a network that it was not forgotten.
"""

import argparse
import hashlib
import json
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS: dict[str, tuple[str, ...]] = {
    "dev": ("local", "ops", "dev"),
    "ops": ("local", "ops"),
    "local": ("local",),
    "gateway": (),
}
"""The groups that each lock holds beside the gateway's own; the largest, which fixes the versions
of all, comes first."""

UV = (
    "--quiet",
    "--no-config",
    "--universal",
    "--python-version=3.11",
    "--generate-hashes",
    "--only-binary=:all:",
    "--no-annotate",
    "--custom-compile-command=./dev lock",
)


def fingerprint() -> str:
    """A line that changes with the dependencies that pyproject.toml asks for."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    asked = [
        project["project"]["requires-python"],
        project["project"]["dependencies"],
        project["dependency-groups"],
    ]
    return f"# made from {hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()}"


def path(name: str) -> Path:
    return ROOT / "requirements" / f"{name}.lock"


def stale() -> list[str]:
    """The locks that were not made from today's pyproject.toml, or do not hold the smaller one."""
    versions = {name: pins(name) for name in LOCKS}
    smaller = {"dev": "ops", "ops": "local", "local": "gateway"}
    return [
        name
        for name in LOCKS
        if path(name).read_text().splitlines()[0] != fingerprint()
        or not versions[smaller.get(name, name)] <= versions[name]
    ]


def pins(name: str) -> set[str]:
    """The packages of a lock as `name==version`, those for other platforms with their marker."""
    lines = path(name).read_text().splitlines()
    return {line.rstrip(" \\") for line in lines if line[:1].isalnum()}


def compile_lock(name: str, options: list[str]) -> int:
    """Resolve one lock with uv, for every platform and Python that the project supports."""
    command = [f"{sysconfig.get_path('scripts')}/uv", "pip", "compile", "pyproject.toml", *UV]
    command += [f"--group={group}" for group in LOCKS[name]]
    command += [f"--output-file={path(name)}", *options]
    if name != "dev":
        command.append(f"--constraint={path('dev')}")
    done = subprocess.run(command, cwd=ROOT, check=False)
    if done.returncode == 0:
        path(name).write_text(f"{fingerprint()}\n{path(name).read_text()}")
    return done.returncode


def main() -> int:
    """Write all locks; what is not known here goes to uv."""
    parser = argparse.ArgumentParser(prog="./dev lock", description=__doc__, allow_abbrev=False)
    parser.add_argument(
        "--upgrade", action="store_true", help="take the newest versions; other options go to uv"
    )
    options, others = parser.parse_known_args()
    for name in LOCKS:
        failed = compile_lock(name, ["--upgrade"] * options.upgrade + others)
        if failed:
            return failed
        print(f"requirements/{name}.lock: {len(pins(name))} packages")
    return 0


if __name__ == "__main__":
    sys.exit(main())
