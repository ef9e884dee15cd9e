"""What a command writes, line by line, and its exit code from the line that is marked."""

import codecs
from collections.abc import Callable
from typing import Final

MOST_LINES: Final = 10_000
LONGEST_LINE: Final = 20_000


class Output:
    """Takes bytes as they come, shows whole lines, and keeps so many of them."""

    def __init__(self, show: Callable[[str], None], mark: str) -> None:
        self._show = show
        self._mark = mark
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._rest = ""
        self.lines: list[str] = []
        self.truncated = False
        self.exit_code: int | None = None

    def take(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + self._decode(data)).split("\n")
        for line in lines:
            self._line(line)
        while len(self._rest) > LONGEST_LINE:
            self._line(self._rest[:LONGEST_LINE])
            self._rest = self._rest[LONGEST_LINE:]

    def end(self) -> None:
        """The last line may lack its end; the empty one before the mark is ours."""
        if self._rest:
            self._line(self._rest)
            self._rest = ""
        if self.exit_code is not None and self.lines[-1:] == [""]:
            self.lines.pop()

    def _line(self, line: str) -> None:
        text = line.rstrip("\r")
        code = text.removeprefix(self._mark)
        if code != text and code.lstrip("-").isdigit():
            self.exit_code = int(code)
        elif len(self.lines) >= MOST_LINES:
            self.truncated = True
        else:
            self.lines.append(text)
            self._show(text)
