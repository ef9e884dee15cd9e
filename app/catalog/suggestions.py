"""Names that come close to an unknown one, at a cost that does not grow with what was sent."""

from collections.abc import Iterable
from typing import Final

LONGEST: Final = 64
"""Characters that are compared; no model's name is longer by more than its suffix."""

CLOSE: Final = 0.5
"""Share of pairs of letters in common, from 0 to 1, of a name that is suggested."""


class Suggestions:
    """Compares names by the pairs of letters that they share (Dice's coefficient)."""

    def __init__(self, names: Iterable[str]) -> None:
        self._pairs = {name: _pairs(name) for name in names}

    def close_to(self, name: str, most: int) -> list[str]:
        """The known names that come closest, the closest first; none that is only remotely like."""
        asked = _pairs(name)
        scores = (
            (2 * len(asked & pairs) / (len(asked) + len(pairs)), known)
            for known, pairs in self._pairs.items()
        )
        close = sorted((score, known) for score, known in scores if score >= CLOSE)
        return [known for _, known in reversed(close[-most:])]


def _pairs(name: str) -> frozenset[str]:
    text = f" {name[:LONGEST].lower()} "
    return frozenset(text[i : i + 2] for i in range(len(text) - 1))
