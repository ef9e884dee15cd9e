"""What the routes call: made once, in `app.main`."""

from dataclasses import dataclass
from typing import cast

from starlette.requests import Request

from app.catalog.loader import Catalog
from app.ports import Health, Telemetry
from app.service.administration import Administration
from app.service.authentication import Authenticator
from app.service.betas import Betas
from app.service.clock import Clock
from app.service.counting import TokenCounter
from app.service.dialects import AnthropicDialect, OpenAIDialect
from app.service.inference import Inference


@dataclass(frozen=True, slots=True)
class Services:
    """The use cases, and the settings that belong to the front door itself."""

    inference: Inference
    administration: Administration
    authenticator: Authenticator
    counter: TokenCounter
    catalog: Catalog
    betas: Betas
    health: Health
    telemetry: Telemetry
    anthropic: AnthropicDialect
    openai: OpenAIDialect
    clock: Clock
    max_body_bytes: int


def services(request: Request) -> Services:
    return cast("Services", request.app.state.services)
