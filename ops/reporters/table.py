"""For people at a terminal."""

from collections.abc import Mapping
from typing import TextIO

from ops.errors import OpsError
from ops.plain import plain
from ops.reporters.text import lines
from ops.result import Result


class TableReporter:
    """Results to stdout; progress and failures to stderr."""

    def __init__(self, out: TextIO, err: TextIO, environ: Mapping[str, str]) -> None:
        del environ
        self._out = out
        self._err = err

    def say(self, line: str) -> None:
        self._err.write(f"{plain(line)}\n")
        self._err.flush()

    def line(self, line: str) -> None:
        self._out.write(f"{plain(line)}\n")
        self._out.flush()

    def result(self, result: Result) -> None:
        self._out.write("".join(f"{line}\n" for line in lines(result)))

    def failure(self, error: OpsError) -> None:
        self.say(f"error: {error.message}")
        for line in error.hint.splitlines():
            self.say(line)
