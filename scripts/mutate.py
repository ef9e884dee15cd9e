"""Change the code in small ways, and list the changes that no unit test notices: `./dev mutate`.

Runs mutmut on a copy in .local/mutation, on the modules that `[tool.mutmut]` in pyproject.toml
names. Exit codes: 0 done, whatever survived; 1 mutmut failed; 2 unknown module. docs/mutation.md
explains the survivors.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from scripts.lock import ROOT

COPY: Final = ROOT / ".local" / "mutation"
COPIED: Final = ("app", "tests", "scripts", "benchmarks", "ops", "pyproject.toml")
MUTMUT: Final = (sys.executable, "-m", "mutmut")
KILLED: Final = {1, 3}
TIMED_OUT: Final = {24, -24, 36, 152, 255}
"""Exit codes of a mutant's tests. One that makes them hang is as good as killed."""


def mutated() -> dict[str, str]:
    """The files that are mutated, by their dotted names."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    files: list[str] = project["tool"]["mutmut"]["only_mutate"]
    return {file.removesuffix(".py").replace("/", "."): file for file in files}


def chosen(names: Sequence[str]) -> list[str]:
    """The modules that end in one of these names, or are one of these files; all without names.

    Raises:
        ValueError: No module has such a name.
    """
    modules = mutated()
    found: list[str] = []
    for name in names:
        dotted = name.removesuffix(".py").replace("/", ".")
        matches = [module for module in modules if f".{module}".endswith(f".{dotted}")]
        if not matches:
            raise ValueError(f"{name} is not mutated; these are: {' '.join(modules.values())}")
        found += matches
    return list(dict.fromkeys(found)) or list(modules)


def copy() -> None:
    """Make a fresh copy: what mutmut remembers of an earlier run does not know of new tests."""
    shutil.rmtree(COPY, ignore_errors=True)
    COPY.mkdir(parents=True)
    for name in COPIED:
        if (ROOT / name).is_dir():
            ignored = shutil.ignore_patterns("node_modules", "__pycache__", ".*")
            shutil.copytree(ROOT / name, COPY / name, ignore=ignored)
        else:
            shutil.copy(ROOT / name, COPY)


def run(modules: Sequence[str], processes: int) -> int:
    """Test every mutant of the modules; progress goes to stderr."""
    command = [*MUTMUT, "run", f"--max-children={processes}", *(f"{one}.*" for one in modules)]
    return subprocess.run(command, cwd=COPY, stdout=sys.stderr, check=False).returncode


def results(module: str) -> dict[str, int | None]:
    """The exit code of the tests of each mutant."""
    meta = COPY / "mutants" / f"{mutated()[module]}.meta"
    codes: dict[str, int | None] = json.loads(meta.read_text())["exit_code_by_key"]
    return codes


def verdict(code: int | None) -> str:
    if code in KILLED:
        return "killed"
    return "timed out" if code in TIMED_OUT else "survived"


def table(modules: Sequence[str]) -> Iterator[str]:
    """Lines with the figures of each module, and of all."""
    yield f"{'module':36}{'killed':>9}{'timed out':>11}{'survived':>10}{'total':>7}"
    whole: Counter[str] = Counter()
    for module in modules:
        count = Counter(map(verdict, results(module).values()))
        whole += count
        yield line(module, count)
    yield line("all", whole)


def line(name: str, count: Counter[str]) -> str:
    killed, hung, survived = count["killed"], count["timed out"], count["survived"]
    return f"{name:36}{killed:>9}{hung:>11}{survived:>10}{count.total():>7}"


def diffs(modules: Sequence[str]) -> Iterator[str]:
    """What each survivor changes."""
    for module in modules:
        for name, code in results(module).items():
            if verdict(code) == "survived":
                command = [*MUTMUT, "show", name]
                yield subprocess.run(
                    command, cwd=COPY, check=False, stdout=subprocess.PIPE, text=True
                ).stdout


def main() -> int:
    parser = argparse.ArgumentParser(prog="./dev mutate", description=__doc__, allow_abbrev=False)
    parser.add_argument(
        "modules", nargs="*", help="names or files, such as pricing or app/inference/accounting.py"
    )
    parser.add_argument(
        "--processes", type=int, default=os.cpu_count() or 1, help="mutants at a time (%(default)s)"
    )
    options = parser.parse_args()
    try:
        modules = chosen(options.modules)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    began = time.monotonic()
    copy()
    if run(modules, options.processes):
        return 1
    print(*diffs(modules), sep="\n")
    print(*table(modules), sep="\n")
    print(f"{time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
