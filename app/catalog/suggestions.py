"""Names that come close to an unknown one, at a cost that does not grow with what was sent."""

from collections.abc import Iterable
from difflib import SequenceMatcher
from heapq import nlargest
from typing import Final

LONGEST: Final = 64
"""Characters that are compared; no model's name is longer by more than its suffix."""

CLOSE: Final = 0.5
"""Share of pairs of letters in common, from 0 to 1, of a name that is suggested."""

COMPARED: Final = 5
"""Names that are compared letter by letter, which costs most."""


class Suggestions:
    """Finds names by the pairs of letters that they share (Dice's coefficient), and puts the best
    of them in order by `difflib`."""

    def __init__(self, names: Iterable[str]) -> None:
        self._pairs = {name: _pairs(name) for name in names}

    def close_to(self, name: str, most: int) -> list[str]:
        """The known names that come closest, the closest first; none that is only remotely like."""
        asked = _pairs(name)
        scores = (
            (2 * len(asked & pairs) / (len(asked) + len(pairs)), known)
            for known, pairs in self._pairs.items()
        )
        close = nlargest(COMPARED, ((score, known) for score, known in scores if score >= CLOSE))
        compared = SequenceMatcher(b=_short(name), autojunk=False)
        ratios = []
        for _, known in close:
            compared.set_seq1(_short(known))
            ratios.append((compared.ratio(), known))
        return [known for _, known in nlargest(most, ratios)]


def _short(name: str) -> str:
    return name[:LONGEST].lower()


def _pairs(name: str) -> frozenset[str]:
    text = f" {_short(name)} "
    return frozenset(text[i : i + 2] for i in range(len(text) - 1))
