"""AWS credentials from the usual places, refreshed off the event loop."""

import asyncio
from typing import Final, Protocol

import botocore.session
from botocore.credentials import Credentials, ReadOnlyCredentials, RefreshableCredentials
from botocore.exceptions import BotoCoreError

from app.errors import UpstreamFailed

LAST_SECONDS: Final = 60
"""So long before their end, credentials are used no more: a call has to arrive, too."""


class Signatory(Protocol):
    """Whoever has credentials."""

    async def frozen(self) -> ReadOnlyCredentials:
        """Credentials to sign with now. Raises UpstreamFailed when there are none."""

    async def renew(self, refused: ReadOnlyCredentials) -> bool:
        """Look for others after AWS refused these; whether there are any."""


class CredentialSource:
    """Implements Signatory by botocore's chain: environment, profile, SSO, web identity, ECS…

    Whoever needs others waits for one and the same look, which takes seconds where a source fails.
    While the present ones are still good, nobody waits.
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
