"""Budgets by name: making, finding, changing and deleting them."""

from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any
from uuid import uuid4

from app.domain.audit import Author
from app.domain.listing import Cut, KeyFilter, UserFilter
from app.domain.templates import Template
from app.errors import Conflict, NotFound
from app.ports import Listing, Templates
from app.service.administrators import Administrator
from app.service.authentication import Authenticator
from app.service.clock import Clock
from app.service.fields import WINDOWS, Fields, allowance_of
from app.service.spending import Spendings

REFERRERS_SHOWN = 10
AT_A_TIME = 500


class Budgets:
    """The platform team's use cases about named budgets. Fields go by LiteLLM's names."""

    def __init__(
        self,
        templates: Templates,
        listing: Listing,
        fields: Fields,
        spendings: Spendings,
        authenticator: Authenticator,
        clock: Clock,
    ) -> None:
        self._templates = templates
        self._listing = listing
        self._fields = fields
        self._spendings = spendings
        self._authenticator = authenticator
        self._clock = clock

    async def add(self, sent: Mapping[str, Any], by: Author) -> Template:
        """Raises InvalidRequest, Conflict."""
        fields = self._fields.checked(sent)
        now = self._clock.now()
        template = Template(fields.get("budget_id") or str(uuid4()), allowance_of(fields), now, now)
        await self._templates.add_template(template, by)
        return template

    async def get(self, ids: Sequence[str]) -> Sequence[Template]:
        """Raises NotFound if one of them does not exist."""
        found = await self._templates.templates(ids)
        if missing := sorted(set(ids) - {template.id for template in found}):
            raise NotFound(f"There is no budget {missing[0]!r}.")
        return found

    async def all(self) -> Sequence[Template]:
        return await self._templates.templates(None)

    async def update(
        self, id_: str, sent: Mapping[str, Any], who: Administrator, by: Author
    ) -> Template:
        """For all that refer to it. Raises NotFound, InvalidRequest, PermissionDenied."""
        changes = self._fields.checked(sent)
        who.check_may_change_budget(await self._templates.administrators(id_))
        template = await self._templates.update_template(id_, changes, by)
        self._authenticator.forget_all()
        if template is None:
            raise NotFound(f"There is no budget {id_!r}.")
        if WINDOWS & changes.keys():
            await self._open_windows(id_)
        return template

    async def delete(self, id_: str, by: Author) -> Template:
        """Raises NotFound; Conflict, with the names of those that refer to it."""
        (template,) = await self.get([id_])
        used_by = await self._templates.referrers(id_, REFERRERS_SHOWN + 1)
        if used_by:
            more = ", and more" if len(used_by) > REFERRERS_SHOWN else ""
            raise Conflict(
                f"The budget {id_!r} is in use by {', '.join(used_by[:REFERRERS_SHOWN])}{more}. "
                "Give them another budget_id, or null, first."
            )
        await self._templates.delete_template(id_, by)
        return template

    async def _open_windows(self, id_: str) -> None:
        for offset in count(0, AT_A_TIME):
            cut = Cut("created_at", limit=AT_A_TIME, offset=offset)
            keys = await self._listing.list_keys(KeyFilter(budget_id=id_), cut)
            users = await self._listing.list_users(UserFilter(budget_id=id_), cut)
            await self._spendings.open_windows(keys.records)
            await self._spendings.open_windows(user.user for user in users.records)
            if offset + AT_A_TIME >= max(keys.total, users.total):
                return
