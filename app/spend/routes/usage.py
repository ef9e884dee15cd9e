"""`/v1/usage`: budgets and spend of the calling key, as JSON or as a page."""

import base64
import hashlib
import re
from importlib.resources import files
from typing import Any, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from app.core.budgets import LimitedBy
from app.identity.policy import Caller
from app.ledger.record import BudgetState, Scope
from app.services import services
from app.spend.records import SpendGroup
from app.spend.reports import OwnUsage
from app.web.headers import credentials
from app.web.responses import json_response, time

router = APIRouter(tags=["usage"])

PAGE: Final = files("app.spend.routes").joinpath("usage.html").read_text()


def _hash(element: str) -> str:
    """The source expression that lets the page's own script or style run, and no other."""
    found = re.search(rf"<{element}>(.*?)</{element}>", PAGE, re.DOTALL)
    digest = hashlib.sha256(found[1].encode() if found else b"").digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


PRIVATE: Final = {"cache-control": "no-store", "vary": "accept, authorization, x-api-key"}

PAGE_HEADERS: Final = PRIVATE | {
    "content-security-policy": (
        f"default-src 'none'; script-src {_hash('script')}; style-src {_hash('style')}; "
        "style-src-attr 'none'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


@router.get(
    "/v1/usage",
    summary="Your own budgets and spend",
    response_model=None,
    responses={
        200: {
            "content": {
                "application/json": {
                    "example": {
                        "key": {"key_name": "sk-...4vEg", "key_alias": "ada", "user_id": "ada"},
                        "budgets": [
                            {
                                "scope": "user",
                                "model": None,
                                "max_budget": 50,
                                "soft_budget": None,
                                "spend": 12.5,
                                "held": 0.02,
                                "remaining": 37.48,
                                "budget_reset_at": "2026-12-01T00:00:00Z",
                                "warning": None,
                            }
                        ],
                        "limits": [],
                        "today": [],
                        "sessions_today": [],
                        "sessions_today_total": 0,
                        "window": {"start_date": "2026-11-01", "end_date": "2026-11-23"},
                        "models": [],
                        "sessions": [],
                        "sessions_total": 0,
                    }
                },
                "text/html": {},
            }
        }
    },
)
async def usage(request: Request) -> Response:
    """What the key of the request has spent today and in its window (days are UTC), by model and by
    session, and how the budgets and limits of key and user stand. The answer may be a second old.
    Of sessions, the 20 with the highest spend are listed, and `sessions_total` is their number.
    Browsers get a page to type the key into."""
    if "text/html" in request.headers.get("accept", ""):
        return HTMLResponse(PAGE, headers=PAGE_HEADERS)
    use = services(request)
    caller = await use.authenticator.caller(credentials(request))
    answer = json_response(_shape(caller, await use.own_usages.of(caller)))
    answer.headers.update(PRIVATE)
    return answer


def _shape(caller: Caller, own: OwnUsage) -> dict[str, Any]:
    key = caller.key
    return {
        "key": {
            "key_name": key.name,
            "key_alias": key.alias,
            "user_id": key.user_id,
            "expires": time(key.expires),
            "models": key.allowance.models,
        },
        "budgets": [_budget(standing) for standing in own.standings],
        "limits": [_limits(limited) for limited in own.limits],
        "today": [_group(group) for group in own.today],
        "sessions_today": [_group(group) for group in own.sessions_today.records],
        "sessions_today_total": own.sessions_today.total,
        "window": {
            "start_date": own.window.first.isoformat(),
            "end_date": own.window.last.isoformat(),
        },
        "models": [_group(group) for group in own.models],
        "sessions": [_group(group) for group in own.sessions.records],
        "sessions_total": own.sessions.total,
    }


def _budget(standing: BudgetState) -> dict[str, Any]:
    account = standing.account
    single = account.scope in (Scope.KEY_MODEL, Scope.USER_MODEL)
    left = None if account.cap is None else max(0, account.cap - standing.spent - standing.held)
    return {
        "scope": account.scope.value.removesuffix("_model"),
        "model": account.id.partition("/")[0] if single else None,
        "max_budget": account.cap,
        "soft_budget": account.soft,
        "spend": standing.spent,
        "held": standing.held,
        "remaining": left,
        "budget_reset_at": time(account.window.end),
        "warning": standing.warning,
    }


def _limits(limited: LimitedBy) -> dict[str, Any]:
    single = limited.scope.endswith("_model")
    return {
        "scope": limited.scope.value.removesuffix("_model"),
        "model": limited.id if single else None,
        "rpm_limit": limited.limits.rpm,
        "tpm_limit": limited.limits.tpm,
        "max_parallel_requests": limited.limits.parallel,
    }


def _group(group: SpendGroup) -> dict[str, Any]:
    return {
        "name": group.name,
        "requests": group.requests,
        "total_tokens": group.tokens,
        "spend": group.cost,
    }
