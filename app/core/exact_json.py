"""JSON whose integers keep all of their digits: orjson would round those beyond 64 bits."""

import json
from typing import Any, Final

import orjson

_AS_ZERO: Final = bytes.maketrans(b"123456789", b"000000000")

_LONG: Final = b"0" * 19
"""Fewer digits always fit into 64 bits."""

_FEW: Final = b"0" * 3
"""In a run of this many digits, three at every sixth place are digits: a quick test."""

_FITS: Final = range(-(2**63), 2**64)

_LONGEST: Final = 20


def loads(text: bytes | str) -> Any:
    """What orjson reads, but an integer beyond 64 bits becomes a fragment that orjson writes as it
    came. Raises ValueError."""
    encoded = text.encode() if isinstance(text, str) else text
    parsed = orjson.loads(encoded)
    if _FEW not in encoded[::6].translate(_AS_ZERO) or _LONG not in encoded.translate(_AS_ZERO):
        return parsed
    try:
        return json.loads(encoded.decode(), parse_int=_integer)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _integer(digits: str) -> int | orjson.Fragment:
    value = int(digits) if len(digits) <= _LONGEST else None
    return value if value is not None and value in _FITS else orjson.Fragment(digits)
