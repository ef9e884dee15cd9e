"""Everything that can be said about the code without running it: `./dev check`.

Linters and scanners whose findings have to be read (checkov, trivy, ansible-lint) are tests marked
`lint`: `./dev test` leaves them to this.

All checks run even if one fails, and a summary ends the output.
"""

import argparse
import os
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from pathlib import Path

from scripts import lock

ROOT = Path(__file__).resolve().parent.parent
LINTS = ("tests/infra/test_scanners.py", "tests/ops/playbooks/test_rules.py")
NOT_OURS = {".git", ".local", ".venv", "node_modules", "__pycache__"}


def shell_scripts() -> Iterator[str]:
    """Files that end in .sh or that begin by naming a shell."""
    for folder, folders, files in os.walk(ROOT):
        folders[:] = sorted(set(folders) - NOT_OURS)
        for file in sorted(files):
            path = Path(folder, file)
            if path.suffix == ".sh" or (not path.suffix and _names_a_shell(path)):
                yield str(path.relative_to(ROOT))


def _names_a_shell(path: Path) -> bool:
    with path.open("rb") as file:
        first = file.readline(80)
    return first.startswith(b"#!") and first.rstrip().endswith(b"sh")


def commands() -> dict[str, list[str]]:
    """Each check's name and command; the tools are those of the locked environment."""
    return {
        "ruff check": ["ruff", "check"],
        "ruff format": ["ruff", "format", "--check"],
        "mypy": ["mypy"],
        "import contracts": ["lint-imports"],
        "shellcheck": ["shellcheck", *shell_scripts()],
        "hadolint": ["hadolint", "app/Dockerfile", "infra/grafana/Dockerfile"],
        "scanners": ["pytest", "-q", "-m", "lint", "-p", "no:cacheprovider", *LINTS],
    }


def passes(name: str, command: list[str]) -> bool:
    """Run one check, with its output shown."""
    print(f"== {name}", flush=True)
    tools = sysconfig.get_path("scripts")
    done = subprocess.run(
        [f"{tools}/{command[0]}", *command[1:]],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        check=False,
    )
    return done.returncode == 0


def locks_are_current() -> bool:
    """Compare the locks' fingerprints with pyproject.toml; needs no network."""
    print("== locks", flush=True)
    stale = lock.stale()
    for name in stale:
        print(f"requirements/{name}.lock does not fit pyproject.toml; run ./dev lock")
    return not stale


def main() -> int:
    """Run all, and sum up."""
    argparse.ArgumentParser(prog="./dev check", description=__doc__).parse_args()
    started = time.monotonic()
    results = {name: passes(name, command) for name, command in commands().items()}
    results["locks"] = locks_are_current()
    failed = [name for name, passed in results.items() if not passed]
    print(f"\n{len(results)} checks in {time.monotonic() - started:.0f} s: ", end="")
    print(f"failed: {', '.join(failed)}" if failed else "all passed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
