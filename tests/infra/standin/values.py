"""Values as Terraform sends them: MessagePack, in which a value may be unknown yet."""

import json
from collections.abc import Iterator
from typing import Any, Final

import msgpack
from tfplugin_proto import tfplugin5_5_pb2 as pb


class Unknown:
    """What is known only after the apply."""

    def __repr__(self) -> str:
        return "(known after apply)"


UNKNOWN: Final = Unknown()
_UNKNOWN_ON_THE_WIRE: Final = msgpack.ExtType(0, b"\x00")


def decode(value: Any) -> Any:
    """A DynamicValue as plain Python; unknown and refined unknown values are UNKNOWN."""
    if value.msgpack:
        return msgpack.unpackb(
            value.msgpack, ext_hook=lambda *_: UNKNOWN, raw=False, strict_map_key=False
        )
    return json.loads(value.json) if value.json else None


def encode(value: Any) -> Any:
    """Plain Python as a DynamicValue."""
    return pb.DynamicValue(msgpack=msgpack.packb(value, default=_extension))


def _extension(value: object) -> object:
    if value is UNKNOWN:
        return _UNKNOWN_ON_THE_WIRE
    raise TypeError(f"a provider does not answer with {type(value).__name__}")


def is_known(value: Any) -> bool:
    """Whether nothing within the value is unknown."""
    if isinstance(value, dict):
        return all(map(is_known, value.values()))
    if isinstance(value, list):
        return all(map(is_known, value))
    return value is not UNKNOWN


def elements(nested: Any) -> Iterator[dict[str, Any]]:
    """The blocks of one kind, however they nest; none while it is not known how many."""
    if isinstance(nested, dict):
        yield nested
    elif isinstance(nested, list):
        yield from nested
