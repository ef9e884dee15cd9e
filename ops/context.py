"""What a command works with: the environment, AWS, time, and a way to say how far it is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from ops.errors import Misuse
from ops.names import Names

REGIONS: Final = {"poc": "us-west-1", "prod": "us-east-1"}
"""Where each environment is, as its variables.tf has it; a test compares."""
ENVIRONMENTS: Final = tuple(REGIONS)


def unnamed() -> Misuse:
    """What to raise where an environment is needed and none was named."""
    return Misuse("Which environment?", "Add --env poc or --env prod, or set STARGATE_ENV.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """One run of a command."""

    environment: str | None
    project: str
    region: str
    aws: Callable[[str], Any]
    """A boto3 client by the name of its service; the first one verifies the account."""
    clock: Callable[[], datetime]
    sleep: Callable[[float], None]
    say: Callable[[str], None]
    """Progress, for people."""
    emit: Callable[[str], None]
    """A line of the result that cannot wait for its end; `Text.streamed` has it again."""
    environ: Mapping[str, str]
    yes: bool = False
    force: bool = False
    timeout: float | None = None
    """Seconds; None leaves it to the command."""

    @property
    def names(self) -> Names:
        """Raises Misuse where no environment was named."""
        if self.environment is None:
            raise unnamed()
        return Names(self.project, self.environment)

    @property
    def is_prod(self) -> bool:
        return self.environment == "prod"

    @property
    def in_workflow(self) -> bool:
        """Whether what is written can be read by everybody who can read the repository."""
        return bool(self.environ.get("GITHUB_ACTIONS") or self.environ.get("CI"))

    def limit(self, usual: float) -> float:
        """Seconds that the command may wait."""
        return usual if self.timeout is None else self.timeout
