"""A new image of the gateway: migrate, roll out, smoke, and go back if it is no good."""

import argparse
from dataclasses import dataclass
from typing import Final, NoReturn

from ops import guard
from ops.aws.ecs import Ecs
from ops.aws.ecs_state import ServiceState
from ops.aws.task_definitions import Revision, TaskDefinitions
from ops.context import Context
from ops.durations import words
from ops.errors import OpsError, RolledBack
from ops.gateway import INTERNAL, internal_option, public_option, public_url
from ops.images import fixed, repository
from ops.one_off import run_to_end
from ops.result import Change, Note, Result, Section
from ops.rollout import watch
from ops.smoke import Smoke, key_for_smoke, passed, sections

HELP = "deploy an image of the gateway; go back if it fails"
SERVICE: Final = "gateway"
MIGRATION: Final = "gateway-migrate"
SMOKE_AGAIN: Final = 2
"""Bedrock may be short of capacity for a moment, which is no reason to go back."""
SMOKE_PAUSE_SECONDS: Final = 10
NEXT: Final = Note(
    "Write the image into the environment's terraform.tfvars: the next apply deploys what stands "
    "there."
)


def arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--image", required=True, help="repository@sha256:…, or an immutable tag")
    add("--migrate", action="store_true", help="migrate the database first, with the new image")
    add("--no-smoke", action="store_true", help="do not ask the gateway afterwards")
    public_option(parser)
    internal_option(parser)


@dataclass(frozen=True, slots=True)
class Deployment:
    """One run of this command."""

    context: Context
    ecs: Ecs
    revisions: TaskDefinitions
    before: ServiceState
    image: str

    def migrate(self) -> None:
        """Raises OpsError; the gateway runs on as it did."""
        registered = self.register(
            self.revisions.get(self.context.names.family(MIGRATION)), MIGRATION
        )
        # In the gateway's network, from which the database can be reached.
        run_to_end(self.context, self.ecs, MIGRATION, registered.arn, self.before.network)

    def register(self, revision: Revision, container: str) -> Revision:
        made = self.revisions.register(revision.with_image(container, self.image))
        self.context.say(f"{container}: registered {made.name}")
        return made

    def run(self, running: Revision, smoke: Smoke | None) -> list[Section]:
        """What to tell of it. Raises RolledBack, or another OpsError."""
        made = self.register(running, SERVICE)
        try:
            took = watch(self.context, self.ecs, self.ecs.update(SERVICE, taskDefinition=made.arn))
            told: list[Section] = [Note(f"{made.name} is stable after {words(took)}.")]
            return told + (_smoke(self.context, smoke) if smoke else [])
        except OpsError as error:
            self.roll_back(error)

    def roll_back(self, why: OpsError) -> NoReturn:
        """Always raises: RolledBack, or what kept it from going back."""
        self.context.say(f"{SERVICE}: {why.message} Going back to {self.before.revision}.")
        try:
            state = self.ecs.update(SERVICE, taskDefinition=self.before.task_definition)
            watch(self.context, self.ecs, state)
        except OpsError as error:
            raise OpsError(
                f"{why.message} Going back failed as well: {error.message}",
                f"{error.hint}\nLook with `ecs status gateway`.".strip(),
            ) from error
        raise RolledBack(f"{why.message} {self.before.revision} runs again.", why.hint) from why


def run(context: Context, args: argparse.Namespace) -> Result:
    image = fixed(args.image)
    url = None if args.no_smoke else public_url(context, args)
    ecs, revisions = Ecs(context), TaskDefinitions(context)
    before = ecs.service(SERVICE)
    running = revisions.get(before.task_definition)
    title = f"Deploy {SERVICE} in {context.names.cluster}"
    old = running.image(SERVICE)
    if old == image:
        return Result(title, [Note(f"{before.revision} runs this image already.")])
    changes = [Change(f"image of {SERVICE}", old, image)]
    if args.migrate:
        changes.insert(0, Change("database", "as it is", "migrated by the new image"))
    large = []
    if repository(old) != repository(image):
        large = [f"{repository(image)} is another repository than that of today."]
    if planned := guard.plan(context, title, changes, large=large):
        return planned
    internal = args.internal_url or context.environ.get(INTERNAL)
    # Before anything changes: without a key there could be no smoke test afterwards.
    with key_for_smoke(context, internal if url else None) as key:
        deployment = Deployment(context, ecs, revisions, before, image)
        if args.migrate:
            deployment.migrate()
        shown = deployment.run(running, Smoke(url, key) if url else None)
    return Result(title, [*shown, NEXT], changes)


def _smoke(context: Context, smoke: Smoke) -> list[Section]:
    """Raises OpsError when a check fails, and goes on failing."""
    checks = smoke.run()
    for _ in range(SMOKE_AGAIN):
        if not passed(checks):
            context.say("smoke: not passed; asking again")
            context.sleep(SMOKE_PAUSE_SECONDS)
            checks = smoke.run()
    for check in checks:
        context.say(f"smoke: {check.name}: {check.told}")
    if not passed(checks):
        failed = ", ".join(f"{one.name} ({one.told})" for one in checks if not one.passed)
        raise OpsError(f"The gateway does not pass the smoke test: {failed}.")
    return sections(checks)
