"""JSON whose text is broken, made readable.

A model writes tokens, and a token may be half of a character: half of an emoji's escape, or bytes
that are no UTF-8. JavaScript reads the former; strict parsers refuse both.
"""

import re
from typing import Final

_ESCAPES: Final = re.compile(
    rb"\\\\"  # an escaped backslash, so that what follows is no escape
    rb"|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"  # both halves
    rb"|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})"  # one half alone
)

_REPLACEMENT: Final = rb"\ufffd"

_HALVES: Final = (rb"\ud", rb"\uD")


def repaired(raw: bytes) -> bytes:
    """The same JSON, with U+FFFD for each half of a character; as it came if it has none."""
    if not raw.isascii():
        try:
            raw.decode()
        except UnicodeDecodeError:
            raw = raw.decode(errors="replace").encode()
    if not any(half in raw for half in _HALVES):
        return raw
    return _ESCAPES.sub(lambda found: _REPLACEMENT if found[1] else found[0], raw)
