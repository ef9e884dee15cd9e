"""Media types of inline files, as Claude's API knows them."""

import base64
import binascii
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
