"""The export: begun again while nothing came, and never in the middle, where rows would come twice."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import grpc
import pytest

from bayar.messages import BayarClient, BayarError, ExportRow, RetryPolicy
from bayar.payments.v1 import admin_service_pb2 as wire
from bayar.payments.v1.admin_service_pb2_grpc import AdminServiceServicer, add_AdminServiceServicer_to_server

MAY = datetime(2026, 5, 1, tzinfo=UTC)
JUNE = datetime(2026, 6, 1, tzinfo=UTC)


class Admin(AdminServiceServicer):
    """Fails so many times at once, then sends two messages, and may break off after the first."""

    def __init__(self) -> None:
        self.failures, self.breaks_off, self.calls = 0, False, 0
        self.request = wire.ExportPaymentsRequest()

    def ExportPayments(
        self, request: wire.ExportPaymentsRequest, context: grpc.ServicerContext
    ) -> Iterator[wire.ExportPaymentsResponse]:
        self.calls, self.request = self.calls + 1, request
        if self.calls <= self.failures:
            context.abort(grpc.StatusCode.UNAVAILABLE, "not yet")
        yield wire.ExportPaymentsResponse(rows=[ExportRow(operation_id="1"), ExportRow(operation_id="2")])
        if self.breaks_off:
            context.abort(grpc.StatusCode.UNAVAILABLE, "gone")
        yield wire.ExportPaymentsResponse(rows=[ExportRow(operation_id="3")])

    def ExportMovements(
        self, request: wire.ExportMovementsRequest, context: grpc.ServicerContext
    ) -> Iterator[wire.ExportMovementsResponse]:
        raise NotImplementedError

    def CompareSettlements(
        self, request: wire.CompareSettlementsRequest, context: grpc.ServicerContext
    ) -> Iterator[wire.CompareSettlementsResponse]:
        raise NotImplementedError

    def ListUnresolvedOperations(
        self, request: wire.ListUnresolvedOperationsRequest, context: grpc.ServicerContext
    ) -> wire.ListUnresolvedOperationsResponse:
        raise NotImplementedError

    def ResolveOperation(
        self, request: wire.ResolveOperationRequest, context: grpc.ServicerContext
    ) -> wire.ResolveOperationResponse:
        raise NotImplementedError

    def ListWebhookNotifications(
        self, request: wire.ListWebhookNotificationsRequest, context: grpc.ServicerContext
    ) -> wire.ListWebhookNotificationsResponse:
        raise NotImplementedError

    def RetryWebhookNotification(
        self, request: wire.RetryWebhookNotificationRequest, context: grpc.ServicerContext
    ) -> wire.RetryWebhookNotificationResponse:
        raise NotImplementedError

    def ListEventEndpoints(
        self, request: wire.ListEventEndpointsRequest, context: grpc.ServicerContext
    ) -> wire.ListEventEndpointsResponse:
        raise NotImplementedError

    def ListEventDeliveries(
        self, request: wire.ListEventDeliveriesRequest, context: grpc.ServicerContext
    ) -> wire.ListEventDeliveriesResponse:
        raise NotImplementedError

    def ResendEvents(
        self, request: wire.ResendEventsRequest, context: grpc.ServicerContext
    ) -> wire.ResendEventsResponse:
        raise NotImplementedError

    def ListAbuseBlocks(
        self, request: wire.ListAbuseBlocksRequest, context: grpc.ServicerContext
    ) -> wire.ListAbuseBlocksResponse:
        raise NotImplementedError

    def LiftAbuseBlock(
        self, request: wire.LiftAbuseBlockRequest, context: grpc.ServicerContext
    ) -> wire.LiftAbuseBlockResponse:
        raise NotImplementedError

    def GetCredential(
        self, request: wire.GetCredentialRequest, context: grpc.ServicerContext
    ) -> wire.GetCredentialResponse:
        raise NotImplementedError

    def Reconcile(
        self, request: wire.ReconcileRequest, context: grpc.ServicerContext
    ) -> Iterator[wire.ReconcileResponse]:
        raise NotImplementedError


@pytest.fixture
def admin() -> Admin:
    return Admin()


@pytest.fixture
def bayar(admin: Admin) -> Iterator[BayarClient]:
    server = grpc.server(ThreadPoolExecutor(2))
    add_AdminServiceServicer_to_server(admin, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with BayarClient(f"127.0.0.1:{port}", retry=RetryPolicy(sleep=lambda _: None)) as client:
        yield client
    server.stop(None)


def test_rows_come_one_by_one_from_the_whole_window(admin: Admin, bayar: BayarClient) -> None:
    assert [row.operation_id for row in bayar.export_payments(from_time=MAY, until_time=JUNE)] == ["1", "2", "3"]
    assert admin.request.from_time.ToDatetime(UTC) == MAY
    assert admin.request.until_time.ToDatetime(UTC) == JUNE


def test_while_nothing_came_it_is_begun_again(admin: Admin, bayar: BayarClient) -> None:
    admin.failures = 2
    assert len(list(bayar.export_payments(from_time=MAY, until_time=JUNE))) == 3
    assert admin.calls == 3


def test_in_the_middle_it_is_not_begun_again(admin: Admin, bayar: BayarClient) -> None:
    admin.breaks_off = True
    rows = bayar.export_payments(from_time=MAY, until_time=JUNE)
    assert [next(rows).operation_id for _ in range(2)] == ["1", "2"]
    with pytest.raises(BayarError, match="gone"):
        next(rows)
    assert admin.calls == 1


def test_a_time_without_a_zone_is_refused(bayar: BayarClient) -> None:
    with pytest.raises(ValueError, match="time zone"):
        bayar.export_payments(from_time=datetime(2026, 5, 1), until_time=JUNE)  # noqa: DTZ001
