"""A new password for the gateway's role in the database, which can be taken back at every step.

PostgreSQL knows one password for a role, and asks for it only when a connection is opened. So the
secret changes first, then the role, by the task that set it up; then the gateway's tasks, which
read the secret when they start. What is open meanwhile stays open.
"""

import argparse
import secrets
from dataclasses import dataclass
from typing import Any, Final

import httpx

from ops import guard
from ops.aws.ecs import Ecs
from ops.aws.secrets import Secret, Value
from ops.context import Context
from ops.errors import OpsError, Unreachable
from ops.gateway import internal_option, internal_url
from ops.one_off import run_to_end
from ops.result import Change, Note, Result
from ops.rollout import restarted
from ops.rotation import Rotation, age_option, still_young

HELP = "give the gateway's role in the database a new password, and the gateway new tasks"
SECRET: Final = "gateway/database"  # noqa: S105 - the name of one
SERVICE: Final = "gateway"
SETUP: Final = "database-setup"
SECONDS: Final = httpx.Timeout(15, connect=10)
MEANWHILE: Final = (
    "Connections that are open stay open. A task that needs another one before it is replaced "
    "answers 503 instead, which clients try again: choose an hour of even load."
)
BYTES: Final = 16
"""In hex, so that nothing has to be quoted anywhere."""


def arguments(parser: argparse.ArgumentParser) -> None:
    internal_option(parser)
    age_option(parser)


@dataclass(frozen=True, slots=True)
class Login:
    """The gateway's way into its database."""

    context: Context
    ecs: Ecs
    network: dict[str, Any]
    url: str

    def spread(self) -> str:
        """The role first, then new tasks. Raises OpsError."""
        # In the gateway's network, from which the database can be reached.
        family = self.context.names.family(SETUP)
        run_to_end(self.context, self.ecs, SETUP, family, self.network)
        return restarted(self.context, self.ecs, SERVICE)

    def check(self) -> None:
        """Whether the gateway reaches its database. Raises OpsError."""
        try:
            answer = httpx.get(f"{self.url}/health/readiness", timeout=SECONDS)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            why = str(error) or type(error).__name__
            raise Unreachable(f"{self.url} does not answer: {why}") from error
        if answer.status_code != 200:
            raise OpsError(f"The gateway does not reach its database: {answer.text[:200]}")


def run(context: Context, args: argparse.Namespace) -> Result:
    url, name = internal_url(context, args), context.names.secret(SECRET)
    secret, ecs = Secret(context, name), Ecs(context)
    old = secret.current()
    title = f"Rotate the password of the database's role {SERVICE} in {context.names.prefix}"
    if young := still_young(context, args, old):
        return Result(title, [Note(young)])
    state = ecs.service(SERVICE)
    login = Login(context, ecs, state.network, url)
    login.check()
    changes = [
        Change(f"secret {name}", "today's password", "a new password"),
        Change(f"role {SERVICE}", "today's password", "the new one"),
        Change(
            f"tasks of {SERVICE}", f"{state.running} of {state.revision}", "new ones of the same"
        ),
    ]
    notes = [Note(MEANWHILE)]
    if planned := guard.plan(context, title, changes, notes=notes):
        return planned

    def verify(new: Value) -> None:
        del new  # it is proven by the tasks, which know no other
        login.check()

    took = Rotation(context, secret, old, "password", login.spread, verify).run(
        secrets.token_hex(BYTES)
    )
    notes.append(Note(f"The gateway is stable after {took}, and reaches its database."))
    return Result(title, notes, changes)
