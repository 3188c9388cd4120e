"""The maximum size of each method's requests."""

from typing import Final

# A request with an evidence document, the largest in the contract, and some margin.
MAX_BYTES: Final = 6 * 1024 * 1024
# Any other request: the largest valid metadata and texts, doubled.
MAX_ORDINARY_BYTES: Final = 256 * 1024
_LARGE: Final = frozenset({"/bayar.payments.v1.DisputeService/AddDisputeEvidence"})


def may_be_large(method: str) -> bool:
    """Whether the method's requests may be larger than ordinary ones."""
    return method in _LARGE


def max_bytes(method: str) -> int:
    """The maximum size of the method's requests."""
    return MAX_BYTES if may_be_large(method) else MAX_ORDINARY_BYTES
