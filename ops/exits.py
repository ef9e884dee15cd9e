"""How a command can end; scripts and workflows tell these apart."""

from enum import IntEnum


class Exit(IntEnum):
    """An exit code and its meaning, which the reference shows."""

    meaning: str

    def __new__(cls, code: int, meaning: str) -> "Exit":
        member = int.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        return member

    OK = 0, "It is done, or all is well."
    FAILED = 1, "It was tried and failed, or something is not well."
    USAGE = 2, "The command makes no sense as it stands; nothing was done."
    REFUSED = 3, "A guard stands before it, which `--force` may open; nothing was done."
    TIMEOUT = 4, "It was begun and did not end in time."
    CREDENTIALS = 5, "There are no credentials, they have expired, or they are another account's."
    NOT_FOUND = 6, "What was named does not exist."
    DRIFT = 7, "The environment differs from its description."
    DENIED = 8, "The role, or the gateway's key, may not do this."
    UNREACHABLE = 9, "AWS or the gateway does not answer, or answers that there is too much."
    ROLLED_BACK = 10, "The deployment failed, and what ran before runs again."
    INTERRUPTED = 130, "Ctrl-C."
