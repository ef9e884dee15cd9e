"""What the routes call: made once, in `app.main`."""

from dataclasses import dataclass
from typing import cast

from starlette.requests import Request

from app.catalog.loader import Catalog
from app.ports import AuditLog, Health, Telemetry
from app.service.administrators import Administrators
from app.service.authentication import Authenticator
from app.service.clock import Clock
from app.service.counting import TokenCounter
from app.service.dialects import AnthropicDialect, OpenAIDialect
from app.service.inference import Inference
from app.service.keys import Keys
from app.service.named_budgets import Budgets
from app.service.offer import Offer
from app.service.own_usage import OwnUsages
from app.service.reports import Reports
from app.service.spending import Spendings
from app.service.users import Users


@dataclass(frozen=True, slots=True)
class Services:
    """The use cases, and the settings that belong to the front door itself."""

    inference: Inference
    administrators: Administrators
    users: Users
    keys: Keys
    budgets: Budgets
    spendings: Spendings
    reports: Reports
    own_usages: OwnUsages
    audit: AuditLog
    authenticator: Authenticator
    counter: TokenCounter
    catalog: Catalog
    offer: Offer
    health: Health
    telemetry: Telemetry
    anthropic: AnthropicDialect
    openai: OpenAIDialect
    clock: Clock
    max_body_bytes: int


def services(request: Request) -> Services:
    return cast("Services", request.app.state.services)
