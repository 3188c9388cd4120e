"""DisputeService: disputes (chargebacks) and their evidence over gRPC."""

from dataclasses import dataclass
from typing import Any

from adapters.grpc.middleware.call_context import CurrentCaller
from adapters.grpc.translate import disputes
from application.disputes.accept_dispute import AcceptDispute
from application.disputes.add_dispute_evidence import AddDisputeEvidence
from application.disputes.finalize_dispute import FinalizeDispute
from application.disputes.get_dispute import GetDispute
from application.disputes.list_disputes import ListDisputes
from bayar.payments.v1 import dispute_service_pb2 as wire
from bayar.payments.v1.dispute_service_pb2_grpc import DisputeServiceServicer


@dataclass(frozen=True, slots=True)
class DisputeServicer(DisputeServiceServicer):
    current_caller: CurrentCaller
    get_dispute: GetDispute
    list_disputes: ListDisputes
    accept_dispute: AcceptDispute
    add_dispute_evidence: AddDisputeEvidence
    finalize_dispute: FinalizeDispute

    def GetDispute(self, request: wire.GetDisputeRequest, context: Any) -> wire.GetDisputeResponse:
        found = self.get_dispute(request.dispute_id, self.current_caller())
        return wire.GetDisputeResponse(dispute=disputes.dispute(found))

    def ListDisputes(self, request: wire.ListDisputesRequest, context: Any) -> wire.ListDisputesResponse:
        found, token = self.list_disputes(
            disputes.dispute_filter(request),
            self.current_caller(),
            page_size=request.page_size,
            page_token=request.page_token,
        )
        return wire.ListDisputesResponse(disputes=[disputes.dispute(one) for one in found], next_page_token=token)

    def AcceptDispute(self, request: wire.AcceptDisputeRequest, context: Any) -> wire.AcceptDisputeResponse:
        accepted = self.accept_dispute(request.request_id, request.dispute_id, self.current_caller())
        return wire.AcceptDisputeResponse(dispute=disputes.dispute(accepted))

    def AddDisputeEvidence(
        self, request: wire.AddDisputeEvidenceRequest, context: Any
    ) -> wire.AddDisputeEvidenceResponse:
        found, evidence_id = self.add_dispute_evidence(disputes.add_evidence_command(request), self.current_caller())
        return wire.AddDisputeEvidenceResponse(dispute=disputes.dispute(found), evidence_id=evidence_id)

    def FinalizeDispute(self, request: wire.FinalizeDisputeRequest, context: Any) -> wire.FinalizeDisputeResponse:
        finalized = self.finalize_dispute(request.request_id, request.dispute_id, self.current_caller())
        return wire.FinalizeDisputeResponse(dispute=disputes.dispute(finalized))
