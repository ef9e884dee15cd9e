"""The fields of models: LiteLLM's, as far as they mean something here."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from app.http.admin.fields import Body, Text
from app.http.admin.numbers import Cost, Count

Name = Annotated[Text, Field(max_length=100, pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/\-]*$")]
BedrockModel = Annotated[Text, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/\-\[\]]*$")]


class Parameters(Body):
    """Costs are in USD per token; limits are those of all callers together."""

    model: BedrockModel | None = None
    custom_llm_provider: Literal["bedrock"] | None = None
    rpm: Count | None = None
    tpm: Count | None = None
    max_parallel_requests: Count | None = None
    input_cost_per_token: Cost | None = None
    output_cost_per_token: Cost | None = None
    cache_creation_input_token_cost: Cost | None = None
    cache_creation_input_token_cost_above_1hr: Cost | None = None
    cache_read_input_token_cost: Cost | None = None


class NewParameters(Parameters):
    model: BedrockModel


class Info(Body):
    """`base_model` is whose capabilities a model has that the gateway does not know."""

    id: Text | None = None
    base_model: Text | None = None


class KnownInfo(Info):
    id: Text


class ModelNew(Body):
    """A name for a model, a model with its Bedrock id, or limits and prices of a model."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "model_name": "team-sonnet",
                    "litellm_params": {"model": "claude-sonnet-4-5", "rpm": 600, "tpm": 2_000_000},
                    "model_info": {"id": "team-sonnet-1"},
                }
            ]
        }
    )

    model_name: Name
    litellm_params: NewParameters
    model_info: Info = Info()


class ModelUpdate(Body):
    """What is to be changed: what isn't sent stays, null clears."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"model_info": {"id": "team-sonnet-1"}, "litellm_params": {"rpm": 900}}]
        }
    )

    model_name: Name | None = None
    litellm_params: Parameters = Parameters()
    model_info: KnownInfo


class ModelName(Body):
    """A model of the operator's own, by the id of its `model_info`."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"id": "team-sonnet-1"}]})

    id: Text
