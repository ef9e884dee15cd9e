"""Which environments and images a range of commits touches, as outputs of a workflow's step.

    python3 -m ops.plan.touched <base> <head> >> "$GITHUB_OUTPUT"

It needs Python alone, so that it can run before anything is installed.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Final

ENVIRONMENTS: Final = ("poc", "prod")
SHARED: Final = (
    "app/catalog/models.json",
    "infra/observability/*",
    "infra/terraform/modules/*",
)
"""What Terraform reads for every environment."""
IMAGES: Final = {
    "gateway": ("app/*", "requirements/gateway.lock", ".dockerignore"),
    "grafana": ("infra/grafana/*",),
}
NOT_IN_IMAGES: Final = ("app/local/*", "infra/grafana/source/*", "*.md")
COMMIT: Final = re.compile(r"[0-9a-f]{40}")
NOTHING_BEFORE: Final = "0" * 40
"""What GitHub calls the commit before the first of a branch."""


def environments(paths: Iterable[str]) -> list[str]:
    """Those whose plan the paths may change."""
    kept = [path for path in paths if not path.endswith(".md")]
    return [
        one
        for one in ENVIRONMENTS
        if _any(kept, (*SHARED, f"infra/terraform/environments/{one}/*"))
    ]


def images(paths: Iterable[str]) -> list[str]:
    """Those that would be built from other files."""
    kept = [path for path in paths if not _any([path], NOT_IN_IMAGES)]
    return [name for name, patterns in IMAGES.items() if _any(kept, patterns)]


def _any(paths: Iterable[str], patterns: Iterable[str]) -> bool:
    """Here a star matches slashes, too."""
    return any(fnmatchcase(path, pattern) for path in paths for pattern in patterns)


def changed(base: str, head: str) -> list[str]:
    """Paths that differ since head left base; every path where there is nothing to compare with."""
    if base == NOTHING_BEFORE:
        return _git("ls-tree", "-r", "-z", "--name-only", head)
    return _git("diff", "-z", "--name-only", "--no-renames", f"{base}...{head}")


def _git(*arguments: str) -> list[str]:
    # The runner's own git, told of nothing but commits, whose form main() has seen.
    command = ["git", *arguments]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603
    return [path for path in done.stdout.split("\0") if path]


def main(argv: Sequence[str]) -> str:
    """Lines for $GITHUB_OUTPUT."""
    if len(argv) != 2 or not all(map(COMMIT.fullmatch, argv)):
        raise SystemExit("usage: python3 -m ops.plan.touched <base commit> <head commit>")
    paths = changed(*argv)
    found = {"environments": environments(paths), "images": images(paths)}
    return "".join(f"{name}={json.dumps(value)}\n" for name, value in found.items())


if __name__ == "__main__":
    sys.stdout.write(main(sys.argv[1:]))
