"""gRPC server reflection: v1 and v1alpha, which are the same protocol under two names."""

from collections.abc import Sequence
from typing import Any, Final

import grpc
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.descriptor_pool import Default
from grpc_reflection.v1alpha import reflection_pb2
from grpc_reflection.v1alpha._async import ReflectionServicer
from grpc_reflection.v1alpha.reflection_pb2_grpc import add_ServerReflectionServicer_to_server

V1: Final = "grpc.reflection.v1.ServerReflection"
V1ALPHA: Final = "grpc.reflection.v1alpha.ServerReflection"
_FILE: Final = "grpc/reflection/v1/reflection.proto"


def add_reflection(server: grpc.aio.Server, services: Sequence[str]) -> None:
    """Registers reflection of the services and of itself."""
    _describe_v1()
    servicer = ReflectionServicer([*services, V1, V1ALPHA])
    add_ServerReflectionServicer_to_server(servicer, server)  # type: ignore[no-untyped-call]
    # v1 has the messages of v1alpha in another package, so that the bytes on the wire are the same.
    handler: grpc.RpcMethodHandler[Any, Any] = grpc.stream_stream_rpc_method_handler(
        servicer.ServerReflectionInfo,
        request_deserializer=reflection_pb2.ServerReflectionRequest.FromString,
        response_serializer=reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(V1, {"ServerReflectionInfo": handler}),))


def _describe_v1() -> None:
    """Registers v1's own descriptor: v1alpha's under v1's names."""
    pool = Default()
    try:
        pool.FindFileByName(_FILE)
    except KeyError:
        described = FileDescriptorProto()
        reflection_pb2.DESCRIPTOR.CopyToProto(described)
        _rename(described)
        pool.AddSerializedFile(described.SerializeToString())


def _rename(described: FileDescriptorProto) -> None:
    described.name = _FILE
    described.package = described.package.replace("v1alpha", "v1")
    for message in described.message_type:
        for field in message.field:
            if field.HasField("type_name"):
                field.type_name = field.type_name.replace(".v1alpha.", ".v1.")
    for service in described.service:
        for method in service.method:
            method.input_type = method.input_type.replace(".v1alpha.", ".v1.")
            method.output_type = method.output_type.replace(".v1alpha.", ".v1.")
