"""Ids of tool calls that another provider made, in characters that Claude's API takes."""

import hashlib
import re
from typing import Final

_TAKEN: Final = re.compile(r"[a-zA-Z0-9_-]+")


def claude_id(id_: str) -> str:
    """The id itself, or a digest in its place.

    A call and its result get the same digest, in this request and in all later ones. Clients never
    see it: answers hold the ids of new calls alone.
    """
    if _TAKEN.fullmatch(id_):
        return id_
    return f"toolu_{hashlib.sha256(id_.encode()).hexdigest()[:32]}"
