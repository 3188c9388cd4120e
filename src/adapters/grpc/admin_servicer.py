"""AdminService: exports now; what is unresolved, and reconciliation, are in the contract and not carried out yet."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from adapters.grpc.errors import NotAvailableYet
from adapters.grpc.translate.requests import time_of
from adapters.grpc.translate.resources import export_rows
from application.export_payments import ExportPayments
from bayar.payments.v1 import admin_service_pb2 as wire
from bayar.payments.v1.admin_service_pb2_grpc import AdminServiceServicer


@dataclass(frozen=True, slots=True)
class AdminServicer(AdminServiceServicer):
    export_payments: ExportPayments

    def ListUnresolvedOperations(
        self, request: wire.ListUnresolvedOperationsRequest, context: Any
    ) -> wire.ListUnresolvedOperationsResponse:
        raise NotAvailableYet

    def ResolveOperation(self, request: wire.ResolveOperationRequest, context: Any) -> wire.ResolveOperationResponse:
        raise NotAvailableYet

    async def Reconcile(self, request: wire.ReconcileRequest, context: Any) -> AsyncIterator[wire.ReconcileResponse]:
        raise NotAvailableYet
        yield  # makes it a stream

    async def ExportPayments(
        self, request: wire.ExportPaymentsRequest, context: Any
    ) -> AsyncIterator[wire.ExportPaymentsResponse]:
        start = time_of("from_time", request.from_time) if request.HasField("from_time") else None
        end = time_of("until_time", request.until_time) if request.HasField("until_time") else None
        pages = self.export_payments(start, end)
        loop = asyncio.get_running_loop()
        # A page at a time, and the next one only when the reader took this one: memory stays constant.
        while (page := await loop.run_in_executor(None, next, pages, None)) is not None:
            yield wire.ExportPaymentsResponse(rows=[row for payment in page for row in export_rows(payment)])
