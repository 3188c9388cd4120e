"""Steps of a caller and of a bank, for tests of disputes and webhooks."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Final

from bayar.messages import BayarClient, Payment
from bayar.payments.v1.admin_service_pb2_grpc import AdminServiceStub
from bayar.payments.v1.dispute_pb2 import Dispute, DisputeState
from bayar.payments.v1.dispute_service_pb2 import (
    AcceptDisputeRequest,
    AddDisputeEvidenceRequest,
    AddDisputeEvidenceResponse,
    EvidenceFile,
    FinalizeDisputeRequest,
    GetDisputeRequest,
    ListDisputesRequest,
)
from bayar.payments.v1.dispute_service_pb2_grpc import DisputeServiceStub
from tests.end_to_end.payment_steps import a_card, pay
from tests.end_to_end.service import Pair, until

# A card whose bank disputes each payment at once.
DISPUTED: Final = "4023898493988028"
PDF: Final = b"%PDF-1.4\n1 0 obj\n<< /Type /Page >>\nendobj\ntrailer\n%%EOF\n"
OPEN: Final = DisputeState.DISPUTE_STATE_OPEN
SECONDS: Final = 30


def a_request_id() -> str:
    return str(uuid.uuid4())


@dataclass(frozen=True, slots=True)
class Disputes:
    """DisputeService, as one shop uses it."""

    stub: DisputeServiceStub
    admin: AdminServiceStub

    @classmethod
    def of(cls, bayar: BayarClient) -> Disputes:
        return cls(DisputeServiceStub(bayar.channel), AdminServiceStub(bayar.channel))

    def of_payment(self, payment: Payment) -> list[Dispute]:
        return list(
            self.stub.ListDisputes(ListDisputesRequest(payment_id=payment.payment_id), timeout=SECONDS).disputes
        )

    def get(self, dispute: Dispute) -> Dispute:
        return self.stub.GetDispute(GetDisputeRequest(dispute_id=dispute.dispute_id), timeout=SECONDS).dispute

    def await_one(self, payment: Payment) -> Dispute:
        """The payment's only dispute, as soon as the service knows of it."""
        [dispute] = until(lambda: self.of_payment(payment), seconds=SECONDS)
        return dispute

    def await_state(self, dispute: Dispute, state: DisputeState.ValueType) -> Dispute:
        def seen() -> Dispute | None:
            now = self.get(dispute)
            return now if now.state == state else None

        return until(seen, seconds=SECONDS)

    def accept(self, dispute: Dispute, request_id: str = "") -> Dispute:
        request = AcceptDisputeRequest(request_id=request_id or a_request_id(), dispute_id=dispute.dispute_id)
        return self.stub.AcceptDispute(request, timeout=SECONDS).dispute

    def finalize(self, dispute: Dispute, request_id: str = "") -> Dispute:
        request = FinalizeDisputeRequest(request_id=request_id or a_request_id(), dispute_id=dispute.dispute_id)
        return self.stub.FinalizeDispute(request, timeout=SECONDS).dispute

    def add_text(self, dispute: Dispute, text: str, request_id: str = "") -> AddDisputeEvidenceResponse:
        request = AddDisputeEvidenceRequest(
            request_id=request_id or a_request_id(), dispute_id=dispute.dispute_id, text=text
        )
        return self.stub.AddDisputeEvidence(request, timeout=SECONDS)

    def add_file(
        self, dispute: Dispute, name: str = "delivery note.pdf", content: bytes = PDF, request_id: str = ""
    ) -> AddDisputeEvidenceResponse:
        request = AddDisputeEvidenceRequest(
            request_id=request_id or a_request_id(),
            dispute_id=dispute.dispute_id,
            file=EvidenceFile(name=name, content=content),
        )
        return self.stub.AddDisputeEvidence(request, timeout=SECONDS)


def webhook_address(pair: Pair) -> str:
    return f"{pair.service.http_url}/webhooks/braintree"


def turn_on_webhooks(pair: Pair) -> None:
    """The gateway first has the service prove that it holds the keys."""
    pair.twin.control.set_webhook_address(webhook_address(pair), challenge=True)
    until(lambda: [w.status for w in pair.twin.control.webhooks() if w.kind == "challenge"] == ["delivered"])


def pay_and_settle(bayar: BayarClient, pair: Pair, amount: str = "30.00", card: str = DISPUTED) -> Payment:
    payment = pay(bayar, amount, card=a_card(card))
    pair.twin.control.settle()
    return bayar.verify_payment(payment_id=payment.payment_id).payment
