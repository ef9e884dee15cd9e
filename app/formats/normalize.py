"""Media types of inline files, as Claude's API knows them."""

import base64
import binascii
import hashlib
import re
from typing import Final

ALIASES: Final = {
    "image/jpg": "image/jpeg",
    "image/pjpeg": "image/jpeg",
    "image/x-png": "image/png",
}

SIGNATURES: Final = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)

HEAD_CHARACTERS: Final = 32
"""Of base64: enough for each signature."""


def media_type(given: str, data: str) -> str:
    """The type that the data has, or else the one given, without parameters and in small letters.

    Clients go by a file's name at times, and the API compares the two.
    """
    plain = given.partition(";")[0].strip().lower()
    return (_seen(data) if plain.startswith("image/") else None) or ALIASES.get(plain, plain)


def _seen(data: str) -> str | None:
    try:
        head = base64.b64decode(data[:HEAD_CHARACTERS])
    except (binascii.Error, ValueError):
        return None
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for start, kind in SIGNATURES if head.startswith(start)), None)


_TAKEN: Final = re.compile(r"[a-zA-Z0-9_-]+")


def claude_id(id_: str) -> str:
    """The id itself, or a digest in its place.

    A call and its result get the same digest, in this request and in all later ones. Clients never
    see it: answers hold the ids of new calls alone.
    """
    if _TAKEN.fullmatch(id_):
        return id_
    return f"toolu_{hashlib.sha256(id_.encode()).hexdigest()[:32]}"


LONGEST: Final = 256
"""Characters."""

_EMAIL: Final = re.compile(r"[^\s@\"']+@[^\s@\"']+\.[^\s@\"']+")

_PHONE: Final = re.compile(r"(?<![\w-])\+?\(?(?:\d[ ().-]{0,3}){6,14}\d(?![\w-])")


def opaque(user_id: str) -> str:
    """The id itself; a digest of it where it is too long or holds an address or phone number.

    The same id always gives the same digest, so that one user stays one user.
    """
    if len(user_id) <= LONGEST and not _EMAIL.search(user_id) and not _PHONE.search(user_id):
        return user_id
    return f"user_{hashlib.sha256(user_id.encode()).hexdigest()}"
