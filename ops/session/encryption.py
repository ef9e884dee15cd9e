"""What a session is encrypted with, when the cluster names a KMS key: AES-GCM both ways."""

import secrets
from collections.abc import Mapping
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ops.aws.errors import translated
from ops.session.frames import BrokenFrame

NONCE: Final = 12
KEY_BYTES: Final = 64


class Encryption:
    """Half of the data key is for what comes, half for what goes."""

    def __init__(self, data_key: bytes, wrapped: bytes) -> None:
        half = len(data_key) // 2
        self._incoming = AESGCM(data_key[:half])
        self._outgoing = AESGCM(data_key[half:])
        self.wrapped = wrapped
        """The data key as only KMS can open it; the agent asks KMS to."""

    def decrypt(self, data: bytes) -> bytes:
        try:
            return self._incoming.decrypt(data[:NONCE], data[NONCE:], None)
        except (InvalidTag, ValueError) as error:
            raise BrokenFrame("the session's output cannot be decrypted") from error

    def encrypt(self, data: bytes) -> bytes:
        nonce = secrets.token_bytes(NONCE)
        return nonce + self._outgoing.encrypt(nonce, data, None)


def new_encryption(kms: Any, key_id: str, context: Mapping[str, str]) -> Encryption:
    """With a data key that KMS makes. Raises OpsError."""
    with translated():
        answer = kms.generate_data_key(
            KeyId=key_id, NumberOfBytes=KEY_BYTES, EncryptionContext=dict(context)
        )
    return Encryption(answer["Plaintext"], answer["CiphertextBlob"])
