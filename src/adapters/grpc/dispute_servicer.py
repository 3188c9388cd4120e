"""DisputeService: in the contract, and not carried out yet."""

from typing import Any

from adapters.grpc.errors import NotAvailableYet
from bayar.payments.v1 import dispute_service_pb2 as wire
from bayar.payments.v1.dispute_service_pb2_grpc import DisputeServiceServicer


class DisputeServicer(DisputeServiceServicer):
    def GetDispute(self, request: wire.GetDisputeRequest, context: Any) -> wire.GetDisputeResponse:
        raise NotAvailableYet

    def ListDisputes(self, request: wire.ListDisputesRequest, context: Any) -> wire.ListDisputesResponse:
        raise NotAvailableYet

    def AcceptDispute(self, request: wire.AcceptDisputeRequest, context: Any) -> wire.AcceptDisputeResponse:
        raise NotAvailableYet

    def AddDisputeEvidence(
        self, request: wire.AddDisputeEvidenceRequest, context: Any
    ) -> wire.AddDisputeEvidenceResponse:
        raise NotAvailableYet

    def FinalizeDispute(self, request: wire.FinalizeDisputeRequest, context: Any) -> wire.FinalizeDisputeResponse:
        raise NotAvailableYet
