"""What the routes call: made once, in `app.main`."""

from dataclasses import dataclass
from typing import cast

from starlette.requests import Request

from app.catalog.catalog import Catalog
from app.catalog.registry import Offer
from app.core.time import Clock
from app.database.database import Health
from app.formats.format import AnthropicDialect, OpenAIDialect
from app.identity.administrators import Administrators
from app.identity.audit import AuditLog
from app.identity.authentication import Authenticator
from app.identity.budgets import Budgets
from app.identity.keys import Keys
from app.identity.spending import Spendings
from app.identity.users import Users
from app.inference.count_tokens import TokenCounter
from app.inference.inference import Inference
from app.spend.reports import OwnUsages, Reports
from app.telemetry.sinks import Telemetry


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
