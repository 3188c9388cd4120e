"""The service's stable reasons, each with its remedy."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

_CHECK_THE_ID: Final = "Check the id. Another caller's resource looks the same as one that does not exist."
_STATE: Final = "Read the payment's state; the message names the alternative."
_ASK_FOR_LESS: Final = 'Ask for metadata["available_minor_units"] at most.'
_CREDENTIAL: Final = "Use a valid credential."
_ADMINISTRATOR: Final = "The message tells an administrator what to do."
_REOPEN: Final = "Open the stream again where it left off."
_SLOW_DOWN: Final = "Wait as long as retry_after says, and call less often or with less at a time."
_REPEAT: Final = "Repeat the call with the same request_id."


class Reason(StrEnum):
    """Why the service refused a call. A member equals its text: `error.reason == Reason.PAYMENT_NOT_FOUND`."""

    INVALID_REQUEST = "INVALID_REQUEST"
    PAYMENT_NOT_FOUND = "PAYMENT_NOT_FOUND"
    CUSTOMER_NOT_FOUND = "CUSTOMER_NOT_FOUND"
    PAYMENT_METHOD_NOT_FOUND = "PAYMENT_METHOD_NOT_FOUND"
    DISPUTE_NOT_FOUND = "DISPUTE_NOT_FOUND"
    OPERATION_NOT_FOUND = "OPERATION_NOT_FOUND"
    NOTIFICATION_NOT_FOUND = "NOTIFICATION_NOT_FOUND"
    BLOCK_NOT_FOUND = "BLOCK_NOT_FOUND"
    CHECKOUT_NOT_FOUND = "CHECKOUT_NOT_FOUND"
    REQUEST_ID_REUSED = "REQUEST_ID_REUSED"
    REFERENCE_ALREADY_PAID = "REFERENCE_ALREADY_PAID"
    EXTERNAL_ID_TAKEN = "EXTERNAL_ID_TAKEN"
    PAYMENT_NOT_CAPTURABLE = "PAYMENT_NOT_CAPTURABLE"
    PAYMENT_NOT_VOIDABLE = "PAYMENT_NOT_VOIDABLE"
    PAYMENT_NOT_REFUNDABLE = "PAYMENT_NOT_REFUNDABLE"
    PAYMENT_NOT_ADJUSTABLE = "PAYMENT_NOT_ADJUSTABLE"
    AUTHENTICATION_REQUIRED = "AUTHENTICATION_REQUIRED"
    AMOUNT_EXCEEDS_CAPTURABLE = "AMOUNT_EXCEEDS_CAPTURABLE"
    AMOUNT_EXCEEDS_REFUNDABLE = "AMOUNT_EXCEEDS_REFUNDABLE"
    AMOUNT_ALREADY_AUTHORIZED = "AMOUNT_ALREADY_AUTHORIZED"
    PAYMENT_DISPUTED = "PAYMENT_DISPUTED"
    DISPUTE_NOT_OPEN = "DISPUTE_NOT_OPEN"
    DISPUTE_ANSWER_REFUSED = "DISPUTE_ANSWER_REFUSED"
    CHECKOUT_COMPLETED = "CHECKOUT_COMPLETED"
    CHECKOUT_BEING_PAID = "CHECKOUT_BEING_PAID"
    CHECKOUT_NOT_PAYABLE = "CHECKOUT_NOT_PAYABLE"
    CHECKOUT_NOT_SERVED = "CHECKOUT_NOT_SERVED"
    CUSTOMER_HAS_OPEN_PAYMENTS = "CUSTOMER_HAS_OPEN_PAYMENTS"
    PAYMENT_METHOD_NOT_ACTIVE = "PAYMENT_METHOD_NOT_ACTIVE"
    PAYMENT_METHOD_CHANGE_REFUSED = "PAYMENT_METHOD_CHANGE_REFUSED"
    GATEWAY_REFUSED_REQUEST = "GATEWAY_REFUSED_REQUEST"
    OPERATION_ALREADY_RESOLVED = "OPERATION_ALREADY_RESOLVED"
    OPERATION_MAY_STILL_HAPPEN = "OPERATION_MAY_STILL_HAPPEN"
    CONTRADICTED_BY_GATEWAY = "CONTRADICTED_BY_GATEWAY"
    TOO_MANY_ORPHANS = "TOO_MANY_ORPHANS"
    MOVEMENTS_INCOMPLETE = "MOVEMENTS_INCOMPLETE"
    OPERATION_IN_PROGRESS = "OPERATION_IN_PROGRESS"
    GATEWAY_UNREACHABLE = "GATEWAY_UNREACHABLE"
    GATEWAY_UNAVAILABLE = "GATEWAY_UNAVAILABLE"
    GATEWAY_REFUSED_CREDENTIALS = "GATEWAY_REFUSED_CREDENTIALS"
    REFUND_INCOMPLETE = "REFUND_INCOMPLETE"
    STORE_UNAVAILABLE = "STORE_UNAVAILABLE"
    SERVICE_HELD = "SERVICE_HELD"
    SERVICE_STOPPING = "SERVICE_STOPPING"
    STREAM_ENDED = "STREAM_ENDED"
    STREAM_READ_TOO_SLOWLY = "STREAM_READ_TOO_SLOWLY"
    CREDENTIALS_UNAVAILABLE = "CREDENTIALS_UNAVAILABLE"
    TOO_MANY_DECLINES = "TOO_MANY_DECLINES"
    RATE_LIMITED = "RATE_LIMITED"
    OVERLOADED = "OVERLOADED"
    TOO_MANY_STREAMS = "TOO_MANY_STREAMS"
    ANSWERS_UNREAD = "ANSWERS_UNREAD"
    TOO_MANY_FAILED_LOGINS = "TOO_MANY_FAILED_LOGINS"
    REQUEST_TOO_LARGE = "REQUEST_TOO_LARGE"
    CALL_TOO_LONG = "CALL_TOO_LONG"
    CREDENTIAL_MISSING = "CREDENTIAL_MISSING"
    CREDENTIAL_INVALID = "CREDENTIAL_INVALID"
    CREDENTIAL_EXPIRED = "CREDENTIAL_EXPIRED"
    CREDENTIAL_REVOKED = "CREDENTIAL_REVOKED"
    CREDENTIAL_NOT_YET_VALID = "CREDENTIAL_NOT_YET_VALID"
    CREDENTIAL_WRONG_ISSUER = "CREDENTIAL_WRONG_ISSUER"
    CREDENTIAL_WRONG_AUDIENCE = "CREDENTIAL_WRONG_AUDIENCE"
    CREDENTIAL_INCOMPLETE = "CREDENTIAL_INCOMPLETE"
    SCOPE_MISSING = "SCOPE_MISSING"
    OPERATOR_RIGHT_MISSING = "OPERATOR_RIGHT_MISSING"
    ON_BEHALF_INCOMPLETE = "ON_BEHALF_INCOMPLETE"
    NOT_AN_OPERATOR = "NOT_AN_OPERATOR"
    NOT_FOR_CUSTOMERS = "NOT_FOR_CUSTOMERS"
    INTERNAL = "INTERNAL"

    @property
    def remedy(self) -> str:
        """The remedy in one English sentence."""
        return _REMEDIES[self]


_REMEDIES: Final = {
    Reason.INVALID_REQUEST: "Correct the fields that violations name.",
    Reason.PAYMENT_NOT_FOUND: _CHECK_THE_ID,
    Reason.CUSTOMER_NOT_FOUND: _CHECK_THE_ID,
    Reason.PAYMENT_METHOD_NOT_FOUND: _CHECK_THE_ID,
    Reason.DISPUTE_NOT_FOUND: _CHECK_THE_ID,
    Reason.CHECKOUT_NOT_FOUND: _CHECK_THE_ID,
    Reason.OPERATION_NOT_FOUND: _CHECK_THE_ID,
    Reason.NOTIFICATION_NOT_FOUND: _CHECK_THE_ID,
    Reason.BLOCK_NOT_FOUND: _CHECK_THE_ID,
    Reason.REQUEST_ID_REUSED: "Send the request as it was, or make a new request_id for a new one.",
    Reason.REFERENCE_ALREADY_PAID: 'Read the payment metadata["payment_id"]. A new one would pay twice.',
    Reason.EXTERNAL_ID_TAKEN: 'Use the customer metadata["customer_id"], or another external_id.',
    Reason.PAYMENT_NOT_CAPTURABLE: _STATE,
    Reason.PAYMENT_NOT_VOIDABLE: _STATE,
    Reason.PAYMENT_NOT_REFUNDABLE: _STATE,
    Reason.PAYMENT_NOT_ADJUSTABLE: _STATE,
    Reason.AUTHENTICATION_REQUIRED: "Authenticate the customer with 3-D Secure, then send the request with the result.",
    Reason.AMOUNT_EXCEEDS_CAPTURABLE: _ASK_FOR_LESS,
    Reason.AMOUNT_EXCEEDS_REFUNDABLE: _ASK_FOR_LESS,
    Reason.AMOUNT_ALREADY_AUTHORIZED: "Send the whole amount that is to be held, not the difference.",
    Reason.CHECKOUT_COMPLETED: "The checkout was paid: refund or void its payment.",
    Reason.CHECKOUT_BEING_PAID: "Repeat shortly: the shopper is paying it.",
    Reason.CHECKOUT_NOT_PAYABLE: "Create a new checkout.",
    Reason.CHECKOUT_NOT_SERVED: "The administrator sets BAYAR_CHECKOUT_ADDRESS.",
    Reason.PAYMENT_DISPUTED: "Wait for the end of the dispute.",
    Reason.DISPUTE_NOT_OPEN: "Read the dispute's state.",
    Reason.DISPUTE_ANSWER_REFUSED: "Correct the evidence as the message says.",
    Reason.CUSTOMER_HAS_OPEN_PAYMENTS: "Repeat once the outcome of the customer's payments is known.",
    Reason.PAYMENT_METHOD_NOT_ACTIVE: "Use another payment method.",
    Reason.PAYMENT_METHOD_CHANGE_REFUSED: "Correct the change as the message says.",
    Reason.GATEWAY_REFUSED_REQUEST: "Correct the set-up that the message names; it says nothing of the card.",
    Reason.OPERATION_ALREADY_RESOLVED: _ADMINISTRATOR,
    Reason.OPERATION_MAY_STILL_HAPPEN: _ADMINISTRATOR,
    Reason.CONTRADICTED_BY_GATEWAY: _ADMINISTRATOR,
    Reason.TOO_MANY_ORPHANS: _ADMINISTRATOR,
    Reason.MOVEMENTS_INCOMPLETE: _ADMINISTRATOR,
    Reason.OPERATION_IN_PROGRESS: "Repeat the call after retry_after: another operation on it is under way.",
    Reason.GATEWAY_UNREACHABLE: f"Nothing was sent. {_REPEAT}",
    Reason.GATEWAY_UNAVAILABLE: f"The gateway did not answer, and nothing was changed. {_REPEAT}",
    Reason.GATEWAY_REFUSED_CREDENTIALS: "An administrator corrects the gateway's keys; then repeat the call.",
    Reason.REFUND_INCOMPLETE: f"A part was refunded. {_REPEAT} Only the rest is sent.",
    Reason.STORE_UNAVAILABLE: f"It may be recorded. {_REPEAT}",
    Reason.SERVICE_HELD: "An administrator holds the service after a restore. Repeat the call later.",
    Reason.SERVICE_STOPPING: _REOPEN,
    Reason.STREAM_ENDED: _REOPEN,
    Reason.STREAM_READ_TOO_SLOWLY: f"{_REOPEN} Read faster.",
    Reason.CREDENTIALS_UNAVAILABLE: f"The token issuer does not answer. {_REPEAT}",
    Reason.TOO_MANY_DECLINES: "Card testing is suspected. Wait as long as retry_after says.",
    Reason.RATE_LIMITED: _SLOW_DOWN,
    Reason.OVERLOADED: _SLOW_DOWN,
    Reason.TOO_MANY_STREAMS: "Close a stream first.",
    Reason.ANSWERS_UNREAD: "Read the answers of earlier calls first.",
    Reason.TOO_MANY_FAILED_LOGINS: f"{_CREDENTIAL} Wait as long as retry_after says.",
    Reason.REQUEST_TOO_LARGE: "Send less at a time.",
    Reason.CALL_TOO_LONG: f"The work goes on. {_REPEAT}",
    Reason.CREDENTIAL_MISSING: "Give the client an API key or a token: its argument credential, or BAYAR_API_KEY or "
    "BAYAR_TOKEN_FILE of the environment.",
    Reason.CREDENTIAL_INVALID: _CREDENTIAL,
    Reason.CREDENTIAL_EXPIRED: _CREDENTIAL,
    Reason.CREDENTIAL_REVOKED: _CREDENTIAL,
    Reason.CREDENTIAL_NOT_YET_VALID: _CREDENTIAL,
    Reason.CREDENTIAL_WRONG_ISSUER: _CREDENTIAL,
    Reason.CREDENTIAL_WRONG_AUDIENCE: _CREDENTIAL,
    Reason.CREDENTIAL_INCOMPLETE: _CREDENTIAL,
    Reason.SCOPE_MISSING: "Use a credential with the scope that the message names.",
    Reason.OPERATOR_RIGHT_MISSING: "Have an administrator grant the right that the message names.",
    Reason.ON_BEHALF_INCOMPLETE: "Name the caller that you act for and the reason: on_behalf_of=, reason=.",
    Reason.NOT_AN_OPERATOR: "Use an operator's credential, or leave out on_behalf_of and reason.",
    Reason.NOT_FOR_CUSTOMERS: "Use a back end's credential.",
    Reason.INTERNAL: f"A fault in the service. {_REPEAT} Report the incident that the message names.",
}
# For reasons that a newer service has, and for errors of the network, which have none.
_BY_CODE: Final = {
    "INVALID_ARGUMENT": "Correct the request as the message says.",
    "NOT_FOUND": _CHECK_THE_ID,
    "UNAUTHENTICATED": _CREDENTIAL,
    "PERMISSION_DENIED": "Use a credential that may do this.",
    "RESOURCE_EXHAUSTED": _SLOW_DOWN,
    "ABORTED": _REPEAT,
    "CANCELLED": _REPEAT,
    "DEADLINE_EXCEEDED": _REPEAT,
    "UNAVAILABLE": _REPEAT,
    "INTERNAL": _REPEAT,
    "UNKNOWN": _REPEAT,
}


def remedy_of(reason: str, code: str) -> str:
    """The remedy of a reason, or else of the gRPC status code's name."""
    try:
        return Reason(reason).remedy
    except ValueError:
        return _BY_CODE.get(code, "Do as the message says.")
