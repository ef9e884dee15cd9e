"""Sends what nobody should send: `./dev fuzz [--long | --cases N] [--only KIND,…] [--seed N]`.

api: the OpenAPI document against a running gateway. translators: requests and answers from one
API format to the other. frames, sse, json: what reads bytes, guided by coverage. A finding goes
into tests/fuzz/corpus as its smallest input, with the command that repeats it; exit code 1.
"""

import argparse
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from app.database.migrate import migrate
from app.local.postgres import FOR_TESTS, Postgres
from benchmarks.pages import write_section
from benchmarks.processes import end_in_order
from benchmarks.runs import machine
from tests.fuzz import api, parsers, translators
from tests.fuzz.found import Figures, Finding
from tests.fuzz.targets import TARGETS
from tests.support.processes import ROOT
from tests.support.stack import Stack, running_stack

PAGE: Final = ROOT / "docs" / "security.md"
LARGEST_SEED: Final = 1_000_000
SHORT: Final = {"api": 550, "translators": 2_500, "frames": 20_000, "sse": 20_000, "json": 20_000}
LONG: Final = {"api": 11_000, "translators": 40_000, **dict.fromkeys(TARGETS, 200_000)}
UNHINDERED: Final = {"GATEWAY_FAILED_AUTH_PER_MINUTE": "0"}
"""That those who guess keys are slowed down is tested elsewhere."""


def main(argv: Sequence[str]) -> int:
    options = _options(argv)
    end_in_order()
    if options.repeat is not None:
        return _repeat(options.repeat)
    seed = options.seed if options.seed is not None else secrets.randbelow(LARGEST_SEED)
    cases = LONG if options.long else SHORT
    if options.cases is not None:
        cases = dict.fromkeys(cases, options.cases)
    kinds = options.only or list(KINDS)
    _say(f"{', '.join(f'{cases[kind]:,} {kind}' for kind in kinds)}; --seed {seed}")
    found = [_run(kind, cases[kind], seed) for kind in kinds]
    rows = _rows(found, seed)
    _say(f"\n{_table(rows)}")
    if options.write:
        write_section(PAGE, "fuzz", _table(_written(PAGE.read_text()) | rows))
    return 1 if any(one.findings for one in found) else 0


def _options(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev fuzz", description=__doc__)

    def known(text: str) -> list[str]:
        if unknown := set(text.split(",")) - KINDS.keys():
            raise argparse.ArgumentTypeError(
                f"no such kind: {', '.join(sorted(unknown))}; there are {', '.join(KINDS)}"
            )
        return text.split(",")

    def kept(text: str) -> Path:
        if not Path(text).is_file() or Path(text).parent.name not in {"api", *TARGETS}:
            raise argparse.ArgumentTypeError(f"no input of tests/fuzz/corpus: {text}")
        return Path(text)

    amount = parser.add_mutually_exclusive_group()
    amount.add_argument("--long", action="store_true", help=f"{sum(LONG.values()):,} cases")
    amount.add_argument("--cases", type=int, metavar="N", help="so many of each kind")
    parser.add_argument("--only", type=known, metavar="KIND,…", help=", ".join(KINDS))
    parser.add_argument("--seed", type=int, metavar="N", help="the same cases as another run")
    parser.add_argument("--repeat", type=kept, metavar="FILE", help="one input that was found")
    parser.add_argument("--write", action="store_true", help="the figures go into docs/security.md")
    return parser.parse_args(argv)


def _run(kind: str, cases: int, seed: int) -> Figures:
    done, seconds, findings = 0, 0.0, list[Finding]()
    for part in KINDS[kind](cases, seed):
        done, seconds = done + part.cases, seconds + part.seconds
        rate = done / seconds if seconds else 0
        left = max(0, cases - done) / rate if rate else 0
        _progress(f"{kind:12}{done:9,} cases {rate:9,.0f} a second {left:5.0f} s left")
        for finding in part.findings:
            findings.append(finding)
            again = f"./dev fuzz --only {kind} --cases {cases} --seed {seed}"
            _say(f"\n{finding.said[:2000]}\n  {finding.keep() if finding.input else again}")
    _say("")
    return Figures(kind, done, seconds, tuple(findings))


def _api(cases: int, seed: int) -> Iterator[Figures]:
    with _gateway() as stack, api.steady(stack) as wrong, closing(api.Api(stack)) as gateway:
        yield from api.fuzz(gateway, cases, seed)
    if wrong:
        yield Figures("api", 0, 0, tuple(Finding("api", b"", said) for said in wrong))


def _translators(cases: int, seed: int) -> Iterator[Figures]:
    for name in translators.PROPERTIES:
        yield translators.fuzz(name, max(1, cases // len(translators.PROPERTIES)), seed)


def _target(name: str) -> Callable[[int, int], Iterable[Figures]]:
    return lambda cases, seed: [parsers.fuzz(name, cases, seed)]


KINDS: Final[Mapping[str, Callable[[int, int], Iterable[Figures]]]] = {
    "api": _api,
    "translators": _translators,
    **{name: _target(name) for name in TARGETS},
}


@contextmanager
def _gateway() -> Iterator[Stack]:
    """With a database and an emulator, all of them thrown away at the end."""
    folder = Path(tempfile.mkdtemp(prefix="gateway-fuzz-"))
    folder.chmod(0o711)  # PostgreSQL runs as another user, where root starts it
    server = Postgres(folder, settings=FOR_TESTS, tied=True)
    server.start()
    try:
        migrate(server.dsn)
        with running_stack(server.dsn, folder, **UNHINDERED) as stack:
            yield stack
    finally:
        server.stop()
        shutil.rmtree(folder)


def _repeat(path: Path) -> int:
    """Exit code 1 while the input still fails."""
    kind = path.parent.name
    if kind == "api":
        with _gateway() as stack, closing(api.Api(stack)) as gateway:
            said = api.repeat(gateway, path.read_bytes())
    else:
        said = parsers.fails(kind, path.read_bytes())
    _say(said or "It is right now.")
    return 1 if said else 0


def _rows(found: Sequence[Figures], seed: int) -> dict[str, str]:
    return {
        one.kind: f"| {one.kind} | {one.cases:,} | {one.seconds:,.0f} "
        f"| {one.cases / one.seconds:,.0f} | {len(one.findings) or 'none'} "
        f"| {datetime.now(UTC):%Y-%m-%d} | {seed} |"
        for one in found
    }


def _table(rows: Mapping[str, str]) -> str:
    names = ("what", "cases", "seconds", "a second", "findings", "when", "seed")
    head = f"| {' | '.join(names)} |\n|{'---|' * len(names)}"
    return "\n".join([f"On {machine()}.\n", head, *(rows[kind] for kind in KINDS if kind in rows)])


def _written(page: str) -> dict[str, str]:
    """The rows of other runs, by kind: those that were not run now stay."""
    section = page.partition("<!-- made: fuzz -->")[2].partition("<!-- end -->")[0]
    rows = [line for line in section.splitlines() if line.startswith("| ")]
    return {row.split("|")[1].strip(): row for row in rows}


def _progress(line: str) -> None:
    end = "\r" if sys.stdout.isatty() else "\n"
    print(f"{time.strftime('%H:%M:%S')} {line}", end=end, flush=True)  # noqa: T201 - for people


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - for people


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
