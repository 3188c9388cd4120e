"""The maximum size of each method's requests."""

from typing import Final

# A request with an evidence document, the largest in the contract, and some margin.
MAX_BYTES: Final = 6 * 1024 * 1024
# Any other request: the largest valid metadata and texts, doubled.
MAX_ORDINARY_BYTES: Final = 256 * 1024
# A request with 249 line items, each with the longest texts.
MAX_ORDER_BYTES: Final = 1024 * 1024
_LARGE: Final = frozenset({"/bayar.payments.v1.DisputeService/AddDisputeEvidence"})
_MAX_BYTES: Final = {
    "/bayar.payments.v1.DisputeService/AddDisputeEvidence": MAX_BYTES,
    "/bayar.payments.v1.PaymentService/CreatePayment": MAX_ORDER_BYTES,
    "/bayar.payments.v1.PaymentService/CapturePayment": MAX_ORDER_BYTES,
}


def may_be_large(method: str) -> bool:
    """Whether the method's requests may be so large that few are read at a time."""
    return method in _LARGE


def max_bytes(method: str) -> int:
    """The maximum size of the method's requests."""
    return _MAX_BYTES.get(method, MAX_ORDINARY_BYTES)
