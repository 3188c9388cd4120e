"""Prefixed ULIDs: a prefix that names the kind of resource, and 26 characters that sort by time."""

import re
from typing import Final, NewType

PaymentId = NewType("PaymentId", str)
OperationId = NewType("OperationId", str)
CustomerId = NewType("CustomerId", str)
PaymentMethodId = NewType("PaymentMethodId", str)
EventId = NewType("EventId", str)
DisputeId = NewType("DisputeId", str)
CheckoutId = NewType("CheckoutId", str)
RequestId = NewType("RequestId", str)
CallerId = NewType("CallerId", str)
OperatorId = NewType("OperatorId", str)

PAYMENT: Final = "pay"
OPERATION: Final = "op"
CUSTOMER: Final = "cus"
PAYMENT_METHOD: Final = "pm"
EVENT: Final = "evt"
DISPUTE: Final = "dis"
CHECKOUT: Final = "chk"
BLOCK: Final = "blk"
OPERATOR: Final = "opr"

# Crockford's base 32 in lower case: no i, l, o, u. It also fits the gateway's own ids (letters, digits, "-", "_").
_BODY: Final = re.compile(r"[0-9a-hjkmnp-tv-z]{26}")


def is_id(value: str, prefix: str) -> bool:
    """Whether the value has the form of an id with this prefix."""
    head, separator, body = value.partition("_")
    return head == prefix and separator == "_" and _BODY.fullmatch(body) is not None
