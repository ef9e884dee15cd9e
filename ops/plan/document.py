"""A plan as `terraform show -json` writes it, without the values that nobody may see.

https://developer.hashicorp.com/terraform/internals/json-format
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, assert_never

from ops.errors import OpsError

SENSITIVE: Final = "(sensitive)"
UNKNOWN: Final = "(known after apply)"


class Action(StrEnum):
    """What happens to a resource, from the worst on."""

    DELETE = "destroy"
    REPLACE = "replace"
    FORGET = "forget"
    UPDATE = "update"
    CREATE = "create"
    IMPORT = "import"
    MOVE = "move"

    @property
    def sign(self) -> str:
        """As Terraform draws it."""
        match self:
            case Action.DELETE:
                return "-"
            case Action.REPLACE:
                return "-/+"
            case Action.FORGET:
                return "."
            case Action.UPDATE:
                return "~"
            case Action.CREATE:
                return "+"
            case Action.IMPORT | Action.MOVE:
                return ">"
            case _:
                assert_never(self)


ACTIONS: Final[Mapping[tuple[str, ...], Action]] = {
    ("create",): Action.CREATE,
    ("update",): Action.UPDATE,
    ("delete",): Action.DELETE,
    ("forget",): Action.FORGET,
    ("delete", "create"): Action.REPLACE,
    ("create", "delete"): Action.REPLACE,
    ("create", "forget"): Action.REPLACE,
}
Node = Mapping[str, Any]
NOTHING: Final = {("no-op",), ("read",)}


@dataclass(frozen=True, slots=True)
class Change:
    """One resource that will be another; `before` and `after` hold what may be shown."""

    address: str
    kind: str
    action: Action
    before: Node
    after: Node
    differing: tuple[str, ...]
    """Names of the attributes whose values change; of sensitive ones, too."""


@dataclass(frozen=True, slots=True)
class Plan:
    """All that will change."""

    changes: tuple[Change, ...]
    outputs: tuple[str, ...]
    """Names of outputs whose values change."""

    @property
    def is_empty(self) -> bool:
        return not self.changes and not self.outputs

    def count(self, action: Action) -> int:
        return sum(one.action is action for one in self.changes)


def read(path: Path) -> Plan | None:
    """The plan in a file; None where there is no file, since the plan failed."""
    try:
        text = path.read_text()
    except FileNotFoundError:
        return None
    try:
        return parse(json.loads(text))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise OpsError(
            f"{path.name} is no plan: {error}",
            "Write it with `terraform show -json <plan> > plan.json`.",
        ) from error


def parse(document: Node) -> Plan:
    """Worst first, then by address."""
    if not str(document["format_version"]).startswith("1."):
        raise ValueError(f"its format is {document['format_version']}, not 1.x")
    found = [_change(one) for one in document.get("resource_changes") or ()]
    order = list(Action)
    changes = sorted(
        (one for one in found if one), key=lambda one: (order.index(one.action), one.address)
    )
    outputs = document.get("output_changes") or {}
    named = sorted(name for name, one in outputs.items() if tuple(one["actions"]) not in NOTHING)
    return Plan(tuple(changes), tuple(named))


def _change(resource: Node) -> Change | None:
    """None for what stays as it is, and for data that is read."""
    change = resource["change"]
    action = _action(resource, tuple(change["actions"]))
    if resource["mode"] != "managed" or action is None:
        return None
    hidden = (change.get("before_sensitive"), change.get("after_sensitive"))
    was, becomes = change["before"] or {}, change["after"] or {}
    unknown = change.get("after_unknown") or {}
    return Change(
        resource["address"],
        resource["type"],
        action,
        _attributes(was, hidden, None),
        _attributes(becomes, hidden, unknown),
        tuple(
            name
            for name in sorted({*was, *becomes, *unknown})
            if was.get(name) != becomes.get(name) or _any(unknown.get(name))
        ),
    )


def _any(marks: Any) -> bool:
    """Whether anything in there is marked."""
    if isinstance(marks, dict | list):
        return any(map(_any, marks.values() if isinstance(marks, dict) else marks))
    return marks is True


def _action(resource: Node, actions: tuple[str, ...]) -> Action | None:
    if actions in NOTHING:
        if resource["change"].get("importing"):
            return Action.IMPORT
        return Action.MOVE if resource.get("previous_address") else None
    if actions not in ACTIONS:
        raise ValueError(f"it has an unknown action, {'/'.join(actions)}")
    return ACTIONS[actions]


def visible(value: Any, hidden: tuple[Any, ...], unknown: Any) -> Any:
    """The value, with a word in place of what is sensitive on either side, or not yet known."""
    if any(mark is True for mark in hidden):
        return SENSITIVE
    if unknown is True:
        return UNKNOWN
    if isinstance(value, dict):
        return _attributes(value, hidden, unknown)
    if isinstance(value, list):
        return [_part(one, hidden, unknown, place) for place, one in enumerate(value)]
    return value


def _attributes(values: Node, hidden: tuple[Any, ...], unknown: Any) -> dict[str, Any]:
    """Each by its name, and those that will be there."""
    marked = {name for name, mark in (unknown or {}).items() if _any(mark)}
    return {name: _part(values.get(name), hidden, unknown, name) for name in {*values, *marked}}


def _part(value: Any, hidden: tuple[Any, ...], unknown: Any, place: str | int) -> Any:
    return visible(value, tuple(_at(one, place) for one in hidden), _at(unknown, place))


def _at(marks: Any, place: str | int) -> Any:
    """The marks of one part; a whole that is marked marks its parts, and lists may be shorter."""
    if marks is True:
        return True
    if isinstance(marks, dict) and isinstance(place, str):
        return marks.get(place)
    if isinstance(marks, list) and isinstance(place, int) and place < len(marks):
        return marks[place]
    return None
