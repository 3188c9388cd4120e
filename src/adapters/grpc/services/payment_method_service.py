"""PaymentMethodService: stored cards and wallets over gRPC."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from adapters.grpc.middleware.call_context import CurrentCaller, mapper_for
from adapters.grpc.translate import requests
from application.payment_methods.add_payment_method import AddPaymentMethod
from application.payment_methods.change_payment_method import (
    DeletePaymentMethod,
    SetDefaultPaymentMethod,
    UpdatePaymentMethod,
)
from application.payment_methods.create_client_token import CreateClientToken
from application.payment_methods.get_payment_method import GetPaymentMethod
from application.payment_methods.list_payment_methods import ListPaymentMethods
from application.ports.runtime import Clock
from bayar.payments.v1 import payment_method_pb2
from bayar.payments.v1 import payment_method_service_pb2 as wire
from bayar.payments.v1.payment_method_service_pb2_grpc import PaymentMethodServiceServicer
from domain.ids import CustomerId
from domain.payment_method import PaymentMethod


@dataclass(frozen=True, slots=True)
class PaymentMethodServicer(PaymentMethodServiceServicer):
    current_caller: CurrentCaller
    clock: Clock
    create_client_token: CreateClientToken
    add_payment_method: AddPaymentMethod
    get_payment_method: GetPaymentMethod
    list_payment_methods: ListPaymentMethods
    update_payment_method: UpdatePaymentMethod
    set_default_payment_method: SetDefaultPaymentMethod
    delete_payment_method: DeletePaymentMethod
    find_language: Callable[[CustomerId], str]

    def CreateClientToken(self, request: wire.CreateClientTokenRequest, context: Any) -> wire.CreateClientTokenResponse:
        token = self.create_client_token(
            self.current_caller(),
            customer_id=request.customer_id,
            currency_code=request.currency_code,
            merchant_account_id=request.merchant_account_id,
        )
        return wire.CreateClientTokenResponse(client_token=token)

    def AddPaymentMethod(self, request: wire.AddPaymentMethodRequest, context: Any) -> wire.AddPaymentMethodResponse:
        added = self.add_payment_method(requests.add_payment_method_command(request), self.current_caller())
        return wire.AddPaymentMethodResponse(payment_method=self._message(added, request, context))

    def GetPaymentMethod(self, request: wire.GetPaymentMethodRequest, context: Any) -> wire.GetPaymentMethodResponse:
        found = self.get_payment_method(
            request.payment_method_id, self.current_caller(), language_code=request.language_code
        )
        return wire.GetPaymentMethodResponse(payment_method=self._message(found, request, context))

    def ListPaymentMethods(
        self, request: wire.ListPaymentMethodsRequest, context: Any
    ) -> wire.ListPaymentMethodsResponse:
        found, token = self.list_payment_methods(
            request.customer_id,
            self.current_caller(),
            page_size=request.page_size,
            page_token=request.page_token,
            language_code=request.language_code,
        )
        messages = [self._message(method, request, context) for method in found]
        return wire.ListPaymentMethodsResponse(payment_methods=messages, next_page_token=token)

    def UpdatePaymentMethod(
        self, request: wire.UpdatePaymentMethodRequest, context: Any
    ) -> wire.UpdatePaymentMethodResponse:
        updated = self.update_payment_method(requests.update_payment_method_command(request), self.current_caller())
        return wire.UpdatePaymentMethodResponse(payment_method=self._message(updated, request, context))

    def SetDefaultPaymentMethod(
        self, request: wire.SetDefaultPaymentMethodRequest, context: Any
    ) -> wire.SetDefaultPaymentMethodResponse:
        chosen = self.set_default_payment_method(request.request_id, request.payment_method_id, self.current_caller())
        return wire.SetDefaultPaymentMethodResponse(payment_method=self._message(chosen, request, context))

    def DeletePaymentMethod(
        self, request: wire.DeletePaymentMethodRequest, context: Any
    ) -> wire.DeletePaymentMethodResponse:
        deleted = self.delete_payment_method(request.request_id, request.payment_method_id, self.current_caller())
        return wire.DeletePaymentMethodResponse(payment_method=self._message(deleted, request, context))

    def _message(self, method: PaymentMethod, request: Any, context: Any) -> payment_method_pb2.PaymentMethod:
        # Only a refused verification has a localized text.
        has_text = method.verification is not None and method.verification.decline is not None
        theirs = (lambda: self.find_language(method.customer_id)) if has_text else None
        return mapper_for(request, context, theirs).payment_method(method, self.clock.now().date())
