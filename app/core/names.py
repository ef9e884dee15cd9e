"""E-mail addresses and names: their normal form, and the characters that they may not have."""

import re
import unicodedata
from typing import Final

LONGEST_EMAIL: Final = 200

_EMAIL: Final = re.compile(r"[^\s@<>(),;:\"\\\[\]]{1,64}@(?:[\w-]{1,63}\.)*[\w-]{1,63}")

JOINERS: Final = frozenset("\u200c\u200d")
"""Format characters that words and emoji need."""

UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode categories: control, format (among them those that turn the direction of text),
surrogates, separators of lines and paragraphs."""


def normal_email(text: str) -> str:
    """An address without blanks around it, in lower case.

    Raises:
        ValueError: It is not an e-mail address.
    """
    address = text.strip().lower()
    if len(address) > LONGEST_EMAIL or not _EMAIL.fullmatch(address) or has_unseen(address):
        raise ValueError(f"{text[:LONGEST_EMAIL]!r} is not an e-mail address")
    return address


def has_unseen(text: str) -> bool:
    """Whether a text holds characters that change how the rest of a line looks."""
    return any(unicodedata.category(c) in UNSEEN and c not in JOINERS for c in text)


def visible_name(text: str) -> str:
    """A name as it was sent.

    Raises:
        ValueError: It is blank, or has control or format characters.
    """
    if not text.strip():
        raise ValueError("must not be blank")
    if has_unseen(text):
        raise ValueError("must not have control or text-direction characters")
    return text


def new_id(text: str) -> str:
    """An id for somebody or something new; lists of ids are separated by commas.

    Raises:
        ValueError: It has blanks, commas, or characters that a name may not have.
    """
    if re.search(r"[\s,]", text) or not text:
        raise ValueError("must not have blanks or commas")
    return visible_name(text)
