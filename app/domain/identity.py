"""The names that things go by, each a type of its own."""

from typing import NewType

KeyHash = NewType("KeyHash", str)
"""SHA-256 of an API key, 64 hex digits: all that is kept of it."""

KeyId = NewType("KeyId", str)
"""What a key is booked under: the hash of its first secret. It stays when the secret is changed."""

UserId = NewType("UserId", str)
RequestId = NewType("RequestId", str)
InstanceId = NewType("InstanceId", str)
"""One running gateway process."""
