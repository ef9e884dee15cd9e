"""One run of a command after another, with everything around it in the test's hands."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ops.cli import parser
from ops.context import Context
from ops.result import Facts, Level, Note, Result, Table, Text
from tests.ops.support.clock import FakeClock
from tests.ops.support.fake_client import REGION, FakeService, client


@dataclass
class World:
    """AWS by fakes where there are some, and by moto elsewhere."""

    clock: FakeClock
    fakes: dict[str, FakeService] = field(default_factory=dict)
    environ: dict[str, str] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    emitted: list[str] = field(default_factory=list)
    context: Context = field(init=False)
    _clients: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.context = Context(
            environment="poc",
            project="stargate",
            region=REGION,
            aws=self.client,
            clock=self.clock,
            sleep=self.clock.sleep,
            say=self.said.append,
            emit=self.emitted.append,
            environ=self.environ,
        )

    def client(self, service: str) -> Any:
        if service not in self._clients:
            fake = self.fakes.get(service)
            self._clients[service] = fake.client() if fake else client(service)
        return self._clients[service]

    def run(self, *words: str) -> Result:
        """What the command returns. Raises OpsError."""
        args = parser().parse_args(words)
        given: Mapping[str, Any] = vars(args)
        context = replace(
            self.context,
            environment=given.get("env", "poc"),
            yes=given.get("yes", False),
            force=given.get("force", False),
            timeout=given["timeout"].total_seconds() if "timeout" in given else None,
        )
        result: Result = args.chosen.run(context, args)
        return result


def rows(result: Result, title: str) -> list[dict[str, Any]]:
    """Of the table of that title."""
    for section in result.sections:
        if isinstance(section, Table) and section.title == title:
            return [dict(zip(section.columns, row, strict=True)) for row in section.rows]
    raise AssertionError(title)


def facts(result: Result, title: str) -> dict[str, Any]:
    for section in result.sections:
        if isinstance(section, Facts) and section.title == title:
            return dict(section.facts)
    raise AssertionError(title)


def notes(result: Result, *levels: Level) -> list[str]:
    return [
        section.text
        for section in result.sections
        if isinstance(section, Note) and (not levels or section.level in levels)
    ]


def output(result: Result) -> list[str]:
    return [line for one in result.sections if isinstance(one, Text) for line in one.lines]


def changes(result: Result) -> list[str]:
    return [str(change) for change in result.changes]
