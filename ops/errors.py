"""Errors of commands. Each kind has its exit code; only cli.py shows them."""

from typing import ClassVar

from ops.exits import Exit


class OpsError(Exception):
    """It was tried and failed."""

    exit: ClassVar[Exit] = Exit.FAILED

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class Misuse(OpsError):
    """The command makes no sense as it stands."""

    exit = Exit.USAGE


class Refused(OpsError):
    """A guard stands before the change."""

    exit = Exit.REFUSED


class TimedOut(OpsError):
    """What was begun did not end in time."""

    exit = Exit.TIMEOUT


class Credentials(OpsError):
    """None, expired, or of another account."""

    exit = Exit.CREDENTIALS


class NotFound(OpsError):
    """What was named does not exist."""

    exit = Exit.NOT_FOUND


class Denied(OpsError):
    """The role, or the gateway's key, may not do this."""

    exit = Exit.DENIED


class Unreachable(OpsError):
    """No answer, or one that says to ask less often."""

    exit = Exit.UNREACHABLE


class Interrupted(OpsError):
    """Ctrl-C."""

    exit = Exit.INTERRUPTED


class RolledBack(OpsError):
    """A deployment failed, and what ran before runs again."""

    exit = Exit.ROLLED_BACK
