"""Writes only show what they would do, unless told; and much takes a second word."""

from collections.abc import Sequence

from ops.context import Context
from ops.errors import Refused
from ops.result import Change, Level, Note, Result, Section


def plan(
    context: Context,
    title: str,
    changes: Sequence[Change],
    *,
    notes: Sequence[Section] = (),
    large: Sequence[str] = (),
) -> Result | None:
    """What to return instead of changing anything; None when the change may be made.

    `large` are reasons why --yes does not do without --force. Raises Refused.
    """
    held = [] if context.force else list(large)
    if not context.yes:
        warnings = [Note(f"{reason} It needs --force.", Level.WARNING) for reason in held]
        return Result(title, (*notes, *warnings), changes, planned=True)
    if held:
        raise Refused(" ".join(held), "Nothing was done. If that is meant, add --force.")
    return None
