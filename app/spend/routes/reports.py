"""`/spend/*` and `/global/spend`: what was spent, by LiteLLM's paths and field names."""

from dataclasses import asdict
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Final

from fastapi import APIRouter
from fastapi import Query as InQuery
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from app.admin_access import DOCUMENTED_KEYS, AdminRead
from app.database.paging import Page
from app.errors import InvalidRequest, NotFound
from app.identity.routes.shapes import documented
from app.ledger.record import Scope
from app.services import services
from app.spend.records import Dimension, Part, SpendGroup
from app.web.fields import Query, Secret, Text
from app.web.numbers import PageNumber, Whole
from app.web.responses import json_response, time

router = APIRouter(tags=["spend"], dependencies=DOCUMENTED_KEYS)

BACKWARDS: Final = InvalidRequest("start_date: is after end_date")

NO_KEY: Final = NotFound("No such key.")

Limit = Annotated[int, Field(ge=1, le=1000), Whole]

Day = Annotated[date, Field(ge=date(1970, 1, 1), le=date(2999, 12, 31))]


class Parts(Query):
    """Rows of a report: `limit` of them, by pages. The header `x-total-count` says how many there
    are, `x-has-more` whether some follow."""

    limit: Limit = 100
    page: PageNumber = 1

    def part(self) -> Part:
        return Part(self.limit, (self.page - 1) * self.limit)


class SpenderDays(Parts):
    """Days in UTC, both included, the last 30 by default; of one key (itself or its hash), of one
    user, or of all."""

    start_date: Day | None = None
    end_date: Day | None = None
    api_key: Secret | None = None
    user_id: Text | None = None


class Report(SpenderDays):
    group_by: Dimension = Dimension.DAY
    limit: Limit = 1000


class Most(Query):
    limit: Limit = 100


SUMS: Final = {"requests": 120, "failed_requests": 1, "total_tokens": 51000, "total_spend": 1.75}


@router.get(
    "/spend/keys",
    summary="Show what each key spent",
    responses=documented(
        [{"token": "9f86d081884c7d65…", "key_alias": "ci", "user_id": "ada", "spend": 12.5}]
    ),
)
async def keys(request: Request, query: Annotated[Parts, InQuery()], by: AdminRead) -> Response:
    """Lifetime spend, highest first; deleted keys are among them."""
    del by
    found = await services(request).reports.totals(Scope.KEY, query.part())
    return json_response(
        [
            {
                "token": total.id,
                "key_alias": total.label,
                "user_id": total.user_id,
                "spend": total.cost,
                "deleted": total.deleted,
            }
            for total in found.records
        ],
        counted(found, query.part()),
    )


@router.get(
    "/spend/users",
    summary="Show what each user spent",
    responses=documented([{"user_id": "ada", "user_email": "ada@example.org", "spend": 12.5}]),
)
async def users(request: Request, query: Annotated[Parts, InQuery()], by: AdminRead) -> Response:
    """Lifetime spend, highest first; deleted users are among them. A user that was made again under
    the same id starts at zero."""
    del by
    found = await services(request).reports.totals(Scope.USER, query.part())
    return json_response(
        [
            {
                "user_id": total.id,
                "user_email": total.label,
                "spend": total.cost,
                "deleted": total.deleted,
            }
            for total in found.records
        ],
        counted(found, query.part()),
    )


@router.get(
    "/spend/models",
    summary="Show what each model cost",
    responses=documented([{"model": "claude-haiku-4-5", **SUMS}], BACKWARDS, NO_KEY),
)
async def models(
    request: Request, query: Annotated[SpenderDays, InQuery()], by: AdminRead
) -> Response:
    """Highest spend first."""
    del by
    found = await groups(request, Dimension.MODEL, query)
    return json_response(
        [{"model": group.name, **_sums(group)} for group in found.records],
        counted(found, query.part()),
    )


