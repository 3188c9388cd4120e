"""CheckoutService: hosted checkouts and payment links over gRPC."""

from dataclasses import dataclass
from typing import Any

from adapters.grpc.middleware.call_context import CurrentCaller
from adapters.grpc.translate import checkouts
from adapters.grpc.translate.checkouts import CheckoutMapper
from application.checkouts.create_checkout import CreateCheckout
from application.checkouts.expire_checkout import ExpireCheckout
from application.checkouts.get_checkout import GetCheckout
from application.checkouts.list_checkouts import ListCheckouts
from bayar.payments.v1 import checkout_service_pb2 as wire
from bayar.payments.v1.checkout_service_pb2_grpc import CheckoutServiceServicer


@dataclass(frozen=True, slots=True)
class CheckoutServicer(CheckoutServiceServicer):
    current_caller: CurrentCaller
    create_checkout: CreateCheckout
    get_checkout: GetCheckout
    list_checkouts: ListCheckouts
    expire_checkout: ExpireCheckout
    checkout_mapper: CheckoutMapper

    def CreateCheckout(self, request: wire.CreateCheckoutRequest, context: Any) -> wire.CreateCheckoutResponse:
        created = self.create_checkout(checkouts.create_checkout_command(request), self.current_caller())
        return wire.CreateCheckoutResponse(checkout=self.checkout_mapper.checkout(created))

    def GetCheckout(self, request: wire.GetCheckoutRequest, context: Any) -> wire.GetCheckoutResponse:
        found = self.get_checkout(request.checkout_id, self.current_caller())
        return wire.GetCheckoutResponse(checkout=self.checkout_mapper.checkout(found))

    def ListCheckouts(self, request: wire.ListCheckoutsRequest, context: Any) -> wire.ListCheckoutsResponse:
        found, token = self.list_checkouts(
            checkouts.checkout_filter(request),
            self.current_caller(),
            page_size=request.page_size,
            page_token=request.page_token,
        )
        messages = [self.checkout_mapper.checkout(one) for one in found]
        return wire.ListCheckoutsResponse(checkouts=messages, next_page_token=token)

    def ExpireCheckout(self, request: wire.ExpireCheckoutRequest, context: Any) -> wire.ExpireCheckoutResponse:
        expired = self.expire_checkout(request.request_id, request.checkout_id, self.current_caller())
        return wire.ExpireCheckoutResponse(checkout=self.checkout_mapper.checkout(expired))
