"""AWS Signature Version 4 for Bedrock's POSTs, with the day's key kept (ADR 18).

Source: AWS IAM User Guide, "Create a signed AWS API request". Equal to botocore's, by test.
"""

import asyncio
import hashlib
import hmac
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final, Protocol
from urllib.parse import quote

import botocore.session
from botocore.credentials import Credentials, ReadOnlyCredentials, RefreshableCredentials
from botocore.exceptions import BotoCoreError

from app.errors import UpstreamFailed

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


LAST_SECONDS: Final = 60
"""So long before their end, credentials are used no more: a call has to arrive, too."""


class SigningCredentials(Protocol):
    """A source of credentials."""

    async def frozen(self) -> ReadOnlyCredentials:
        """Credentials to sign with now. Raises UpstreamFailed when there are none."""

    async def renew(self, refused: ReadOnlyCredentials) -> bool:
        """Look for others after AWS refused these; whether there are any."""


class AwsCredentials:
    """Implements Signatory by botocore's chain: environment, profile, SSO, web identity, ECS…

    All callers share one lookup, which takes seconds where a source fails. While the current
    credentials are valid, nobody waits.
    """

    def __init__(self) -> None:
        self._credentials: Credentials | None = None
        self._present: ReadOnlyCredentials | None = None
        self._looking: asyncio.Task[ReadOnlyCredentials] | None = None

    async def frozen(self) -> ReadOnlyCredentials:
        present = self._present
        if present is not None and not self._end_within(None):
            return present
        look = self._look()
        if present is not None and not self._end_within(LAST_SECONDS):
            return present
        return await asyncio.shield(look)

    async def renew(self, refused: ReadOnlyCredentials) -> bool:
        if self._looking is None:
            if self._present != refused:
                return True  # another call has renewed them meanwhile
            self._credentials = None
        return bool(await asyncio.shield(self._look()) != refused)

    def _end_within(self, seconds: int | None) -> bool:
        """Without `seconds`, within the time that botocore wants to be left for renewing them."""
        credentials = self._credentials
        if not isinstance(credentials, RefreshableCredentials):
            return False
        return bool(credentials.refresh_needed(seconds))

    def _look(self) -> asyncio.Task[ReadOnlyCredentials]:
        if self._looking is None:
            self._looking = asyncio.create_task(self._renewed())
            self._looking.add_done_callback(self._looked)
        return self._looking

    def _looked(self, look: asyncio.Task[ReadOnlyCredentials]) -> None:
        self._looking = None
        if not look.cancelled():
            look.exception()  # told to those who wait, if any

    async def _renewed(self) -> ReadOnlyCredentials:
        self._present = await asyncio.to_thread(self._load)
        return self._present

    def _load(self) -> ReadOnlyCredentials:
        try:
            if self._credentials is None:
                self._credentials = botocore.session.get_session().get_credentials()
            if self._credentials is not None:
                return self._credentials.get_frozen_credentials()
        except BotoCoreError as error:
            raise UpstreamFailed(
                "The gateway's AWS credentials cannot be renewed; its operator must look into it."
            ) from error
        raise UpstreamFailed("The gateway has no AWS credentials; its operator must set them.")
