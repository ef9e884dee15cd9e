"""`/spend/logs`: single requests, in LiteLLM's shape."""

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter
from fastapi import Query as InQuery
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from app.admin_access import DOCUMENTED_KEYS, AdminRead
from app.errors import InvalidRequest
from app.identity.routes.shapes import documented, pages
from app.services import services
from app.spend.records import Dimension, LogEntry, LogQuery, Part, SpendGroup
from app.spend.reports import LONGEST_DAYS
from app.spend.routes.reports import BACKWARDS, NO_KEY, SpenderDays, counted, groups
from app.web.fields import Query, Secret, Text
from app.web.numbers import PageNumber, PageSize
from app.web.responses import json_response, time

router = APIRouter(tags=["spend"], dependencies=DOCUMENTED_KEYS)

CALL_TYPES: Final = {
    "anthropic": "anthropic_messages",
    "openai": "acompletion",
    "bedrock": "pass_through",
}
"""LiteLLM's names for the API formats."""

A_DAY: Final = timedelta(days=1)

A_SECOND: Final = timedelta(seconds=1)

Moment = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d([ T]\d\d:\d\d:\d\d)?$")]


class Logs(SpenderDays):
    request_id: Text | None = None
    session_id: Text | None = None
    summarize: bool = True


class LogPages(Query):
    """Times are UTC, and both of them are included: a date alone as the end is that whole day."""

    start_date: Moment | None = None
    end_date: Moment | None = None
    api_key: Secret | None = None
    user_id: Text | None = None
    model: Text | None = None
    session_id: Text | None = None
    tag: Text | None = None
    page: PageNumber = 1
    page_size: PageSize = 50


ENTRY: Final = {
    "request_id": "req_0123456789abcdef01234567",
    "call_type": "anthropic_messages",
    "api_key": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "spend": 0.0125,
    "model_group": "claude-haiku-4-5",
    "status": "success",
}


@router.get(
    "/spend/logs",
    summary="Show requests, or what each day cost",
    responses=documented([ENTRY], BACKWARDS, NO_KEY),
)
async def logs(request: Request, query: Annotated[Logs, InQuery()], by: AdminRead) -> Response:
    """With a start and an end: what was spent on each day, unless `summarize` is false. Otherwise
    the newest requests, at most `limit` of them; the header `x-has-more` says whether there are
    more, and `/spend/logs/v2` has pages."""
    del by
    use = services(request).reports
    first, last = query.start_date, query.end_date
    of_one = query.request_id or query.session_id
    if first and last and query.summarize and not of_one:
        whole = None if query.model_fields_set & {"limit", "page"} else Part(LONGEST_DAYS)
        days = await groups(request, Dimension.DAY, query, whole)
        headers = counted(days, whole or query.part())
        return json_response([_day(day) for day in days.records], headers)
    part = query.part()
    entries = await use.log(
        LogQuery(
            since=_midnight(first) if first else None,
            until=_midnight(last + A_DAY) if last else None,
            spender=await use.spender(query.api_key, query.user_id),
            request_id=query.request_id,
            session_id=query.session_id,
            offset=part.offset,
            limit=part.limit + 1,
        )
    )
    more = "true" if len(entries) > part.limit else "false"
    return json_response([_entry(e) for e in entries[: part.limit]], {"x-has-more": more})


@router.get(
    "/spend/logs/v2",
    summary="Show requests by pages",
    responses=documented(
        {"data": [ENTRY], "total": 1, "page": 1, "page_size": 50, "total_pages": 1}, NO_KEY
    ),
)
async def log_pages(
    request: Request, query: Annotated[LogPages, InQuery()], by: AdminRead
) -> Response:
    """The newest first."""
    del by
    use = services(request).reports
    since, until = _first("start_date", query.start_date), _end("end_date", query.end_date)
    if since and until and since >= until:
        raise BACKWARDS
    found = await use.log_page(
        LogQuery(
            since=since,
            until=until,
            spender=await use.spender(query.api_key, query.user_id),
            model=query.model,
            session_id=query.session_id,
            tag=query.tag,
            offset=(query.page - 1) * query.page_size,
            limit=query.page_size,
        )
    )
    return json_response(
        {
            "data": [_entry(entry) for entry in found.records],
            "total": found.total,
            "page": query.page,
            "page_size": query.page_size,
            "total_pages": pages(found.total, query.page_size),
        }
    )


def _day(group: SpendGroup) -> dict[str, Any]:
    return {
        "startTime": group.name,
        "spend": group.cost,
        "requests": group.requests,
        "total_tokens": group.tokens,
    }


def _entry(entry: LogEntry) -> dict[str, Any]:
    prompt = (
        entry.input_tokens
        + entry.cache_read_tokens
        + entry.cache_write_5m_tokens
        + entry.cache_write_1h_tokens
    )
    first_token = (
        entry.started_at + timedelta(milliseconds=entry.ttfb_ms)
        if entry.ttfb_ms is not None
        else None
    )
    return {
        "request_id": entry.request_id,
        "call_type": CALL_TYPES.get(entry.api_format, entry.api_format),
        "api_key": entry.key_id,
        "spend": entry.cost,
        "total_tokens": prompt + entry.output_tokens,
        "prompt_tokens": prompt,
        "completion_tokens": entry.output_tokens,
        "startTime": time(entry.started_at),
        "endTime": time(entry.finished_at),
        "completionStartTime": time(first_token),
        "request_duration_ms": entry.latency_ms,
        "model": entry.upstream_model,
        "model_group": entry.model,
        "custom_llm_provider": "bedrock",
        "user": entry.user_id,
        "session_id": entry.session_id,
        "request_tags": entry.tags,
        "status": "success" if entry.status < 400 else "failure",
        "metadata": {
            "user_api_key_alias": entry.key_alias,
            "user_api_key_name": entry.key_name,
            "usage_object": {
                "input_tokens": entry.input_tokens,
                "output_tokens": entry.output_tokens,
                "cache_read_input_tokens": entry.cache_read_tokens,
                "cache_creation": {
                    "ephemeral_5m_input_tokens": entry.cache_write_5m_tokens,
                    "ephemeral_1h_input_tokens": entry.cache_write_1h_tokens,
                },
            },
            "cost_breakdown": {
                "input_cost": entry.input_cost,
                "output_cost": entry.output_cost,
                "cache_read_cost": entry.cache_read_cost,
                "cache_write_5m_cost": entry.cache_write_5m_cost,
                "cache_write_1h_cost": entry.cache_write_1h_cost,
                "guardrail_cost": entry.guardrail_cost,
            },
            "status_code": entry.status,
            "error_code": entry.error_code,
            "ending": entry.ending,
            "estimated": entry.estimated,
            "stream": entry.stream,
            "agent": entry.agent,
            "user_agent": entry.user_agent,
            "upstream_request_id": entry.upstream_request_id,
        },
    }


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _first(field: str, text: str | None) -> datetime | None:
    """From then on: a date alone is the midnight at its start."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC) if text else None
    except ValueError as error:
        raise InvalidRequest(f"{field}: {text} is no date") from error


def _end(field: str, text: str | None) -> datetime | None:
    """Up to, not including: the midnight after a date alone, or the second after a time."""
    last = _first(field, text)
    if last is None:
        return None
    try:
        return last + (A_DAY if text and len(text) == len("2026-11-30") else A_SECOND)
    except OverflowError as error:
        raise InvalidRequest(f"{field}: {text} is outside of the calendar") from error
