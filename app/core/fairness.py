"""A bounded amount of something, of which nobody may take more than a share."""

import asyncio
from collections import Counter, deque
from dataclasses import dataclass


@dataclass(slots=True)
class _Waiting:
    owner: str
    amount: int
    turn: asyncio.Future[None]


class FairShare:
    """Gives out amounts in the order in which they were asked for, but an owner whose share is used
    up holds up nobody else."""

    def __init__(self, total: int, share: int) -> None:
        """`share` is the most that one owner may have; a larger amount counts as a whole share."""
        self._total = total
        self._share = min(share, total)
        self._taken = 0
        self._by_owner: Counter[str] = Counter()
        self._waiting: deque[_Waiting] = deque()

    @property
    def taken(self) -> int:
        return self._taken

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def take_now(self, owner: str, amount: int = 1) -> "Taken | None":
        """An amount that is free; None if it must be waited for."""
        amount = min(amount, self._share)
        free = self._owner_fits(owner, amount) and self._fits(amount)
        if not free or any(self._owner_fits(w.owner, w.amount) for w in self._waiting):
            return None
        return self._grant(owner, amount)

    async def take(self, owner: str, amount: int = 1) -> "Taken":
        """Wait until there is room."""
        if (taken := self.take_now(owner, amount)) is not None:
            return taken
        amount = min(amount, self._share)
        waiting = _Waiting(owner, amount, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        try:
            await waiting.turn
        except asyncio.CancelledError:
            if waiting.turn.cancelled():
                self._waiting.remove(waiting)
                self._next()
            else:  # its turn had come before
                self._give_back(owner, amount)
            raise
        return Taken(self, owner, amount)

    def _fits(self, amount: int) -> bool:
        return self._taken + amount <= self._total

    def _owner_fits(self, owner: str, amount: int) -> bool:
        return self._by_owner[owner] + amount <= self._share

    def _grant(self, owner: str, amount: int) -> "Taken":
        self._taken += amount
        self._by_owner[owner] += amount
        return Taken(self, owner, amount)

    def _give_back(self, owner: str, amount: int) -> None:
        self._taken -= amount
        self._by_owner[owner] -= amount
        if self._by_owner[owner] <= 0:
            del self._by_owner[owner]
        self._next()

    def _next(self) -> None:
        """Let those in who fit, in their order; past those whose own share is used up."""
        for waiting in list(self._waiting):
            if waiting.turn.cancelled() or not self._owner_fits(waiting.owner, waiting.amount):
                continue
            if not self._fits(waiting.amount):
                return
            self._waiting.remove(waiting)
            self._grant(waiting.owner, waiting.amount)
            waiting.turn.set_result(None)


class Taken:
    """An amount that was given out, until it is given back."""

    def __init__(self, share: FairShare | None, owner: str, amount: int) -> None:
        self._share = share
        self._owner = owner
        self._amount = amount

    @classmethod
    def nothing(cls) -> "Taken":
        return cls(None, "", 0)

    def give_back(self, keep: int = 0) -> None:
        """All but `keep`; a second time does nothing."""
        rest = max(0, self._amount - keep)
        self._amount -= rest
        if rest and self._share is not None:
            self._share._give_back(self._owner, rest)  # noqa: SLF001 - the other half of FairShare

    def __enter__(self) -> "Taken":
        return self

    def __exit__(self, *_: object) -> None:
        self.give_back()
