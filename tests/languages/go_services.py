"""Writes the part of clients/go that follows from the contract: services, lists and streams."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from google.protobuf import descriptor_pb2

_STREAMS_BY_HAND = {"WatchPayment", "StreamEvents"}
_HEAD = """// Code generated from the contract. DO NOT EDIT.

package bayar

import (
	"context"

	pb "bayar.internal/bayar/paymentsv1"
	"google.golang.org/grpc"
)
"""


@dataclass(frozen=True, slots=True)
class _Rpc:
    service: str
    name: str
    comment: str
    response: descriptor_pb2.DescriptorProto
    is_stream: bool


def services_file(contract: descriptor_pb2.FileDescriptorSet) -> str:
    """The text of services.go."""
    services = [(file, service) for file in contract.file for service in file.service]
    names = [service.name for _, service in services]
    responses = {message.name: message for file in contract.file for message in file.message_type}
    rpcs = [rpc for file, service in services for rpc in _rpcs(file, service.name, responses)]
    return "\n".join([_HEAD, *_fields(names), *(line for rpc in rpcs for line in _method(rpc))])


def _fields(names: list[str]) -> list[str]:
    return [
        "// Services are the services of the contract.",
        "type Services struct {",
        *(f"\t{_field(name)} pb.{name}Client" for name in names),
        "}",
        "",
        "func newServices(connection grpc.ClientConnInterface) Services {",
        "\treturn Services{",
        *(f"\t\t{_field(name)}: pb.New{name}Client(connection)," for name in names),
        "\t}",
        "}",
        "",
        "var serviceNames = []string{",
        *(f'\t"bayar.payments.v1.{name}",' for name in names),
        "}",
        "",
    ]


def _field(service: str) -> str:
    """`Payments` of PaymentService; `Admin` stays in the singular."""
    name = service.removesuffix("Service")
    return name if name == "Admin" else f"{name}s"


def _rpcs(
    file: descriptor_pb2.FileDescriptorProto, service: str, messages: dict[str, descriptor_pb2.DescriptorProto]
) -> Iterator[_Rpc]:
    comments = {tuple(each.path): each.leading_comments for each in file.source_code_info.location}
    for number, method in enumerate(file.service[0].method):
        response = messages[method.output_type.rpartition(".")[2]]
        yield _Rpc(service, method.name, comments[6, 0, 2, number], response, method.server_streaming)


def _method(rpc: _Rpc) -> list[str]:
    if rpc.name in _STREAMS_BY_HAND:
        return []
    if rpc.is_stream:
        return _stream(rpc)
    return _list(rpc) if rpc.name.startswith(("List", "Search")) else []


def _list(rpc: _Rpc) -> list[str]:
    item, getter = _repeated(rpc.response)
    return [
        *_comment(rpc),
        _signature(rpc, item),
        f"\treturn pages(ctx, client.{_field(rpc.service)}.{rpc.name}, request, (*pb.{rpc.name}Response).{getter})",
        "}",
        "",
    ]


def _stream(rpc: _Rpc) -> list[str]:
    """A stream that cannot be taken up in the middle: its messages, or the rows in them."""
    response = f"pb.{rpc.name}Response"
    is_rows = (
        len(rpc.response.field) == 1
        and rpc.response.field[0].label == descriptor_pb2.FieldDescriptorProto.LABEL_REPEATED
    )
    item, getter = _repeated(rpc.response) if is_rows else (f"{rpc.name}Response", "")
    items = (
        f"(*{response}).{getter}"
        if is_rows
        else f"func(answer *{response}) []*{response} {{ return []*{response}{{answer}} }}"
    )
    return [
        *_comment(rpc),
        "//",
        "// A connection that is lost on the way ends it with an error: begin again.",
        _signature(rpc, item),
        f"\treturn iterate(ctx, client.calls, &streamed[*{response}, *pb.{item}]{{",
        f'\t\tmethod: "/bayar.payments.v1.{rpc.service}/{rpc.name}",',
        f"\t\tanswer: func() *{response} {{ return &{response}{{}} }},",
        f"\t\titems: {items},",
        "\t}, request)",
        "}",
        "",
    ]


def _signature(rpc: _Rpc, item: str) -> str:
    parameters = f"ctx context.Context, request *pb.{rpc.name}Request"
    return f"func (client *Client) {rpc.name}({parameters}) *Iterator[*pb.{item}] {{"


def _repeated(response: descriptor_pb2.DescriptorProto) -> tuple[str, str]:
    """The type of the elements of an answer, and their getter."""
    repeated = descriptor_pb2.FieldDescriptorProto.LABEL_REPEATED
    field = next(field for field in response.field if field.label == repeated)
    return field.type_name.rpartition(".")[2], "Get" + "".join(part.capitalize() for part in field.name.split("_"))


def _comment(rpc: _Rpc) -> list[str]:
    lines = rpc.comment.strip().split("\n")
    # The contract's comments begin with a verb, and those of Go with the name.
    return [
        f"// {rpc.name} {lines[0][:1].lower()}{lines[0][1:]}",
        *(f"// {line.strip()}".rstrip() for line in lines[1:]),
    ]
