"""Signatures of thinking blocks: opaque to clients, and refused when they were tampered with."""

import base64
import hashlib

PREFIX = b"emulated-thought:"


def signature(text: str) -> str:
    """The signature of a thinking block; it stays valid when the text is left out of a reply."""
    digest = hashlib.sha256(PREFIX + text.encode()).digest()
    body = PREFIX + digest
    return base64.b64encode(body + hashlib.sha256(body).digest()[:8]).decode()


def is_signed(value: str) -> bool:
    """Whether `signature` made this value; the text it was made for is not compared."""
    try:
        raw = base64.b64decode(value, validate=True)
    except ValueError:
        return False
    body, check = raw[:-8], raw[-8:]
    return body.startswith(PREFIX) and hashlib.sha256(body).digest()[:8] == check
