"""What a running target is to the rest: where it is, how it is asked, what belongs to it."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final

from benchmarks.bodies import MODEL, ApiFormat

SSE_MARK: Final = "data: "
ENDINGS: Final[Mapping[ApiFormat, str]] = MappingProxyType(
    {"messages": "message_stop", "chat": "[DONE]"}
)


@dataclass(frozen=True, slots=True)
class Place:
    """What every target is given: the stub's address, and a folder of its own for this run."""

    bedrock: str
    folder: Path
    workers: int = 1
    history_rows: int = 0
    durable: bool = True
    """Whether its database waits for the disk, as in production."""


@dataclass(frozen=True, slots=True)
class Running:
    """A target that answers. `paths` holds a path for each of its API formats, by whether it
    streams; `keys` what a scenario may ask with, by the scenario's name for them."""

    name: str
    addresses: Sequence[tuple[str, int]]
    pids: Sequence[int]
    paths: Mapping[tuple[ApiFormat, bool], str]
    keys: Mapping[str, Sequence[str]] = field(
        default_factory=lambda: {"one": ["sk-any-key-of-the-benchmark"]}
    )
    model: str = MODEL
    headers: Mapping[str, str] = field(default_factory=dict)
    database_pids: Sequence[int] = ()
    database_url: str = ""
    start_seconds: float = 0
    installed_mb: float = 0
    metrics_url: str = ""
    raw_frames: bool = False
    """Bedrock's frames come through as they are, not as server-sent events."""

    @property
    def mark(self) -> str:
        return ":event-type" if self.raw_frames else SSE_MARK

    def ending(self, api_format: ApiFormat) -> str:
        return "" if self.raw_frames else ENDINGS[api_format]


Starter = Callable[[Place], AbstractContextManager[Running]]


def local(port: int) -> tuple[str, int]:
    return ("127.0.0.1", port)


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2])


MESSAGES: Final[Mapping[tuple[ApiFormat, bool], str]] = MappingProxyType(
    {("messages", False): "/v1/messages", ("messages", True): "/v1/messages"}
)
BOTH: Final[Mapping[tuple[ApiFormat, bool], str]] = MappingProxyType(
    {
        **MESSAGES,
        ("chat", False): "/v1/chat/completions",
        ("chat", True): "/v1/chat/completions",
    }
)
BEDROCK_PATHS: Final[Mapping[tuple[ApiFormat, bool], str]] = MappingProxyType(
    {
        ("messages", False): "/model/m/invoke",
        ("messages", True): "/model/m/invoke-with-response-stream",
        ("chat", False): "/model/m/converse",
        ("chat", True): "/model/m/converse-stream",
    }
)
