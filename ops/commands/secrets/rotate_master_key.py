"""A new master key for the gateway, which can be taken back at every step.

The gateway knows one master key, which its tasks read when they start. So the secret changes first,
then the tasks; meanwhile old tasks take the old key and new ones the new. Developers' keys are in
the database and notice nothing.
"""

import argparse
import secrets
from dataclasses import dataclass
from typing import Final

import httpx

from ops import guard
from ops.aws.ecs import Ecs
from ops.aws.secrets import Secret, Value
from ops.context import Context
from ops.errors import OpsError, Unreachable
from ops.gateway import SECRET, internal_option, internal_url
from ops.result import Change, Note, Result
from ops.rollout import restarted
from ops.rotation import Rotation, age_option, still_young

HELP = "give the gateway a new master key, restart it, and check that the old one is refused"
SERVICE: Final = "gateway"
SECONDS: Final = httpx.Timeout(15, connect=10)


def arguments(parser: argparse.ArgumentParser) -> None:
    internal_option(parser)
    age_option(parser)


@dataclass(frozen=True, slots=True)
class Keys:
    """What the gateway thinks of the old key and of others."""

    url: str
    old: Value

    def check_before(self) -> None:
        """Whether the gateway takes what the secret holds. Raises OpsError."""
        status = self.status(self.old)
        if status != 200:
            raise OpsError(
                f"The gateway answers {status} to the key that the secret holds.",
                "Nothing was done. Is this its address? Else `ecs restart gateway` first.",
            )

    def check_after(self, new: Value) -> None:
        """Raises OpsError."""
        found = self.status(new), self.status(self.old)
        if found != (200, 401):
            raise OpsError(
                f"After the restart the gateway answers {found[0]} to the new key and {found[1]} "
                "to the old one; that should be 200 and 401."
            )

    def status(self, key: Value) -> int:
        """What the gateway says to a key: the answer to the smallest question to administration."""
        headers = {"authorization": f"Bearer {key.text}"}
        address = f"{self.url}/key/list?size=1"
        try:
            return httpx.get(address, headers=headers, timeout=SECONDS).status_code
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            why = str(error) or type(error).__name__
            raise Unreachable(f"{self.url} does not answer: {why}") from error


def run(context: Context, args: argparse.Namespace) -> Result:
    url = internal_url(context, args)
    secret, ecs = Secret(context, context.names.secret(SECRET)), Ecs(context)
    keys = Keys(url, secret.current())
    title = f"Rotate the master key of {context.names.prefix}"
    if young := still_young(context, args, keys.old):
        return Result(title, [Note(young)])
    keys.check_before()
    state = ecs.service(SERVICE)
    changes = [
        Change(f"secret {context.names.secret(SECRET)}", "today's key", "a new key"),
        Change(
            f"tasks of {SERVICE}", f"{state.running} of {state.revision}", "new ones of the same"
        ),
    ]
    notes = [
        Note("Whoever administers with the old key needs the new one; developers notice nothing.")
    ]
    if planned := guard.plan(context, title, changes, notes=notes):
        return planned
    rotation = Rotation(
        context, secret, keys.old, "key", lambda: restarted(context, ecs, SERVICE), keys.check_after
    )
    took = rotation.run(f"sk-{secrets.token_urlsafe(36)}")
    notes.append(Note(f"The gateway is stable after {took}; new key 200, old key 401."))
    return Result(title, notes, changes)
