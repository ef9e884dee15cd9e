"""A new value of a secret, which can be taken back at every step."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

from ops.aws.secrets import CURRENT, PENDING, Secret, Value
from ops.context import Context
from ops.durations import duration, words
from ops.errors import OpsError, RolledBack


def age_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--older-than", type=duration, help="leave it if it is younger, as 30d")


def still_young(context: Context, args: argparse.Namespace, value: Value) -> str | None:
    """Why a value is left alone; None when it is to be rotated."""
    if args.older_than is None or value.created is None:
        return None
    age = context.clock() - value.created
    return None if age >= args.older_than else f"It is {words(age)} old: nothing to do."


@dataclass(frozen=True, slots=True)
class Rotation:
    """From the value that counts to another."""

    context: Context
    secret: Secret
    old: Value
    what: str
    """What the secret is called where people read of it: key, password."""
    spread: Callable[[], str]
    """Has everything take the value that is current; says how long that took. Raises OpsError."""
    verify: Callable[[Value], None]
    """Raises OpsError unless the new value counts."""

    def run(self, text: str) -> str:
        """How long it took. Raises RolledBack, or another OpsError."""
        new = self.secret.put_pending(text)
        try:
            self.secret.move(CURRENT, to=new.version, off=self.old.version)
            took = self.spread()
            self.verify(new)
        except OpsError as error:
            self._take_back(new, error)
        self._forget(new)
        return took

    def _take_back(self, new: Value, why: OpsError) -> NoReturn:
        """Always raises: RolledBack, or what kept the old value from coming back."""
        self.context.say(f"{why.message} Taking the new {self.what} back.")
        try:
            if self.secret.stages().get(CURRENT) == new.version:
                self.secret.move(CURRENT, to=self.old.version, off=new.version)
                self.spread()
            self._forget(new)
        except OpsError as error:
            raise OpsError(
                f"{why.message} Taking the new {self.what} back failed as well: {error.message}",
                f"The version before is {self.old.version}: put {CURRENT} on it, then "
                "`ecs restart gateway`.",
            ) from error
        raise RolledBack(f"{why.message} The old {self.what} counts again.", why.hint) from why

    def _forget(self, new: Value) -> None:
        if self.secret.stages().get(PENDING) == new.version:
            self.secret.move(PENDING, off=new.version)
