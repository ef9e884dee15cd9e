"""A plan as a comment: what to look at first, then everything, as far as GitHub takes it.

Names and values come from whoever wrote the pull request. They stand in code alone, in which
markdown, HTML, mentions and links mean nothing.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ops.plan.document import SENSITIVE, UNKNOWN, Action, Change, Plan
from ops.plan.fingerprint import fingerprint
from ops.plan.markdown import block, code
from ops.plan.risk import risks

LIMIT: Final = 60_000
"""GitHub takes 65,536 characters; the rest is for what stands around the lists."""
LOG_LINES: Final = 40
ADVICE: Final = (
    "Somebody changed it by hand, or something that was merged is not applied yet. Put the change "
    "into the code, or apply the code; the check after that closes this issue."
)
VALUE: Final = 300
MARKER: Final = re.compile(
    r"<!-- stargate-(plan|drift) ([a-z][a-z0-9]{1,7})(?: ([0-9a-f]{64}))? -->"
)


@dataclass(frozen=True, slots=True)
class Marker:
    """The first line of what this module writes, by which it is found again."""

    topic: str
    environment: str
    fingerprint: str = ""

    def same_place(self, other: "Marker") -> bool:
        """Whether one would replace the other."""
        return (self.topic, self.environment) == (other.topic, other.environment)

    def __str__(self) -> str:
        words = ("<!--", f"stargate-{self.topic}", self.environment, self.fingerprint, "-->")
        return " ".join(word for word in words if word)


def marker(body: str) -> Marker | None:
    """Only the first line counts, so that nothing quoted further down is taken for one."""
    found = MARKER.fullmatch(body.partition("\n")[0].strip())
    return Marker(found[1], found[2], found[3] or "") if found else None


def of_plan(plan: Plan, environment: str, source: str) -> str:
    """The comment for a plan that could be made."""
    head = [
        str(Marker("plan", environment, fingerprint(plan))),
        f"## Terraform would change {environment}",
        "",
        f"**{counts(plan)}**",
        "",
        source,
        "",
    ]
    return _joined(head, body(plan))


def of_drift(plan: Plan, environment: str, source: str) -> str:
    """The text of the issue for an environment that is not what its code says."""
    head = [
        str(Marker("drift", environment)),
        f"An apply would change {environment}: **{counts(plan)}**.",
        "",
        ADVICE,
        "",
        source,
        "",
    ]
    return _joined(head, body(plan))


def of_failure(log: str, environment: str, source: str) -> str:
    """The comment for a plan that failed: how its output ends."""
    lines = [line for line in log.splitlines() if line.strip()][-LOG_LINES:]
    head = [
        str(Marker("plan", environment)),
        f"## Terraform cannot plan {environment}",
        "",
        "Nothing can be applied from here. The output ends so:",
        "",
    ]
    return "\n".join([*head, *block(lines or ["(there was no output)"]), "", source, ""])


def counts(plan: Plan) -> str:
    """One line, such as `1 to replace, 3 to create`."""
    if plan.is_empty:
        return "No changes"
    said = [f"{number} to {action}" for action in Action if (number := plan.count(action))]
    if plan.outputs:
        said.append(f"outputs: {len(plan.outputs)}")
    return ", ".join(said)


def body(plan: Plan) -> Iterator[Sequence[str]]:
    """Blocks of lines, each of which stands or is left out as a whole."""
    found = risks(plan)
    if found:
        yield ["### Look at these first", ""]
        yield from (
            [f"- **{risk.change.action}** {code(risk.change.address)}: {risk.why}"]
            for risk in found
        )
    if plan.changes:
        yield ["", "### Everything", ""]
        yield from ([_line(change)] for change in plan.changes)
    if plan.outputs:
        yield ["", f"Outputs: {', '.join(map(code, plan.outputs))}"]
    detailed = [one for one in plan.changes if one.action in (Action.UPDATE, Action.REPLACE)]
    if detailed:
        yield ["", "### What differs", ""]
        yield from ([code(one.address), "", *block(differences(one)), ""] for one in detailed)


def _line(change: Change) -> str:
    names = ", ".join(map(code, change.differing)) if change.action is Action.UPDATE else ""
    return f"- {change.action} {code(change.address)}{f': {names}' if names else ''}"


def differences(change: Change) -> list[str]:
    """Each attribute, before and after."""
    return [
        f"{name}: {_value(change.before.get(name))} -> {_value(change.after.get(name))}"
        for name in change.differing
    ]


def _value(value: Any) -> str:
    text = value if value in (SENSITIVE, UNKNOWN) else json.dumps(value)
    return text if len(text) <= VALUE else f"{text[:VALUE]}… ({len(text)} characters)"


def _joined(head: Iterable[str], blocks: Iterable[Sequence[str]]) -> str:
    """As many blocks as there is room for."""
    lines = list(head)
    room = LIMIT - _size(lines)
    for one in blocks:
        room -= _size(one)
        if room < 0:
            lines += ["", "The rest does not fit here; the run's summary and log have it."]
            break
        lines += one
    return "\n".join([*lines, ""])


def _size(lines: Iterable[str]) -> int:
    """In bytes, of which there are at least as many as GitHub counts characters."""
    return sum(len(line.encode()) + 1 for line in lines)
