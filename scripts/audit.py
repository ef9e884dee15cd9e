"""Known holes in what is installed, and what may be done with it: `./dev audit`.

Asks the OSV database, by pip-audit, about every package of requirements/dev.lock, which holds those
of all other locks, and reads the licences of what the image holds. Fails for a hole that is not in
requirements/accepted.json, or is there for longer than was agreed, and for a licence that nobody
agreed to. Exit codes: 0 nothing found, 1 something is, 2 it could not be looked up.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

from scripts.dependencies import disallowed
from scripts.lock import ROOT, path, pins

ACCEPTED: Final = ROOT / "requirements" / "accepted.json"
FOUND, NOT_LOOKED_UP = 1, 2
PIP_AUDIT: Final = (
    "--no-deps",
    "--disable-pip",
    "--vulnerability-service=osv",
    "--format=json",
    "--progress-spinner=off",
)
"""A lock is whole: nothing needs to be resolved, nor pip to be run."""


class LookUpError(Exception):
    """The database did not answer for every package; the message has pip-audit's last words."""


@dataclass(frozen=True, slots=True)
class Hole:
    """A vulnerability of a package of ours, by its id and its other names."""

    package: str
    version: str
    names: frozenset[str]
    fixed_in: Sequence[str]

    def __str__(self) -> str:
        fix = f"fixed in {', '.join(self.fixed_in)}" if self.fixed_in else "no fix yet"
        held = ", ".join(lock for lock in ("gateway", "local", "ops", "dev") if self._is_in(lock))
        names = ", ".join(sorted(self.names))
        return f"{self.package} {self.version}: {names}; {fix}; in requirements: {held}"

    def _is_in(self, lock: str) -> bool:
        pin = f"{self.package}=={self.version}"
        return any(one.partition(" ;")[0] == pin for one in pins(lock))


@dataclass(frozen=True, slots=True)
class Acceptance:
    """A hole that does not concern us, why, and until when that is to be believed."""

    id: str
    reason: str
    until: date


def accepted(file: Path = ACCEPTED) -> list[Acceptance]:
    """What was agreed. Raises ValueError or KeyError for a file that is not of that form."""
    return [
        Acceptance(one["id"], one["reason"], date.fromisoformat(one["until"]))
        for one in json.loads(file.read_text())
    ]


def holes(lock: Path, *options: str) -> list[Hole]:
    """What is known of the packages of a lock. Raises LookUpError."""
    done = subprocess.run(
        [sys.executable, "-m", "pip_audit", f"--requirement={lock}", *PIP_AUDIT, *options],
        check=False,
        capture_output=True,
        text=True,
    )
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError) as error:
        last = "\n".join(done.stderr.strip().splitlines()[-2:])
        raise LookUpError(last or f"pip-audit ended with {done.returncode}") from error
    if skipped := [f"{one['name']}: {one['skip_reason']}" for one in packages if _skipped(one)]:
        raise LookUpError("\n".join(skipped))
    return [_hole(package, found) for package in packages for found in package["vulns"]]


def _skipped(package: dict[str, Any]) -> bool:
    return "skip_reason" in package


def _hole(package: dict[str, Any], found: dict[str, Any]) -> Hole:
    names = frozenset({found["id"], *found["aliases"]})
    return Hole(package["name"], package["version"], names, found["fix_versions"])


def judged(
    found: Iterable[Hole], agreed: Sequence[Acceptance], today: date
) -> tuple[list[str], list[str]]:
    """What must be done something about; and what need not, or is not there any more."""
    found = list(found)
    wrong, fine = [], []
    for hole in found:
        known = next((one for one in agreed if one.id in hole.names), None)
        if known is None:
            wrong.append(str(hole))
        elif known.until < today:
            wrong.append(f"{hole}; accepted until {known.until} only: {known.reason}")
        else:
            fine.append(f"{hole}; accepted until {known.until}: {known.reason}")
    needless = [one.id for one in agreed if not any(one.id in hole.names for hole in found)]
    fine += [f"{one} is not found any more: remove it from {ACCEPTED.name}" for one in needless]
    return wrong, fine


def main(options: Sequence[str] = ()) -> int:
    """`options` are pip-audit's, as another address of the database."""
    licences = disallowed()
    for line in licences:
        print(f"licence: {line}")
    try:
        found = holes(path("dev"), *options)
    except LookUpError as error:
        print(f"{error}\n\nThe database of known holes (OSV) could not be asked.", file=sys.stderr)
        return NOT_LOOKED_UP
    wrong, fine = judged(found, accepted(), datetime.now(UTC).date())
    for line in fine:
        print(f"noted: {line}")
    for line in wrong:
        print(f"hole: {line}")
    if wrong or licences:
        print("\nUpdate by `./dev lock --upgrade`, or agree to it in requirements/accepted.json or")
        print("scripts/dependencies.py, with the reason.")
        return FOUND
    print(f"{len(pins('dev'))} packages, no known hole that is not agreed to, licences as agreed.")
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        prog="./dev audit",
        description=__doc__,
        epilog="Other options go to pip-audit.",
        allow_abbrev=False,
    )
    sys.exit(main(parser.parse_known_args()[1]))
