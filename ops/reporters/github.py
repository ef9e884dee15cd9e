"""For a workflow: annotations, a step summary, and a log in which no line is a command.

https://docs.github.com/actions/reference/workflow-commands-for-github-actions
"""

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Final, TextIO

from ops.errors import OpsError
from ops.plain import plain
from ops.reporters.markdown import escaped, markdown
from ops.reporters.text import lines
from ops.result import Level, Note, Result

SUMMARY_BYTES: Final = 1_000_000
"""GitHub drops a step's summary above 1 MiB."""


def command(name: str, text: str, **properties: str) -> str:
    """A workflow command; its values can neither end it nor begin another."""
    values = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    return f"::{name}{' ' if values else ''}{values}::{_data(text)}"


def inert(line: str) -> str:
    """A line that the runner takes for text: it looks for `::` in front and `##[` anywhere."""
    text = plain(line).replace("##[", "#\N{WORD JOINER}#[")
    return f"\N{WORD JOINER}{text}" if text.lstrip().startswith("::") else text


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


class GitHubReporter:
    """stdout and stderr are one log there, and its runner reads both."""

    def __init__(self, out: TextIO, err: TextIO, environ: Mapping[str, str]) -> None:
        self._out = out
        self._err = err
        self._summary = environ.get("GITHUB_STEP_SUMMARY")

    def say(self, line: str) -> None:
        self._err.write(f"{inert(line)}\n")
        self._err.flush()

    def line(self, line: str) -> None:
        self._out.write(f"{inert(line)}\n")
        self._out.flush()

    def result(self, result: Result) -> None:
        # The runner heeds no command until the word comes again, which no log line can know.
        word = secrets.token_hex(16)
        shown = [f"::stop-commands::{word}", *map(inert, lines(result)), f"::{word}::"]
        self._out.write("".join(f"{line}\n" for line in shown))
        for section in result.sections:
            if isinstance(section, Note) and section.level is not Level.INFO:
                self._command(section.level, section.text, result.title)
        self._summarize("\n".join(markdown(result)))

    def failure(self, error: OpsError) -> None:
        text = f"{error.message}\n{error.hint}".rstrip()
        self._command("error", text, f"ops: {error.exit.name.lower()}")
        self._summarize(f"❌ {escaped(error.message)}\n\n{escaped(error.hint)}")

    def _command(self, name: str, text: str, title: str) -> None:
        self._out.write(f"{command(name, text, title=title)}\n")

    def _summarize(self, text: str) -> None:
        if not self._summary:
            return
        room = SUMMARY_BYTES - _size(Path(self._summary))
        written = f"{text}\n\n".encode()
        if len(written) > room:
            written = b"The result is too long for a summary; the log has it.\n\n"
        with Path(self._summary).open("ab") as file:
            file.write(written)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
