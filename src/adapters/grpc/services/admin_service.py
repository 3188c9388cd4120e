"""AdminService: export, reconciliation and the other operator calls over gRPC."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, TypeVar

from adapters.grpc.middleware.call_context import CurrentCaller, mapper_for
from adapters.grpc.scheduling.stream_pool import StreamPool
from adapters.grpc.translate import disputes, movements, requests
from adapters.grpc.translate.credentials import credential
from adapters.grpc.translate.enums import notification_state_from
from adapters.grpc.translate.events import endpoint_status, event_delivery
from adapters.grpc.translate.resources import abuse_block, export_rows, reconcile_message
from application.card_testing.lift_abuse_block import LiftAbuseBlock
from application.card_testing.list_abuse_blocks import ListAbuseBlocks
from application.common.caller import Caller
from application.events.resend_events import ListDeliveries, ListEndpoints, ResendEvents
from application.gateway_webhooks.list_gateway_webhooks import ListGatewayWebhooks
from application.gateway_webhooks.retry_gateway_webhook import RetryGatewayWebhook
from application.payments.export_movements import ExportMovements
from application.payments.export_payments import ExportPayments
from application.recovery.compare_settlements import CompareSettlements
from application.recovery.list_unresolved_operations import ListUnresolvedOperations
from application.recovery.reconcile import Reconcile
from application.recovery.resolve_operation import ResolveOperation
from bayar.payments.v1 import admin_service_pb2 as wire
from bayar.payments.v1.admin_service_pb2_grpc import AdminServiceServicer
from domain.payment import Payment

Item = TypeVar("Item")


class _End(Enum):
    END = "end"


_END: Final = _End.END
# The number of rows in one message, from the contract.
_ROWS_A_MESSAGE: Final = 500


@dataclass(frozen=True, slots=True)
class AdminServicer(AdminServiceServicer):
    current_caller: CurrentCaller
    list_unresolved_operations: ListUnresolvedOperations
    resolve_operation: ResolveOperation
    reconcile: Reconcile
    export_movements: ExportMovements
    compare_settlements: CompareSettlements
    export_payments: ExportPayments
    list_gateway_webhooks: ListGatewayWebhooks
    retry_gateway_webhook: RetryGatewayWebhook
    list_abuse_blocks: ListAbuseBlocks
    lift_abuse_block: LiftAbuseBlock
    list_endpoints: ListEndpoints
    list_deliveries: ListDeliveries
    resend_events: ResendEvents
    stream_pool: StreamPool

    def ListUnresolvedOperations(
        self, request: wire.ListUnresolvedOperationsRequest, context: Any
    ) -> wire.ListUnresolvedOperationsResponse:
        found, token = self.list_unresolved_operations(
            *requests.times_of("", request, started_before_time=request.started_before_time),
            page_size=request.page_size,
            page_token=request.page_token,
        )
        mapper = mapper_for(request, context)
        return wire.ListUnresolvedOperationsResponse(
            operations=[mapper.unresolved(one) for one in found], next_page_token=token
        )

    def ResolveOperation(self, request: wire.ResolveOperationRequest, context: Any) -> wire.ResolveOperationResponse:
        payment = self.resolve_operation(requests.resolve_operation_command(request), self.current_caller())
        return wire.ResolveOperationResponse(payment=mapper_for(request, context).payment(payment))

    def ListWebhookNotifications(
        self, request: wire.ListWebhookNotificationsRequest, context: Any
    ) -> wire.ListWebhookNotificationsResponse:
        states = tuple(notification_state_from(number) for number in request.states)
        found, token = self.list_gateway_webhooks(states, page_size=request.page_size, page_token=request.page_token)
        return wire.ListWebhookNotificationsResponse(
            notifications=[disputes.notification(one) for one in found], next_page_token=token
        )

    def RetryWebhookNotification(
        self, request: wire.RetryWebhookNotificationRequest, context: Any
    ) -> wire.RetryWebhookNotificationResponse:
        retried = self.retry_gateway_webhook(request.request_id, request.notification_id, self.current_caller())
        return wire.RetryWebhookNotificationResponse(notification=disputes.notification(retried))

    async def Reconcile(self, request: wire.ReconcileRequest, context: Any) -> AsyncIterator[wire.ReconcileResponse]:
        found = self.reconcile(requests.reconcile_command(request))
        async for message in _one_by_one(map(reconcile_message, found), self.stream_pool, self.current_caller()):
            yield message

    async def ExportMovements(
        self, request: wire.ExportMovementsRequest, context: Any
    ) -> AsyncIterator[wire.ExportMovementsResponse]:
        messages = movements.export_messages(self.export_movements(movements.export_command(request)))
        async for message in _one_by_one(messages, self.stream_pool, self.current_caller()):
            yield message

    async def CompareSettlements(
        self, request: wire.CompareSettlementsRequest, context: Any
    ) -> AsyncIterator[wire.CompareSettlementsResponse]:
        found = self.compare_settlements(movements.comparison_command(request))
        messages = map(movements.comparison_message, found)
        async for message in _one_by_one(messages, self.stream_pool, self.current_caller()):
            yield message

    async def ExportPayments(
        self, request: wire.ExportPaymentsRequest, context: Any
    ) -> AsyncIterator[wire.ExportPaymentsResponse]:
        start, end = requests.times_of("", request, from_time=request.from_time, until_time=request.until_time)
        pages = self.export_payments(start, end)
        async for message in _one_by_one(_export_messages(pages), self.stream_pool, self.current_caller()):
            yield message

    def ListAbuseBlocks(self, request: wire.ListAbuseBlocksRequest, context: Any) -> wire.ListAbuseBlocksResponse:
        found, token = self.list_abuse_blocks(page_size=request.page_size, page_token=request.page_token)
        return wire.ListAbuseBlocksResponse(blocks=[abuse_block(one) for one in found], next_page_token=token)

    def LiftAbuseBlock(self, request: wire.LiftAbuseBlockRequest, context: Any) -> wire.LiftAbuseBlockResponse:
        lifted = self.lift_abuse_block(request.request_id, request.block_id, request.reason, self.current_caller())
        return wire.LiftAbuseBlockResponse(block=abuse_block(lifted))

    def GetCredential(self, request: wire.GetCredentialRequest, context: Any) -> wire.GetCredentialResponse:
        return wire.GetCredentialResponse(credential=credential(self.current_caller()))

    def ListEventEndpoints(
        self, request: wire.ListEventEndpointsRequest, context: Any
    ) -> wire.ListEventEndpointsResponse:
        return wire.ListEventEndpointsResponse(endpoints=[endpoint_status(one) for one in self.list_endpoints()])

    def ListEventDeliveries(
        self, request: wire.ListEventDeliveriesRequest, context: Any
    ) -> wire.ListEventDeliveriesResponse:
        found = self.list_deliveries(
            request.endpoint, after_position=request.after_position, page_size=request.page_size
        )
        return wire.ListEventDeliveriesResponse(deliveries=[event_delivery(one) for one in found])

    def ResendEvents(self, request: wire.ResendEventsRequest, context: Any) -> wire.ResendEventsResponse:
        count = self.resend_events(request.request_id, request.endpoint, request.event_ids, self.current_caller())
        return wire.ResendEventsResponse(event_count=count)


def _export_messages(pages: Iterator[list[Payment]]) -> Iterator[wire.ExportPaymentsResponse]:
    for page in pages:
        rows = [row for payment in page for row in export_rows(payment)]
        for first in range(0, len(rows), _ROWS_A_MESSAGE):
            yield wire.ExportPaymentsResponse(rows=rows[first : first + _ROWS_A_MESSAGE])


async def _one_by_one(items: Iterator[Item], work: StreamPool, caller: Caller) -> AsyncIterator[Item]:
    """Produces each item on a thread once the reader has taken the previous one: memory stays constant."""
    while True:
        item = await work.run(caller, next, items, _END)
        if isinstance(item, _End):
            return
        yield item
