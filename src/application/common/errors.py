"""Errors of the use cases. Errors carry fields; sentences are written at the edge."""

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Final

from application.common.caller import Scope
from application.ports.velocity import VelocityScope
from domain.ids import CustomerId, DisputeId, OperationId, PaymentId, PaymentMethodId, RequestId
from domain.money import Money
from domain.operation import OperationKind, OperationState
from domain.payment_method import PaymentMethodState


class Rule(Enum):
    """What a field must be. The limit stands beside it in a Fault."""

    REQUIRED = "required"
    UUID = "uuid"
    ID = "id"
    EXACTLY_ONE = "exactly_one"
    POSITIVE = "positive"
    AT_MOST = "at_most"
    NOT_NEGATIVE = "not_negative"
    MAX_CHARACTERS = "max_characters"
    NO_CONTROL_CHARACTERS = "no_control_characters"
    CURRENCY = "currency"
    CURRENCY_ACCEPTED = "currency_accepted"
    CURRENCY_OF_PAYMENT = "currency_of_payment"
    CARD_NUMBER = "card_number"
    CARD_NUMBER_LENGTH = "card_number_length"
    NO_CARDS = "no_cards"
    MONTH = "month"
    YEAR = "year"
    NOT_PAST = "not_past"
    CVV = "cvv"
    EMAIL = "email"
    LANGUAGE = "language"
    COUNTRY = "country"
    POSTAL_CODE = "postal_code"
    DESCRIPTOR_NAME = "descriptor_name"
    DESCRIPTOR_PHONE = "descriptor_phone"
    DESCRIPTOR_URL = "descriptor_url"
    MAX_DAYS = "max_days"
    MAX_ENTRIES = "max_entries"
    NO_CARD_DATA = "no_card_data"
    UNAMBIGUOUS = "unambiguous"
    KNOWN_VALUE = "known_value"
    NEEDS_CUSTOMER = "needs_customer"
    NEEDS_NEW_METHOD = "needs_new_method"
    EXISTS = "exists"
    OF_CUSTOMER = "of_customer"
    PAGE_TOKEN = "page_token"  # noqa: S105 (the name of a rule)
    AFTER = "after"
    NOT_BELOW = "not_below"
    FIELD_PATH = "field_path"
    LAST_FOUR = "last_four"
    TIMESTAMP = "timestamp"
    NO_CONTROL_CHARACTERS_BUT_BREAKS = "no_control_characters_but_breaks"
    FILE_NAME = "file_name"
    FILE_CONTENT = "file_content"
    MAX_BYTES = "max_bytes"
    NOTIFICATION_ID = "notification_id"
    CALLER_ID = "caller_id"
    NOT_FOR_CUSTOMERS = "not_for_customers"
    IP_ADDRESS = "ip_address"
    REFUSED_BY_GATEWAY = "refused_by_gateway"


# Cards expire or are no longer taken, customers and methods are deleted, currencies given up, and a newer version
# refuses texts that an older one took.
_MADE_BY_TIME: Final = frozenset(
    {
        Rule.NOT_PAST,
        Rule.EXISTS,
        Rule.OF_CUSTOMER,
        Rule.CURRENCY_ACCEPTED,
        Rule.NO_CARDS,
        Rule.NO_CARD_DATA,
        Rule.UNAMBIGUOUS,
    }
)


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a request: the field's path, the rule it breaks, and the rule's limit. Never the value."""

    field: str
    rule: Rule
    limit: str = ""


class ApplicationError(Exception):
    """The request was not carried out. Nothing was changed."""


class InvalidRequest(ApplicationError):
    """The request is malformed; every fault is named."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__(", ".join(f"{fault.field}: {fault.rule.value}" for fault in faults))
        self.faults = faults

    @property
    def may_have_been_valid(self) -> bool:
        """Whether it was perhaps good when it first came: only time made faults of what it says."""
        return all(fault.rule in _MADE_BY_TIME for fault in self.faults)


class ResourceKind(Enum):
    PAYMENT = "payment"
    CUSTOMER = "customer"
    PAYMENT_METHOD = "payment_method"
    OPERATION = "operation"
    DISPUTE = "dispute"
    NOTIFICATION = "notification"
    API_KEY = "api_key"


class NotFound(ApplicationError):
    """There is no such thing, or it is not the caller's."""

    def __init__(self, kind: ResourceKind, resource_id: str) -> None:
        super().__init__(f"{kind.value} {resource_id}")
        self.kind = kind
        self.resource_id = resource_id


class AuthFailure(Enum):
    """Why a credential is not accepted."""

    MISSING = "missing"
    # Malformed, unknown, or not what it claims to be: told alike, so that nobody learns by trying.
    INVALID = "invalid"
    EXPIRED = "expired"
    REVOKED = "revoked"
    NOT_YET_VALID = "not_yet_valid"
    WRONG_ISSUER = "wrong_issuer"
    WRONG_AUDIENCE = "wrong_audience"
    # Good, but it names no caller, or what it says of scope or customer has not the form that is agreed on.
    INCOMPLETE = "incomplete"


