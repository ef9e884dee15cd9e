"""What fuzzing found, and where it is kept: an input in a file, and the command that repeats it."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

CORPUS: Final = Path(__file__).parent / "corpus"
"""A folder for each kind; what is in it is tried again in every run of the tests."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The smallest input that fails, as it is kept, and what it did. What hypothesis found is told
    in words: its input is empty, and the seed repeats it."""

    kind: str
    input: bytes
    said: str

    def keep(self) -> str:
        """Write it into the corpus; the command that tries it again."""
        path = CORPUS / self.kind / hashlib.sha256(self.input).hexdigest()[:16]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.input)
        return f"./dev fuzz --repeat {path.relative_to(CORPUS.parents[2])}"


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one kind: how many inputs, in how long, and what failed."""

    kind: str
    cases: int
    seconds: float
    findings: tuple[Finding, ...]
    grown: str = ""
    """How memory and files of the gateway grew, where there was one."""


def kept(kind: str) -> list[bytes]:
    """The corpus of a kind."""
    return [path.read_bytes() for path in sorted((CORPUS / kind).glob("*"))]
