"""AWS credentials from the usual places, refreshed off the event loop."""

import asyncio
from typing import Protocol

import botocore.session
from botocore.credentials import Credentials, ReadOnlyCredentials, RefreshableCredentials
from botocore.exceptions import BotoCoreError

from app.errors import UpstreamFailed


class Signatory(Protocol):
    """Whoever has credentials."""

    async def frozen(self) -> ReadOnlyCredentials:
        """Credentials to sign with now. Raises UpstreamFailed when there are none."""

    async def renew(self, refused: ReadOnlyCredentials) -> bool:
        """Look for others after AWS refused these; whether there are any."""


class CredentialSource:
    """Implements Signatory by botocore's chain: environment, profile, SSO, web identity, ECS…"""

    def __init__(self) -> None:
        self._credentials: Credentials | None = None
        self._refreshing = asyncio.Lock()

    async def frozen(self) -> ReadOnlyCredentials:
        credentials = self._credentials
        if credentials is None or _stale(credentials):
            async with self._refreshing:
                return await asyncio.to_thread(self._load)
        return credentials.get_frozen_credentials()

    async def renew(self, refused: ReadOnlyCredentials) -> bool:
        async with self._refreshing:
            if self._credentials is not None:
                if self._credentials.get_frozen_credentials() != refused:
                    return True  # another call has renewed them meanwhile
                self._credentials = None
            return bool(await asyncio.to_thread(self._load) != refused)

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


def _stale(credentials: Credentials) -> bool:
    return isinstance(credentials, RefreshableCredentials) and credentials.refresh_needed()
