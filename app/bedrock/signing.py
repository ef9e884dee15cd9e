"""AWS Signature Version 4 for Bedrock's POSTs, with the day's key kept (ADR 18).

Source: AWS IAM User Guide, "Create a signed AWS API request". Equal to botocore's, by test.
"""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final
from urllib.parse import quote

from botocore.credentials import ReadOnlyCredentials

SERVICE: Final = "bedrock"


class Signer:
    """Signs for one region."""

    def __init__(
        self, region: str, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._region = region
        self._now = now

    def sign(
        self,
        host: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes,
        credentials: ReadOnlyCredentials,
    ) -> dict[str, str]:
        """`headers` with the signature. The request must be sent to exactly this `path`, without a
        query, and with `host` as its Host."""
        stamp = self._now().strftime("%Y%m%dT%H%M%SZ")
        sent = {**headers, "X-Amz-Date": stamp}
        if credentials.token:
            sent["X-Amz-Security-Token"] = credentials.token
        canonical = {name.lower(): " ".join(value.split()) for name, value in sent.items()}
        canonical["host"] = host
        names = sorted(canonical)
        signed = ";".join(names)
        lines = "".join([f"{name}:{canonical[name]}\n" for name in names])
        digest = hashlib.sha256(body).hexdigest()
        request = f"POST\n{_twice_encoded(path)}\n\n{lines}\n{signed}\n{digest}"
        day = stamp[:8]
        scope = f"{day}/{self._region}/{SERVICE}/aws4_request"
        key = _key(credentials.secret_key, day, self._region)
        hashed = hashlib.sha256(request.encode()).hexdigest()
        signature = _hmac(key, f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashed}").hex()
        sent["Authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={credentials.access_key}/{scope}, "
            f"SignedHeaders={signed}, Signature={signature}"
        )
        return sent


@lru_cache(maxsize=256)
def _twice_encoded(path: str) -> str:
    """As AWS wants it: what is encoded in the path that is sent is encoded once more."""
    return quote(path, safe="/~")


@lru_cache(maxsize=4)
def _key(secret: str, day: str, region: str) -> bytes:
    """Of a few secrets at most: credentials that are renewed push older ones out."""
    key = f"AWS4{secret}".encode()
    for part in (day, region, SERVICE, "aws4_request"):
        key = _hmac(key, part)
    return key


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")
