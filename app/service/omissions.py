"""What Bedrock turned out not to take, learnt from its refusals.

Bedrock's checks change with its models and differ from what is documented. A refusal that names a
beta flag or an extra field is answered by one more try without it, and later requests to that model
leave it out from the start, for a while.
"""

import logging
import re
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from app.errors import GatewayError, UpstreamRejected
from app.wire.anthropic import JsonObject

log = logging.getLogger(__name__)

REMEMBERED_SECONDS: Final = 3_600
MODELS_REMEMBERED: Final = 1_000
OMISSIONS_PER_MODEL: Final = 50

NEEDED: Final = frozenset({"anthropic_version", "max_tokens", "messages", "safeguards"})
"""Fields without which there is no request, or not the protection that was asked for."""

_BETA: Final = re.compile(r"invalid beta flag(?:[^a-z0-9]+([a-z0-9-]+-\d{4}-\d{2}-\d{2}))?", re.I)
_EXTRA: Final = re.compile(r"(?:^|[\s:'\"])([A-Za-z_][\w.\-]*): Extra inputs are not permitted")
_EXTRANEOUS: Final = re.compile(r"extraneous key \[([A-Za-z_][\w.\-]*)\]")


@dataclass(frozen=True, slots=True)
class Omission:
    """A beta flag (`*` for all of them), or a field by its path as Bedrock names it.

    List positions are left out of a path. A part may be the `type` of an object on the way: then
    only objects of that type are meant, so that one client's mistake costs no other a good field.
    """

    beta: str | None = None
    path: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"beta {self.beta}" if self.beta else ".".join(self.path)


def omission_for(error: GatewayError) -> Omission | None:
    """What to leave out after this refusal; None if it is about something else."""
    if not isinstance(error, UpstreamRejected):
        return None
    if beta := _BETA.search(error.message):
        return Omission(beta=(beta[1] or "*"))
    extra = _EXTRA.search(error.message) or _EXTRANEOUS.search(error.message)
    if extra is None:
        return None
    path = tuple(part for part in extra[1].split(".") if not part.isdecimal())
    return None if len(path) == 1 and path[0] in NEEDED else Omission(path=path)


def without(body: JsonObject, omission: Omission) -> JsonObject:
    """The body without it; the same object where it has no such thing."""
    if omission.path:
        found: JsonObject = _without_path(body, omission.path)
        return found
    flags = body.get("anthropic_beta", [])
    kept = [flag for flag in flags if omission.beta not in ("*", flag)]
    if len(kept) == len(flags):
        return body
    rest = {name: value for name, value in body.items() if name != "anthropic_beta"}
    return rest | ({"anthropic_beta": kept} if kept else {})


def _without_path(value: Any, path: tuple[str, ...]) -> Any:
    """The value itself where it has nothing at the path."""
    if isinstance(value, list):
        items = [_without_path(item, path) for item in value]
        return value if all(a is b for a, b in zip(items, value, strict=True)) else items
    if not isinstance(value, dict):
        return value
    head, rest = path[0], path[1:]
    if rest and head == value.get("type", "custom"):
        changed = _without_path(value, rest)
        if changed is not value:
            return changed
    if head not in value:
        return value
    if not rest:
        return {name: item for name, item in value.items() if name != head}
    inner = _without_path(value[head], rest)
    return value if inner is value[head] else {**value, head: inner}


class Omissions:
    """What to leave out for each model; bounded in number and in time."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._known: OrderedDict[str, dict[Omission, float]] = OrderedDict()

    def apply(self, model: str, body: JsonObject) -> JsonObject:
        """The body without what this model was seen to refuse."""
        known = self._known.get(model)
        if not known:
            return body
        now = self._monotonic()
        for omission, until in list(known.items()):
            if until <= now:
                del known[omission]
            else:
                body = without(body, omission)
        return body

    def learn(self, model: str, omission: Omission) -> None:
        log.warning("left out from now on", extra={"model": model, "omission": str(omission)})
        known = self._known.setdefault(model, {})
        if len(known) < OMISSIONS_PER_MODEL:
            known[omission] = self._monotonic() + REMEMBERED_SECONDS
        while len(self._known) > MODELS_REMEMBERED:
            self._known.popitem(last=False)
