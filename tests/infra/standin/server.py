"""The stand-in as a server in this process, which Terraform attaches to instead of starting one."""

import json
import os
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Final

UNLIMITED: Final = [
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
]


@contextmanager
def serving() -> Iterator[dict[str, str]]:
    """Yield the environment variables by which a run of Terraform finds the provider."""
    # Late, since every worker imports this file, and few run Terraform.
    import grpc

    from tests.infra.standin.provider import Provider
    from tests.infra.standin.schema import PROVIDER, Schema

    with tempfile.TemporaryDirectory(prefix="standin-") as folder:
        address = f"{folder}/provider.sock"
        server = grpc.server(ThreadPoolExecutor(8), options=UNLIMITED)
        provider = Provider(Schema.load())
        server.add_generic_rpc_handlers([_handlers(provider)])
        server.add_insecure_port(f"unix:{address}")
        server.start()
        attached = {
            "Protocol": "grpc",
            "ProtocolVersion": 5,
            "Pid": os.getpid(),
            "Test": True,
            "Addr": {"Network": "unix", "String": address},
        }
        try:
            yield {"TF_REATTACH_PROVIDERS": json.dumps({PROVIDER: attached})}
        finally:
            server.stop(None).wait()


def _handlers(provider: Any) -> Any:
    import grpc
    from tfplugin_proto import tfplugin5_5_pb2 as pb

    return grpc.method_handlers_generic_handler(
        "tfplugin5.Provider",
        {
            "GetSchema": _call(provider.get_schema, pb.GetProviderSchema),
            "PrepareProviderConfig": _call(
                provider.prepare_provider_config, pb.PrepareProviderConfig
            ),
            "Configure": _call(provider.configure, pb.Configure),
            "ValidateResourceTypeConfig": _call(
                provider.validate_resource_type_config, pb.ValidateResourceTypeConfig
            ),
            "ValidateDataSourceConfig": _call(
                provider.validate_data_source_config, pb.ValidateDataSourceConfig
            ),
            "UpgradeResourceState": _call(provider.upgrade_resource_state, pb.UpgradeResourceState),
            "ReadResource": _call(provider.read_resource, pb.ReadResource),
            "PlanResourceChange": _call(provider.plan_resource_change, pb.PlanResourceChange),
            "ApplyResourceChange": _call(provider.apply_resource_change, pb.ApplyResourceChange),
            "ImportResourceState": _call(provider.import_resource_state, pb.ImportResourceState),
            "ReadDataSource": _call(provider.read_data_source, pb.ReadDataSource),
            "Stop": _call(provider.stop, pb.Stop),
        },
    )


def _call(method: Callable[[Any], Any], messages: Any) -> Any:
    import grpc

    def answer(request: Any, context: Any) -> Any:
        del context
        return method(request)

    return grpc.unary_unary_rpc_method_handler(
        answer,
        request_deserializer=messages.Request.FromString,
        response_serializer=messages.Response.SerializeToString,
    )
