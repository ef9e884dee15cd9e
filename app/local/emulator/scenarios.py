"""The ways in which Bedrock can misbehave, and the queue that decides whose turn it is."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from app.local.emulator.faults import ExceptionName, StreamException

Count = Annotated[int, Field(ge=0)]
Seconds = Annotated[float, Field(ge=0)]
Segments = Annotated[int, Field(ge=1, le=20)]
LieAbout = Literal["missing", "shrinking", "negative", "absurd"]
OnDisconnect = Literal["stop", "finish"]


class _Scenario(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    times: Annotated[int, Field(ge=1)] | None = None
    """For so many calls; None: until others are set."""
    model: str | None = None
    """Only calls whose model id holds this text."""
    on_disconnect: OnDisconnect | None = None
    """What a client that hangs up does to the bill; None: as the emulator was started."""


class Normal(_Scenario):
    """Answers."""

    kind: Literal["normal"] = "normal"


class Throttle(_Scenario):
    """Answers 429 ThrottlingException."""

    kind: Literal["throttle"]


class Unavailable(_Scenario):
    """Answers 503 ServiceUnavailableException."""

    kind: Literal["unavailable"]


class Stall(_Scenario):
    """Accepts, and sends nothing for `seconds`, or for ever; then answers."""

    kind: Literal["stall"]
    seconds: Seconds | None = None


class StallMidStream(_Scenario):
    """Sends nothing for `seconds`, or for ever, once `after` deltas are out."""

    kind: Literal["stall_mid_stream"]
    seconds: Seconds | None = None
    after: Count = 1


class BreakMidStream(_Scenario):
    """Resets the connection once `after` deltas are out."""

    kind: Literal["break_mid_stream"]
    after: Count = 1


class ExceptionFirst(_Scenario):
    """Answers 200, and an exception frame before any event."""

    kind: Literal["exception_first"]
    exception: StreamException = "throttlingException"


class ExceptionMidStream(_Scenario):
    """Sends an exception frame once `after` deltas are out."""

    kind: Literal["exception_mid_stream"]
    exception: StreamException = "modelStreamErrorException"
    after: Count = 1


class Slow(_Scenario):
    """Waits `before` an answer begins, then `seconds` between two deltas, or once before an answer
    that is not streamed."""

    kind: Literal["slow"]
    seconds: Seconds
    before: Seconds = 0


class ToolThenText(_Scenario):
    """Calls `tool`, `calls` times at once, where it is offered and the last message holds no
    result; else says text."""

    kind: Literal["tool_then_text"]
    tool: str
    input: dict[str, Any]
    calls: Annotated[int, Field(ge=1, le=20)] = 1


class Error(_Scenario):
    """Answers an exception with its status, its usual message or this one, and this `Retry-After`.
    `{prompt}` in the message stands for the last text of the user: Bedrock quotes its clients. The
    body is sent in so many `segments`."""

    kind: Literal["error"]
    exception: ExceptionName
    message: str | None = None
    retry_after: str | None = None
    segments: Segments = 1


class Refuse(_Scenario):
    """Answers 400 to calls that carry a beta, or a field anywhere under a dotted path: what Bedrock
    does when it knows less than the catalogue says. `named` tells whether the answer names it."""

    kind: Literal["refuse"]
    beta: str | None = None
    field: str | None = None
    named: bool = True
    segments: Segments = 1


class Guardrail(_Scenario):
    """Answers calls that name a guardrail with its `text`, as one that intervened would; where it
    is not `known`, answers 400."""

    kind: Literal["guardrail"]
    text: str = "Sorry, the guardrail blocked this."
    known: bool = True


class Garbage(_Scenario):
    """Sends bytes that are no frame once `after` deltas are out."""

    kind: Literal["garbage"]
    after: Count = 0


class Compact(_Scenario):
    """Compacts the conversation of calls that ask for it, however short it is."""

    kind: Literal["compact"]


class HalfCharacter(_Scenario):
    """Puts half of a character, as an escape, in front of each text that is not empty."""

    kind: Literal["half_character"]


class Lie(_Scenario):
    """Tells another usage than it bills: none, less at the end than before, below 0, or 10^15."""

    kind: Literal["lie"]
    about: LieAbout


Scenario = (
    Normal
    | Throttle
    | Unavailable
    | Stall
    | StallMidStream
    | BreakMidStream
    | ExceptionFirst
    | ExceptionMidStream
    | Slow
    | ToolThenText
    | Error
    | Refuse
    | Guardrail
    | Garbage
    | Compact
    | HalfCharacter
    | Lie
)


class UnknownScenario(Exception):
    """The description of a scenario is not one that the emulator knows."""


def parse(document: object) -> Sequence[Scenario]:
    """One scenario or a list of them, from JSON values; raises `UnknownScenario`."""
    items = document if isinstance(document, list) else [document]
    adapter: TypeAdapter[Scenario] = TypeAdapter(Annotated[Scenario, Field(discriminator="kind")])
    try:
        return [adapter.validate_python(item) for item in items]
    except ValidationError as error:
        raise UnknownScenario(str(error)) from error


class ScenarioQueue:
    """Scenarios in order; each call takes the first that is meant for its model."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Scenario, int | None]] = []

    def replace(self, scenarios: Sequence[Scenario]) -> None:
        """Forgets what was queued."""
        self._waiting = [(scenario, scenario.times) for scenario in scenarios]

    def take(self, model_id: str) -> Scenario:
        """The scenario of the next call; `Normal` when none is meant for it."""
        for place, (scenario, left) in enumerate(self._waiting):
            if scenario.model is None or scenario.model in model_id:
                if left == 1:
                    del self._waiting[place]
                elif left is not None:
                    self._waiting[place] = (scenario, left - 1)
                return scenario
        return Normal()

    def waiting(self) -> Sequence[dict[str, Any]]:
        """What is queued, as JSON values, `times` counted down."""
        return [{**scenario.model_dump(), "times": left} for scenario, left in self._waiting]
