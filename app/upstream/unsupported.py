"""Parameters that Bedrock turned out not to take, learnt from its errors.

Bedrock's checks change with its models and differ from what is documented. An error that names a
beta flag or an extra field is answered by one retry without it. If that succeeds, later requests
of the same key to that model leave it out from the start, for a while; those of all keys do once
several keys had the same error, and only if the field is on a list: an error quotes what a client
sent, and no client decides what is left out of another's request (ADR 40).
"""

import logging
import re
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from app.core.ids import KeyId
from app.core.json_fields import JsonObject
from app.errors import GatewayError, UpstreamRejected

log = logging.getLogger(__name__)

REMEMBERED_SECONDS: Final = 3_600

KEYS_REMEMBERED: Final = 10_000

OMISSIONS_PER_KEY: Final = 10

OMISSIONS_PER_MODEL: Final = 50

COMMON_AFTER_KEYS: Final = 3
"""So many keys must have had the same error before a field is left out for everybody."""

COMMON: Final = frozenset(
    (
        "allowed_callers",
        "caller",
        "citations",
        "context_management",
        "defer_loading",
        "display",
        "eager_input_streaming",
        "effort",
        "input_examples",
        "metadata",
        "scope",
        "strict",
        "temperature",
        "top_k",
        "top_p",
        "ttl",
    )
)
"""Fields that may be left out for everybody: an answer without them is still the answer."""

TOP_LEVEL: Final = COMMON - {"caller", "scope", "ttl"}
"""Fields that may be left out of the body itself. What stands deeper may be any but `NEEDED`."""

NEEDED: Final = frozenset(
    (
        "budget_tokens",
        "cache_control",
        "content",
        "data",
        "description",
        "format",
        "id",
        "input",
        "input_schema",
        "media_type",
        "name",
        "role",
        "schema",
        "signature",
        "source",
        "text",
        "thinking",
        "tool_use_id",
        "type",
    )
)
"""Fields that carry what was asked, or what it costs."""

_BETA: Final = re.compile(
    r"invalid beta flag(?::? ?['\"`]?([a-z0-9-]+-\d{4}-\d{2}-\d{2})['\"`]?)?\.?"
)

_EXTRA: Final = re.compile(r"([A-Za-z_][\w.\-]*): Extra inputs are not permitted\.?")

_EXTRANEOUS: Final = re.compile(
    r"(?:Malformed input request: )?#(/[\w/\-]*)?: extraneous key \[([A-Za-z_][\w\-]*)\]"
    r" is not permitted(?:, please reformat your input and try again)?\.?"
)
"""Each is the whole of an error: what is quoted in another error is not one."""


@dataclass(frozen=True, slots=True)
class UnsupportedParam:
    """A beta flag (`*` for all of them), or a field by its path as Bedrock names it.

    List positions are left out of a path. A part may be the `type` of an object on the way: then
    only objects of that type are meant, so that one client's mistake costs no other a good field.
    """

    beta: str | None = None
    path: tuple[str, ...] = ()

    @property
    def common(self) -> bool:
        """Whether it may be left out for everybody."""
        return self.path[-1] in COMMON if self.path else self.beta != "*"

    def __str__(self) -> str:
        return f"beta {self.beta}" if self.beta else ".".join(self.path)


def omission_for(error: GatewayError) -> UnsupportedParam | None:
    """What to leave out after this error; None if it is about something else."""
    if not isinstance(error, UpstreamRejected):
        return None
    if beta := _BETA.fullmatch(error.message):
        return UnsupportedParam(beta=(beta[1] or "*"))
    if extra := _EXTRA.fullmatch(error.message):
        parts = extra[1].split(".")
    elif extraneous := _EXTRANEOUS.fullmatch(error.message):
        parts = [*(extraneous[1] or "").split("/"), extraneous[2]]
    else:
        return None
    path = tuple(part for part in parts if part and not part.isdecimal())
    return UnsupportedParam(path=path) if _may_go(path) else None


def _may_go(path: tuple[str, ...]) -> bool:
    return path[0] in TOP_LEVEL if len(path) == 1 else path[-1] not in NEEDED


def without(body: JsonObject, omission: UnsupportedParam) -> JsonObject:
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


class UnsupportedParams:
    """What to leave out for each model and key; bounded in number and in time."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._by_key: OrderedDict[tuple[str, KeyId], dict[UnsupportedParam, float]] = OrderedDict()
        """Until when."""
        self._common: dict[str, OrderedDict[UnsupportedParam, dict[KeyId, float]]] = {}
        """By model: those on the list, with the keys that had the error."""

    def known(self, model: str, key: KeyId) -> list[UnsupportedParam]:
        """What this model was seen to refuse: to this key, or to several."""
        now = self._monotonic()
        found = [o for o, until in self._by_key.get((model, key), {}).items() if until > now]
        for omission, keys in self._common.get(model, {}).items():
            if omission not in found:
                alive = sum(until > now for until in keys.values())
                found += [omission] if alive >= COMMON_AFTER_KEYS else []
        return found

    def learn(self, model: str, omission: UnsupportedParam, key: KeyId) -> bool:
        """A call without it succeeded. Whether that is news."""
        until = self._monotonic() + REMEMBERED_SECONDS
        own = self._by_key.setdefault((model, key), {})
        news = omission not in own
        own.pop(omission, None)
        own[omission] = until
        if len(own) > OMISSIONS_PER_KEY:
            del own[next(iter(own))]
        if len(self._by_key) > KEYS_REMEMBERED:
            self._by_key.popitem(last=False)
        if omission.common:
            self._learn_common(model, omission, key, until)
        if news:
            log.warning(
                "parameter rejected by Bedrock; leaving it out for an hour",
                extra={"model": model, "omission": str(omission), "key_id": key},
            )
        return news

    def _learn_common(
        self, model: str, omission: UnsupportedParam, key: KeyId, until: float
    ) -> None:
        common = self._common.setdefault(model, OrderedDict())
        keys = common.setdefault(omission, {})
        keys.pop(key, None)
        keys[key] = until
        if len(keys) > COMMON_AFTER_KEYS:
            del keys[next(iter(keys))]
        if len(common) > OMISSIONS_PER_MODEL:
            common.popitem(last=False)
