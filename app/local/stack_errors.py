"""Why the stack did not come up, in words for whoever started it."""


class StackError(Exception):
    """A part failed; the message says which, why, and what to do."""
