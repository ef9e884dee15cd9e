"""`metadata.user_id`: Claude's API refuses one by which a person is known."""

import hashlib
import re
from typing import Final

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
