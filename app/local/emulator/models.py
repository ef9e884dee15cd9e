"""Which model a path means, as strictly as Bedrock reads it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote

from app.catalog.model import Model
from app.local.emulator.faults import invalid

ARN = re.compile(
    r"arn:aws(-us-gov)?:bedrock:[a-z0-9-]+:(\d{12})?:(?P<kind>inference-profile|foundation-model)/"
    r"(?P<id>[^/]+)"
)
INVALID_ID = "The provided model identifier is invalid."


@dataclass(frozen=True, slots=True)
class Asked:
    """A model as the path of a call names it."""

    model_id: str
    """Decoded, without the ARN around it."""
    model: Model


class Directory:
    """The models of the catalogue by all the ids that Bedrock knows them under."""

    def __init__(self, models: Iterable[Model]) -> None:
        self._profiles: dict[str, Model] = {}
        self._foundation: dict[str, Model] = {}
        for model in models:
            self._foundation[model.bedrock_id] = model
            self._profiles.update({profile.bedrock_id: model for profile in model.profiles})

    def invoked(self, segment: str) -> Asked:
        """The model of an inference call; `segment` is the path's, percent-encoded.

        Raises `BedrockFault` (400) for ids that do not exist, and for bare ids of models that are
        reached by inference profiles alone.
        """
        model_id, kind = _plain_id(segment)
        model = self._profiles.get(model_id)
        bare = model_id in self._foundation
        if model is not None and (kind is None or (kind == "foundation-model") == bare):
            return Asked(model_id, model)
        if bare and kind != "inference-profile":
            raise invalid(
                f"Invocation of model ID {model_id} with on-demand throughput isn’t supported. "  # noqa: RUF001
                "Retry your request with the ID or ARN of an inference profile that contains this "
                "model."
            )
        raise invalid(INVALID_ID)

    def counted(self, segment: str) -> Asked:
        """The model of a token count: foundation ids only, and only those that can count."""
        model_id, kind = _plain_id(segment)
        model = self._foundation.get(model_id)
        if model is None or kind == "inference-profile":
            raise invalid(INVALID_ID)
        if not model.capabilities.count_tokens:
            raise invalid("The provided model doesn't support counting tokens.")
        return Asked(model_id, model)


def _plain_id(segment: str) -> tuple[str, str | None]:
    decoded = unquote(segment)
    arn = ARN.fullmatch(decoded)
    return (arn["id"], arn["kind"]) if arn else (decoded, None)