class NotAuthenticated(ApplicationError):
    """Nobody knows who calls. `detail` is for the log of failed access, never for whoever calls."""

    def __init__(self, refusal: AuthFailure, detail: str = "") -> None:
        super().__init__(f"{refusal.value} {detail}".rstrip())
        self.refusal = refusal
        self.detail = detail


class CredentialsUnavailable(ApplicationError):
    """Whether the credential is good cannot be found out just now."""


class ScopeMissing(ApplicationError):
    """The caller is known, and may not do this."""

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope.value)
        self.scope = scope


class NotForCustomers(ApplicationError):
    """A credential that is bound to one customer is of no use for this."""


class RequestIdReused(ApplicationError):
    """The request id was used before, for another request."""

    def __init__(self, request_id: RequestId, fields: tuple[str, ...]) -> None:
        super().__init__(f"{request_id}: {', '.join(fields)}")
        self.request_id = request_id
        self.fields = fields


class ReferenceAlreadyPaid(ApplicationError):
    """The reference has a live payment. It has no name here where it is another customer's."""

    def __init__(self, reference: str, payment_id: PaymentId | None) -> None:
        super().__init__(payment_id or reference)
        self.reference = reference
        self.payment_id = payment_id


class ExternalIdAlreadyUsed(ApplicationError):
    """Another customer of the caller has the external id."""

    def __init__(self, external_id: str, customer_id: CustomerId) -> None:
        super().__init__(customer_id)
        self.external_id = external_id
        self.customer_id = customer_id


class OperationRefused(ApplicationError):
    """The gateway refused the operation as it was asked. It had no effect, and the history says so."""

    def __init__(self, payment_id: PaymentId, operation_id: OperationId, kind: OperationKind, detail: str) -> None:
        super().__init__(f"{kind.value} of {payment_id}: {detail}")
        self.payment_id = payment_id
        self.operation_id = operation_id
        self.kind = kind
        self.detail = detail


class CustomerHasOpenPayments(ApplicationError):
    """An outcome is unknown that may still need the customer."""

    def __init__(self, customer_id: CustomerId) -> None:
        super().__init__(customer_id)
        self.customer_id = customer_id


class MethodNotActive(ApplicationError):
    """The stored method is not one to change or pay with."""

    def __init__(self, payment_method_id: PaymentMethodId, state: PaymentMethodState) -> None:
        super().__init__(f"{payment_method_id} is {state.value}")
        self.payment_method_id = payment_method_id
        self.state = state


class OperationAlreadyResolved(ApplicationError):
    """The outcome is known; there is nothing to settle by hand."""

    def __init__(self, operation_id: OperationId, state: OperationState) -> None:
        super().__init__(f"{operation_id} is {state.value}")
        self.operation_id = operation_id
        self.state = state


class MayStillHappen(ApplicationError):
    """The operation may be on its way to the gateway, or not be shown there yet."""

    def __init__(self, operation_id: OperationId, retry_after: timedelta) -> None:
        super().__init__(operation_id)
        self.operation_id = operation_id
        self.retry_after = retry_after


class ContradictedByGateway(ApplicationError):
    """What was to be recorded by hand is not what the gateway says."""

    def __init__(self, operation_id: OperationId, detail: str) -> None:
        super().__init__(f"{operation_id}: {detail}")
        self.operation_id = operation_id
        self.detail = detail


class ServiceHeld(ApplicationError):
    """An administrator holds the service until its record is reconciled with the gateway. Nothing was done."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class TooManyOrphans(ApplicationError):
    """There is more to reverse than was allowed. Nothing was reversed."""

    def __init__(self, count: int, most: int) -> None:
        super().__init__(f"{count} orphans, {most} may be reversed")
        self.count = count
        self.most = most


class TooManyDeclines(ApplicationError):
    """There were too many declines and verifications lately. Nothing was recorded, and nothing was sent."""

    def __init__(self, scope: VelocityScope, retry_after: timedelta) -> None:
        super().__init__(f"{scope.value} for {retry_after}")
        self.scope = scope
        self.retry_after = retry_after


class MethodRefused(ApplicationError):
    """The gateway refused the change of a stored method. Nothing was changed."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class DisputeAnswerRefused(ApplicationError):
    """The gateway refused the answer to a dispute as it was. It had no effect."""

    def __init__(self, dispute_id: DisputeId, detail: str) -> None:
        super().__init__(f"{dispute_id}: {detail}")
        self.dispute_id = dispute_id
        self.detail = detail


class PaymentDisputed(ApplicationError):
    """The customer's bank claims the money: to give it back as well would pay twice."""

    def __init__(self, payment_id: PaymentId, dispute_ids: tuple[DisputeId, ...], claimed: Money, left: Money) -> None:
        super().__init__(f"{claimed} of {payment_id} is disputed")
        self.payment_id = payment_id
        self.dispute_ids = dispute_ids
        self.claimed = claimed
        self.left = left
