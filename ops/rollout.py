"""Wait until a service runs what it should, and say on the way what ECS does."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from ops.aws.ecs import Ecs
from ops.aws.ecs_state import Deployment, ServiceState, Task, revision_of
from ops.context import Context
from ops.durations import words
from ops.errors import OpsError, TimedOut, Unreachable

POLL_SECONDS: Final = 5
USUAL_SECONDS: Final = 20 * 60
PATIENCE: Final = 5
"""Answers in a row that may be missing before the wait is given up."""
LAST_EVENTS: Final = 5


class FailedDeployment(OpsError):
    """ECS gave the deployment up."""


@dataclass(slots=True)
class Rollout:
    """One deployment of one service, watched."""

    context: Context
    ecs: Ecs
    service: str
    deployment: str
    """Its id: another one in its place means that ECS has rolled back."""
    said: str = ""
    seen: set[str] = field(default_factory=set)
    silent: int = 0
    begun: bool = False
    """Whether ECS has shown the deployment; for a moment its answers may be those of before."""

    def wait(self) -> timedelta:
        """How long it took. Raises FailedDeployment, TimedOut or another OpsError."""
        began = self.context.clock()
        limit = timedelta(seconds=self.context.limit(USUAL_SECONDS))
        while True:
            state = self._state()
            if state is not None:
                self._tell(state)
                self._stop_if_failed(state)
                if state.is_stable and self.begun:
                    return self.context.clock() - began
            if self.context.clock() - began >= limit:
                raise TimedOut(
                    f"{self.service} is not stable after {words(limit)}: {self.said}",
                    self._last_events(state),
                )
            self.context.sleep(POLL_SECONDS)

    def _state(self) -> ServiceState | None:
        """None when AWS did not answer this once."""
        try:
            state = self.ecs.service(self.service)
        except Unreachable as error:
            self.silent += 1
            if self.silent > PATIENCE:
                raise
            self.context.say(f"{self.service}: {error.message} Asking again.")
            return None
        self.silent = 0
        return state

    def _tell(self, state: ServiceState) -> None:
        """Changes of the state, and new events, each once."""
        for event in reversed(state.events):
            if event.id not in self.seen:
                self.seen.add(event.id)
                self.context.say(f"{self.service}: ECS says: {event.message}")
        now = _in_words(state)
        if now != self.said:
            self.said = now
            self.context.say(f"{self.service}: {now}")

    def _stop_if_failed(self, state: ServiceState) -> None:
        ours = next((one for one in state.deployments if one.id == self.deployment), None)
        primary = state.primary
        self.begun = self.begun or ours is not None
        if ours is not None and ours.rollout == "FAILED":
            raise FailedDeployment(
                f"The deployment of {self.service} failed: {ours.reason or 'no reason given'}",
                self._reasons(ours.task_definition) + self._last_events(state),
            )
        if self.begun and primary is not None and primary.id != self.deployment:
            raise FailedDeployment(
                f"The deployment of {self.service} was replaced by one of "
                f"{revision_of(primary.task_definition)}.",
                self._last_events(state),
            )

    def _reasons(self, task_definition: str) -> str:
        """Why its last tasks stopped."""
        revision = revision_of(task_definition)
        stopped = [
            task for task in self.ecs.tasks(self.service, stopped=True) if task.revision == revision
        ]
        return "".join(f"{_end(task)}\n" for task in stopped[:3])

    def _last_events(self, state: ServiceState | None) -> str:
        if state is None or not state.events:
            return ""
        told = "\n".join(f"  {event.message}" for event in state.events[:LAST_EVENTS])
        return f"The last events:\n{told}"


def watch(context: Context, ecs: Ecs, state: ServiceState) -> timedelta:
    """Wait for the deployment that an update's answer shows. Raises OpsError."""
    primary = state.primary
    if primary is None:
        raise OpsError(f"{state.name} has no deployment to wait for.")
    seen = {event.id for event in state.events}
    return Rollout(context, ecs, state.name, primary.id, seen=seen).wait()


def restarted(context: Context, ecs: Ecs, service: str) -> str:
    """New tasks of the same revision; says how long it took. Raises OpsError."""
    return words(watch(context, ecs, ecs.update(service, forceNewDeployment=True)))


def _in_words(state: ServiceState) -> str:
    parts = [f"{state.running} of {state.desired} tasks run"]
    if state.pending:
        parts.append(f"{state.pending} start")
    parts += [_deployment(one) for one in state.deployments]
    return ", ".join(parts)


def _deployment(one: Deployment) -> str:
    role = "new" if one.is_primary else "old"
    failed = f", {one.failed} failed" if one.failed else ""
    rollout = one.rollout.lower().replace("_", " ") or one.status.lower()
    return f"{role} {revision_of(one.task_definition)} {rollout} ({one.running}{failed})"


def _end(task: Task) -> str:
    codes = [
        f"{one.name} exit code {one.exit_code}" if one.exit_code is not None else one.reason
        for one in task.containers
        if one.exit_code or one.reason
    ]
    return f"Task {task.id}: {task.stopped_reason} {', '.join(codes)}".rstrip()
