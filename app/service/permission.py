"""Whether a key may use a model."""

from app.domain.keys import Caller
from app.domain.models import Target
from app.errors import ModelNotAllowed


def check_model(caller: Caller, target: Target) -> None:
    """Raises ModelNotAllowed where the lists of key and user do not hold the model."""
    if not caller.may_use(target.model.name, *target.model.aliases, target.asked):
        raise ModelNotAllowed(
            f"This API key may not use {target.model.name}. "
            "GET /v1/models lists the models that it may use."
        )
