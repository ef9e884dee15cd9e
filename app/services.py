"""What the routes call: made once, in `app.main`."""

from dataclasses import dataclass
from typing import cast

from starlette.requests import Request

from app.catalog.catalog import Catalog
from app.catalog.registry import ModelRegistry
from app.core.time import Clock
from app.database.database import Health
from app.formats.format import AnthropicFormat, OpenAIFormat
from app.identity.administrators import Administrators
from app.identity.audit import AuditLog
from app.identity.authentication import Authenticator
from app.identity.budgets import Budgets
from app.identity.keys import Keys
from app.identity.spending import SpendTotals
from app.identity.users import Users
from app.inference.count_tokens import TokenCounter
from app.inference.inference import Inference
from app.spend.reports import OwnUsages, Reports
from app.telemetry.sinks import Telemetry


@dataclass(frozen=True, slots=True)
class Services:
    """The use cases, and settings that routes need."""

    inference: Inference
    administrators: Administrators
    users: Users
    keys: Keys
    budgets: Budgets
    spendings: SpendTotals
    reports: Reports
    own_usages: OwnUsages
    audit: AuditLog
    authenticator: Authenticator
    counter: TokenCounter
    catalog: Catalog
    offer: ModelRegistry
    health: Health
    telemetry: Telemetry
    anthropic: AnthropicFormat
    openai: OpenAIFormat
    clock: Clock
    max_body_bytes: int


def services(request: Request) -> Services:
    return cast("Services", request.app.state.services)