@router.get(
    "/spend/tags",
    summary="Show what was spent under each tag",
    responses=documented(
        [{"individual_request_tag": "ci", "log_count": 120, "total_spend": 1.75}], BACKWARDS, NO_KEY
    ),
)
async def tags(
    request: Request, query: Annotated[SpenderDays, InQuery()], by: AdminRead
) -> Response:
    """Highest spend first. A request with two tags counts under both."""
    del by
    found = await groups(request, Dimension.TAG, query)
    return json_response(
        [
            {
                "individual_request_tag": group.name,
                "log_count": group.requests,
                "total_spend": group.cost,
            }
            for group in found.records
        ],
        counted(found, query.part()),
    )


@router.get(
    "/spend/report",
    summary="Report spend by day, key, user, model, session or tag",
    responses=documented(
        [{"group_by": "user", "name": "ada", "label": "ada@example.org", **SUMS}], BACKWARDS, NO_KEY
    ),
)
async def report(request: Request, query: Annotated[Report, InQuery()], by: AdminRead) -> Response:
    """Days in order, all else by spend, highest first. Sums of past days outlive the spend log.
    Rows come by pages of `limit`; the headers `x-total-count` and `x-has-more` say whether there
    are more."""
    del by
    found = await groups(request, query.group_by, query)
    return json_response(
        [
            {
                "group_by": query.group_by,
                "name": group.name or None,
                "label": group.label,
                **_sums(group),
                **_kinds(group),
            }
            for group in found.records
        ],
        counted(found, query.part()),
    )


@router.get(
    "/spend/check",
    summary="Show what the daily check found",
    responses=documented(
        [{"day": "2026-11-22", "checked_at": "2026-11-23T00:06:10.250Z", "findings": []}]
    ),
)
async def checks(request: Request, query: Annotated[Most, InQuery()], by: AdminRead) -> Response:
    """For each past day: where its log, its roll-ups and the budget counters differ.
    `findings` is null for a day that was not checked. The header `x-has-more` says whether there
    are earlier days."""
    del by
    found = await services(request).reports.checks(query.limit + 1)
    return json_response(
        [
            {
                "day": check.day.isoformat(),
                "checked_at": time(check.checked_at),
                "findings": check.findings and [asdict(finding) for finding in check.findings],
            }
            for check in found[: query.limit]
        ],
        {"x-has-more": "true" if len(found) > query.limit else "false"},
    )


@router.get(
    "/global/spend",
    summary="Show what everybody spent",
    responses=documented(
        {
            "spend": 512.25,
            "max_budget": 2000,
            "budget_reset_at": "2026-12-01T00:00:00Z",
            "spend_30_days": 512.25,
        }
    ),
)
async def global_spend(request: Request, by: AdminRead) -> Response:
    """`spend` is that of the global budget's present window; without one, of the last 30 days."""
    del by
    budget, days = await services(request).reports.everybody()
    lately = sum((day.cost for day in days), Decimal(0))
    return json_response(
        {
            "spend": budget.spent if budget else lately,
            "max_budget": budget.account.cap if budget else None,
            "budget_reset_at": time(budget.account.window.end) if budget else None,
            "spend_30_days": lately,
        }
    )


async def groups(
    request: Request, by: Dimension, query: SpenderDays, part: Part | None = None
) -> Page[SpendGroup]:
    use = services(request).reports
    period = use.period(query.start_date, query.end_date)
    spender = await use.spender(query.api_key, query.user_id)
    return await use.groups(by, period, spender, part or query.part())


def counted(found: Page[Any], part: Part) -> dict[str, str]:
    """Headers that say how many rows there are in all, and whether some follow these."""
    more = part.offset + len(found.records) < found.total
    headers = {"x-has-more": "true" if more else "false"}
    if found.records or not part.offset:
        headers["x-total-count"] = str(found.total)
    return headers


def _sums(group: SpendGroup) -> dict[str, Any]:
    return {
        "requests": group.requests,
        "failed_requests": group.failed_requests,
        "total_tokens": group.tokens,
        "total_spend": group.cost,
    }


def _kinds(group: SpendGroup) -> dict[str, Any]:
    if group.usage is None:
        return {}
    return {**asdict(group.usage), "estimated_spend": group.estimated_cost}
