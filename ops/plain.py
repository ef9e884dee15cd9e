"""What others wrote, made harmless to show."""

import re
from collections.abc import Sequence


def plain(text: str) -> str:
    """One line that a terminal shows and does not act on: what others wrote may hold anything."""
    return "".join(c if c.isprintable() else " " if c in "\n\r\t" else "?" for c in text).rstrip()


def fence(lines: Sequence[str], least: int) -> str:
    """Markdown's fence around code that no line of it can close: more backticks than stand together
    anywhere within."""
    longest = max((len(run) for line in lines for run in re.findall("`+", line)), default=0)
    return "`" * max(least, longest + 1)
