"""Every RPC of the contract, by its name."""

from typing import Final

from google.protobuf.descriptor import MethodDescriptor

from bayar.payments.v1 import (
    admin_service_pb2,
    checkout_service_pb2,
    customer_service_pb2,
    dispute_service_pb2,
    event_service_pb2,
    payment_method_service_pb2,
    payment_service_pb2,
)

_MODULES: Final = (
    admin_service_pb2,
    checkout_service_pb2,
    customer_service_pb2,
    dispute_service_pb2,
    event_service_pb2,
    payment_method_service_pb2,
    payment_service_pb2,
)
METHODS: Final[dict[str, MethodDescriptor]] = {
    method.name: method
    for module in _MODULES
    for service in module.DESCRIPTOR.services_by_name.values()
    for method in service.methods
}
