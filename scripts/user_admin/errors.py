"""How a command ends when it does not end well."""


class Failure(Exception):
    """A message for the user, and the exit code that scripts can tell it by."""

    code = 1


class Misuse(Failure):
    """The command makes no sense as it stands; nothing was done."""

    code = 2


class Unreachable(Failure):
    """The gateway does not answer."""

    code = 3


class NotAllowed(Failure):
    """The gateway does not take the key, or not for this."""

    code = 4


class NotThere(Failure):
    """What was named does not exist."""

    code = 5
