"""`/audit/logs`: who changed what, when, from what, to what."""

import re
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter
from fastapi import Query as InQuery
from pydantic import AfterValidator, BeforeValidator, Field
from starlette.requests import Request
from starlette.responses import Response

from app.admin_access import DOCUMENTED_KEYS, AdminRead
from app.core.budgets import in_utc
from app.identity.audit import AuditEntry, AuditFilter
from app.identity.routes.shapes import documented
from app.services import services
from app.web.fields import Query, Text
from app.web.numbers import PageSize, Whole
from app.web.responses import json_response, time

router = APIRouter(prefix="/audit", tags=["audit"], dependencies=DOCUMENTED_KEYS)

TABLES: Final = {
    "user": "gateway_user",
    "key": "api_key",
    "budget": "budget",
    "model": "model_override",
    "beta": "beta_rule",
}

NAMES: Final = {table: name for name, table in TABLES.items()}

Moment = Annotated[datetime, AfterValidator(in_utc)]

DATE: Final = re.compile(r"\d{4}-\d\d-\d\d")


def _whole_day(value: Any) -> Any:
    """A date alone as an end includes that day; PostgreSQL keeps microseconds."""
    is_date = isinstance(value, str) and DATE.fullmatch(value)
    return f"{value}T23:59:59.999999" if is_date else value


class AuditQuery(Query):
    """Which entries. A time without a zone is in UTC; a date alone as `until` includes that day.
    `before` is the id of an entry."""

    actor: Text | None = None
    object_type: Literal["user", "key", "budget", "model", "beta"] | None = None
    object_id: Text | None = None
    action: Literal["create", "update", "delete"] | None = None
    since: Moment | None = None
    until: Annotated[Moment, BeforeValidator(_whole_day)] | None = None
    before: Annotated[int, Field(ge=1, le=2**62), Whole] | None = None
    page_size: PageSize = 50

    def which(self) -> AuditFilter:
        table = TABLES[self.object_type] if self.object_type is not None else None
        return AuditFilter(
            self.actor, table, self.object_id, self.action, self.since, self.until, self.before
        )


EXAMPLE: Final = {
    "audit_logs": [
        {
            "id": 417,
            "at": "2026-11-23T09:30:00.125Z",
            "actor": "user grace by key graces-laptop",
            "request_id": "req_0123456789abcdef01234567",
            "action": "update",
            "object_type": "user",
            "object_id": "ada",
            "changed": ["max_budget"],
            "before": {"user_id": "ada", "max_budget": 50},
            "after": {"user_id": "ada", "max_budget": 80},
        }
    ],
    "next_before": None,
}


@router.get("/logs", summary="Show the audit log", responses=documented(EXAMPLE))
async def audit_logs(
    request: Request, query: Annotated[AuditQuery, InQuery()], by: AdminRead
) -> Response:
    """The newest first. For the entries after these, ask again with `before` set to `next_before`,
    until that is null."""
    del by
    found = await services(request).audit.entries(query.which(), query.page_size + 1)
    shown = found[: query.page_size]
    return json_response(
        {
            "audit_logs": [_row(entry) for entry in shown],
            "next_before": shown[-1].id if len(found) > len(shown) else None,
        }
    )


def _row(entry: AuditEntry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "at": time(entry.at),
        "actor": entry.actor,
        "request_id": entry.request_id,
        "action": entry.action,
        "object_type": NAMES.get(entry.object_type, entry.object_type),
        "object_id": entry.object_id,
        "changed": entry.changed,
        "before": entry.before,
        "after": entry.after,
    }
