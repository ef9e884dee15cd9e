"""What all calls share."""

from dataclasses import dataclass, field

from app.catalog.catalog import Catalog
from app.core.guardrail import Guardrail
from app.core.pacer import StartPacer
from app.core.tasks import DetachedTasks
from app.core.time import Clock
from app.identity.authentication import Authenticator
from app.inference.admission import Admission
from app.inference.intake import Intake
from app.ledger.record import Sink
from app.ledger.settling import Settler
from app.upstream.routing import Router
from app.upstream.upstream import Upstream


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds."""

    first_event_wait: float
    ping: float
    drain: float
    """How long a stream is read after its client has disconnected."""


@dataclass(frozen=True, slots=True)
class Inference:
    """Made once, in `app.main`."""

    authenticator: Authenticator
    catalog: Catalog
    intake: Intake
    admission: Admission
    settler: Settler
    upstream: Upstream
    attempts: Router
    sink: Sink
    background: DetachedTasks
    clock: Clock
    timing: Timing
    pacer: StartPacer = field(default_factory=StartPacer)
    guardrail: Guardrail | None = None
    captures: bool = False
    """Whether records are to hold what was asked and answered."""
