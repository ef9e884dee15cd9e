"""Ways to show a result, by the name that `--output` takes."""

from collections.abc import Callable, Mapping
from typing import Final, Protocol, TextIO

from ops.errors import OpsError
from ops.reporters.github import GitHubReporter
from ops.reporters.json import JsonReporter
from ops.reporters.table import TableReporter
from ops.result import Result


class Reporter(Protocol):
    """Shows how a run went, and how far it is."""

    def say(self, line: str) -> None: ...

    def line(self, line: str) -> None: ...

    def result(self, result: Result) -> None: ...

    def failure(self, error: OpsError) -> None: ...


REPORTERS: Final[Mapping[str, Callable[[TextIO, TextIO, Mapping[str, str]], Reporter]]] = {
    "table": TableReporter,
    "json": JsonReporter,
    "github": GitHubReporter,
}
