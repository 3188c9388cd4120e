"""PaymentService: payments and refunds over gRPC."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from adapters.grpc.middleware.call_context import CurrentCaller, mapper_for
from adapters.grpc.scheduling.stream_pool import StreamPool
from adapters.grpc.translate import requests
from adapters.grpc.translate.enums import DECLINE_REASON
from adapters.grpc.translate.history import payment_event
from adapters.grpc.translate.resources import ResourceMapper, merchant_account, moment
from adapters.grpc.translate.searches import raw_search, search_hit
from adapters.grpc.translate.summaries import raw_summary_query, summary_response
from application.payments.adjust_authorization import AdjustAuthorization
from application.payments.capture_payment import CapturePayment
from application.payments.create_payment import CreatePayment
from application.payments.get_payment import GetPayment
from application.payments.list_merchant_accounts import ListMerchantAccounts
from application.payments.list_payment_events import ListPaymentEvents
from application.payments.list_payments import ListPayments
from application.payments.refund_payment import RefundPayment
from application.payments.verify_payment import VerifyPayment
from application.payments.void_payment import VoidPayment
from application.search.search_payments import SearchPayments
from application.statistics.summarize_payments import SummarizePayments
from bayar.payments.v1 import payment_pb2
from bayar.payments.v1 import payment_service_pb2 as wire
from bayar.payments.v1.payment_service_pb2_grpc import PaymentServiceServicer
from domain.decline import CATALOGUE, DeclineReason
from domain.ids import CustomerId, RequestId
from domain.payment import Payment

_SHORTEST_LOOK_SECONDS: Final = 0.2
_LONGEST_LOOK_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True)
class PaymentServicer(PaymentServiceServicer):
    current_caller: CurrentCaller
    create_payment: CreatePayment
    capture_payment: CapturePayment
    adjust_authorization: AdjustAuthorization
    void_payment: VoidPayment
    refund_payment: RefundPayment
    get_payment: GetPayment
    list_payments: ListPayments
    search_payments: SearchPayments
    summarize_payments: SummarizePayments
    verify_payment: VerifyPayment
    list_payment_events: ListPaymentEvents
    list_merchant_accounts: ListMerchantAccounts
    decline_codes: Mapping[DeclineReason, Sequence[str]]
    find_language: Callable[[CustomerId], str]
    stream_pool: StreamPool

    def CreatePayment(self, request: wire.CreatePaymentRequest, context: Any) -> wire.CreatePaymentResponse:
        payment = self.create_payment(requests.create_payment_command(request), self.current_caller())
        return wire.CreatePaymentResponse(payment=self._message(payment, request, context))

    def CapturePayment(self, request: wire.CapturePaymentRequest, context: Any) -> wire.CapturePaymentResponse:
        payment = self.capture_payment(requests.capture_command(request), self.current_caller())
        return wire.CapturePaymentResponse(
            payment=self._message(payment, request, context),
            operation_id=self._started(payment, request.request_id)[-1],
        )

    def AdjustAuthorization(
        self, request: wire.AdjustAuthorizationRequest, context: Any
    ) -> wire.AdjustAuthorizationResponse:
        payment = self.adjust_authorization(requests.adjust_command(request), self.current_caller())
        return wire.AdjustAuthorizationResponse(
            payment=self._message(payment, request, context),
            operation_id=self._started(payment, request.request_id)[-1],
        )

    def VoidPayment(self, request: wire.VoidPaymentRequest, context: Any) -> wire.VoidPaymentResponse:
        payment = self.void_payment(requests.void_command(request), self.current_caller())
        return wire.VoidPaymentResponse(
            payment=self._message(payment, request, context),
            operation_id=self._started(payment, request.request_id)[-1],
        )

    def RefundPayment(self, request: wire.RefundPaymentRequest, context: Any) -> wire.RefundPaymentResponse:
        payment = self.refund_payment(requests.refund_command(request), self.current_caller())
        return wire.RefundPaymentResponse(
            payment=self._message(payment, request, context), operation_ids=self._started(payment, request.request_id)
        )

    def GetPayment(self, request: wire.GetPaymentRequest, context: Any) -> wire.GetPaymentResponse:
        payment = self.get_payment(request.payment_id, self.current_caller(), language_code=request.language_code)
        return wire.GetPaymentResponse(payment=self._message(payment, request, context))

    def ListPayments(self, request: wire.ListPaymentsRequest, context: Any) -> wire.ListPaymentsResponse:
        page = self.list_payments(
            requests.payment_filter(request.filter),
            self.current_caller(),
            page_size=request.page_size,
            page_token=request.page_token,
            language_code=request.language_code,
        )
        messages = [
            self._mapper(payment, request, context).payment(payment, with_line_items=False) for payment in page.payments
        ]
        return wire.ListPaymentsResponse(payments=messages, next_page_token=page.next_page_token)

    def SearchPayments(self, request: wire.SearchPaymentsRequest, context: Any) -> wire.SearchPaymentsResponse:
        page = self.search_payments(
            raw_search(request),
            self.current_caller(),
            page_size=request.page_size,
            page_token=request.page_token,
            language_code=request.language_code,
            peer=context.peer(),
        )
        hits = [
            search_hit(hit, self._mapper(hit.payment, request, context).payment(hit.payment, with_line_items=False))
            for hit in page.hits
        ]
        return wire.SearchPaymentsResponse(
            hits=hits, next_page_token=page.next_page_token, complete_from_time=moment(page.complete_from)
        )

    def SummarizePayments(self, request: wire.SummarizePaymentsRequest, context: Any) -> wire.SummarizePaymentsResponse:
        return summary_response(self.summarize_payments(raw_summary_query(request), self.current_caller()))

    def VerifyPayment(self, request: wire.VerifyPaymentRequest, context: Any) -> wire.VerifyPaymentResponse:
        verified = self.verify_payment(request.payment_id, self.current_caller(), language_code=request.language_code)
        return self._mapper(verified.payment, request, context).verified(verified)

    async def WatchPayment(
        self, request: wire.WatchPaymentRequest, context: Any
    ) -> AsyncIterator[wire.WatchPaymentResponse]:
        caller = self.current_caller()

        def look() -> tuple[wire.WatchPaymentResponse, bool]:
            payment = self.get_payment(request.payment_id, caller, language_code=request.language_code)
            return wire.WatchPaymentResponse(payment=self._message(payment, request, context)), payment.is_at_rest

        last_sent: bytes | None = None
        pause = _SHORTEST_LOOK_SECONDS
        while True:
            answer, rests = await self.stream_pool.run(caller, look)
            encoded = answer.SerializeToString(deterministic=True)
            if encoded != last_sent:
                yield answer
                last_sent, pause = encoded, _SHORTEST_LOOK_SECONDS
            if rests:
                return
            # Any replica may write a change, so this polls the row, ever more rarely while it is unchanged.
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, _LONGEST_LOOK_SECONDS)

    def ListPaymentEvents(self, request: wire.ListPaymentEventsRequest, context: Any) -> wire.ListPaymentEventsResponse:
        caller = self.current_caller()
        entries, token = self.list_payment_events(
            request.payment_id, caller, page_size=request.page_size, page_token=request.page_token
        )
        payment = self.get_payment(request.payment_id, caller)
        kinds = {str(operation.operation_id): operation.kind for operation in payment.operations}
        return wire.ListPaymentEventsResponse(
            events=[payment_event(entry, kinds) for entry in entries], next_page_token=token
        )

    def ListMerchantAccounts(
        self, request: wire.ListMerchantAccountsRequest, context: Any
    ) -> wire.ListMerchantAccountsResponse:
        accounts = self.list_merchant_accounts(self.current_caller())
        return wire.ListMerchantAccountsResponse(merchant_accounts=map(merchant_account, accounts))

    def ListDeclineReasons(
        self, request: wire.ListDeclineReasonsRequest, context: Any
    ) -> wire.ListDeclineReasonsResponse:
        mapper = mapper_for(request, context)
        entries = [
            wire.DeclineReasonEntry(
                decline=mapper.decline(CATALOGUE[reason]), gateway_codes=self.decline_codes.get(reason, ())
            )
            for reason in DECLINE_REASON
        ]
        return wire.ListDeclineReasonsResponse(entries=entries)

    def _started(self, payment: Payment, request_id: str) -> list[str]:
        """The operations that the request started, oldest first."""
        own_id = self.current_caller().own_request_id(RequestId(request_id.lower()))
        return [operation.operation_id for operation in payment.operations_of(own_id)]

    def _message(self, payment: Payment, request: Any, context: Any) -> payment_pb2.Payment:
        return self._mapper(payment, request, context).payment(payment)

    def _mapper(self, payment: Payment, request: Any, context: Any) -> ResourceMapper:
        customer_id = payment.terms.customer_id
        # Only a decline has a localized text.
        has_text = payment.final_decline is not None or any(o.decline for o in payment.operations)
        if customer_id is None or not has_text:
            return mapper_for(request, context)
        return mapper_for(request, context, lambda: self.find_language(customer_id))
