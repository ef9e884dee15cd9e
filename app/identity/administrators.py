"""Who may administer: the master key, and keys of users with a role."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.core.ids import MASTER, Author, Credentials
from app.errors import MissingKey, PermissionDenied
from app.identity.authentication import Authenticator
from app.identity.policy import Caller, Role, User

READERS = frozenset({Role.ADMIN, Role.VIEWER})


@dataclass(frozen=True, slots=True)
class Administrator:
    """An authenticated administrator; without a caller, the owner of the master key."""

    caller: Caller | None = None

    @property
    def is_master(self) -> bool:
        return self.caller is None

    def author(self, request_id: str) -> Author:
        """As whom the changes of a request are entered in the audit log."""
        if self.caller is None:
            return Author(MASTER, request_id)
        key, user = self.caller.key, self.caller.user
        return Author(f"user {user.id if user else '?'} by key {key.alias or key.name}", request_id)

    def check_may_change(self, user: User | None) -> None:
        """Raises PermissionDenied for an administrator, whom the master key alone may change."""
        if self.caller is not None and user is not None and user.role in READERS:
            raise PermissionDenied(
                f"The user {user.id} is an administrator ({user.role.value}): only the master key "
                "may change administrators and their keys."
            )

    def check_may_change_budget(self, used_by: Sequence[str]) -> None:
        """Raises PermissionDenied for one that these administrators use."""
        if self.caller is not None and used_by:
            raise PermissionDenied(
                f"The administrator {used_by[0]} uses this budget: only the master key may change "
                "what administrators may spend."
            )

    def check_may_grant(self, role: Role) -> None:
        """Raises PermissionDenied for a role that the master key alone may give."""
        if self.caller is not None and role in READERS:
            raise PermissionDenied(f"user_role: only the master key may grant {role.value}.")


class Administrators:
    """Lets administrators in."""

    def __init__(self, authenticator: Authenticator) -> None:
        self._authenticator = authenticator

    async def reader(self, credentials: Credentials) -> Administrator:
        """Raises AuthenticationFailed, PermissionDenied."""
        return await self._let_in(
            credentials,
            READERS,
            "Forbidden: reading this requires the user_role proxy_admin or proxy_admin_viewer",
        )

    async def changer(self, credentials: Credentials) -> Administrator:
        """Raises AuthenticationFailed, PermissionDenied."""
        return await self._let_in(
            credentials,
            frozenset({Role.ADMIN}),
            "Forbidden: changing this requires the user_role proxy_admin",
        )

    async def _let_in(
        self, credentials: Credentials, roles: frozenset[Role], needed: str
    ) -> Administrator:
        if self._authenticator.is_master(credentials.keys):
            return Administrator()
        if not credentials.keys:
            raise MissingKey(
                "Administration needs the master key or an administrator's key: "
                "Authorization: Bearer …."
            )
        caller = await self._authenticator.caller(credentials)
        role = caller.user.role if caller.user else Role.INTERNAL
        if role not in roles:
            raise PermissionDenied(
                f"{needed}; the user of the key {caller.key.name} is {role.value}. "
                "The master key may do both."
            )
        return Administrator(caller)
