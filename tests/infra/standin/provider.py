"""The provider's half of Terraform's plugin protocol, version 5."""

import json
from typing import Any

from tfplugin_proto import tfplugin5_5_pb2 as pb

from tests.infra.standin import data, inventing, planning, rules
from tests.infra.standin.schema import Block, Schema, attributes, nested
from tests.infra.standin.values import decode, encode

ERROR = 1
DEFAULT_REGION = "us-west-1"


class Provider:
    """One per server; a run of Terraform configures it anew, so runs go one after another."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._message = schema.message()
        self._default_tags: dict[str, str] = {}
        self._region = DEFAULT_REGION

    def get_schema(self, request: Any) -> Any:
        del request
        return self._message

    def prepare_provider_config(self, request: Any) -> Any:
        return pb.PrepareProviderConfig.Response(prepared_config=request.config)

    def configure(self, request: Any) -> Any:
        config = decode(request.config) or {}
        self._region = config.get("region") or DEFAULT_REGION
        self._default_tags = {}
        for block in config.get("default_tags") or []:
            self._default_tags.update(block.get("tags") or {})
        return pb.Configure.Response()

    def validate_resource_type_config(self, request: Any) -> Any:
        answer = pb.ValidateResourceTypeConfig.Response()
        block, config = self._resource(request.type_name), decode(request.config)
        for name, sentence in rules.problems(request.type_name, block, config):
            answer.diagnostics.add(severity=ERROR, summary=f"Invalid {name}", detail=sentence)
        return answer

    def validate_data_source_config(self, request: Any) -> Any:
        del request
        return pb.ValidateDataSourceConfig.Response()

    def upgrade_resource_state(self, request: Any) -> Any:
        state = json.loads(request.raw_state.json)
        return pb.UpgradeResourceState.Response(upgraded_state=encode(state))

    def read_resource(self, request: Any) -> Any:
        return pb.ReadResource.Response(new_state=request.current_state, private=request.private)

    def plan_resource_change(self, request: Any) -> Any:
        proposed = decode(request.proposed_new_state)
        if proposed is None:
            return pb.PlanResourceChange.Response(planned_state=request.proposed_new_state)
        planned, forced = planning.plan(
            request.type_name,
            self._resource(request.type_name),
            decode(request.prior_state),
            proposed,
            self._default_tags,
            self._region,
        )
        answer = pb.PlanResourceChange.Response(
            planned_state=encode(planned), legacy_type_system=True
        )
        for name in forced:
            answer.requires_replace.add().steps.add(attribute_name=name)
        return answer

    def apply_resource_change(self, request: Any) -> Any:
        planned = decode(request.planned_state)
        if planned is not None:
            region = planned.get("region") or self._region
            block = self._resource(request.type_name)
            inventing.fill(request.type_name, block, planned, region)
        return pb.ApplyResourceChange.Response(new_state=encode(planned), legacy_type_system=True)

    def import_resource_state(self, request: Any) -> Any:
        block = self._resource(request.type_name)
        state: dict[str, Any] = dict.fromkeys(attributes(block))
        state |= {
            name: [] if kind["nesting_mode"] in ("list", "set") else None
            for name, kind in nested(block).items()
        }
        answer = pb.ImportResourceState.Response()
        state["id"] = request.id
        answer.imported_resources.add(type_name=request.type_name, state=encode(state))
        return answer

    def read_data_source(self, request: Any) -> Any:
        block = self._schema.data_sources[request.type_name]
        state = data.answer(request.type_name, block, decode(request.config), self._region)
        return pb.ReadDataSource.Response(state=encode(state))

    def stop(self, request: Any) -> Any:
        del request
        return pb.Stop.Response()

    def _resource(self, type_name: str) -> Block:
        return self._schema.resources[type_name]
