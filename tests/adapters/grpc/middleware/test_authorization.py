"""A call that does not say which scope it needs keeps the server from starting."""

from __future__ import annotations

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.descriptor import ServiceDescriptor

from adapters.grpc.middleware.authorization import UndeclaredScope, required_scopes
from application.common.caller import Scope
from bayar.payments.v1 import access_pb2, payment_service_pb2


def _a_service(*scopes: access_pb2.Scope.ValueType | None) -> ServiceDescriptor:
    """A service with a call for each scope; None: it declares none."""
    file = descriptor_pb2.FileDescriptorProto(name="crafted.proto", package="crafted", syntax="proto3")
    file.dependency.append("bayar/payments/v1/access.proto")
    file.message_type.add(name="Nothing")
    service = file.service.add(name="Crafted")
    for number, scope in enumerate(scopes):
        method = service.method.add(name=f"Call{number}", input_type=".crafted.Nothing", output_type=".crafted.Nothing")
        if scope is not None:
            method.options.Extensions[access_pb2.required_scope] = scope
    pool = descriptor_pool.DescriptorPool()
    for needed in (descriptor_pb2.DESCRIPTOR, access_pb2.DESCRIPTOR):
        pool.AddSerializedFile(needed.serialized_pb)
    pool.Add(file)
    return pool.FindServiceByName("crafted.Crafted")


@pytest.mark.parametrize("undeclared", [None, access_pb2.SCOPE_UNSPECIFIED])
def test_a_call_without_a_scope_is_named_and_nothing_starts(undeclared: access_pb2.Scope.ValueType | None) -> None:
    with pytest.raises(UndeclaredScope, match=r"/crafted\.Crafted/Call1: declare it"):
        required_scopes([_a_service(access_pb2.SCOPE_ADMIN, undeclared)])


def test_the_contract_declares_every_scope() -> None:
    service = payment_service_pb2.DESCRIPTOR.services_by_name["PaymentService"]
    declared = required_scopes([service, _a_service(access_pb2.SCOPE_ADMIN)])
    assert declared["/bayar.payments.v1.PaymentService/RefundPayment"] is Scope.PAYMENTS_REFUND
    assert declared["/crafted.Crafted/Call0"] is Scope.ADMIN
