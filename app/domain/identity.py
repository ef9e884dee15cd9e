"""The names that things go by, each a type of its own."""

from typing import NewType

KeyHash = NewType("KeyHash", str)
"""SHA-256 of an API key, 64 hex digits: all that is kept of it."""

UserId = NewType("UserId", str)
RequestId = NewType("RequestId", str)
InstanceId = NewType("InstanceId", str)
"""One running gateway process."""
