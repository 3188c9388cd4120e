"""Errors of the use cases. Errors carry fields; sentences are written at the edge."""

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Final

from application.common.caller import Scope
from application.common.operator import OperatorRight
from application.common.velocity_scope import VelocityScope
from domain.ids import CustomerId, DisputeId, OperationId, PaymentId, PaymentMethodId, RequestId
from domain.money import Money
from domain.operation import OperationKind, OperationState
from domain.payment_method import PaymentMethodState


class Rule(Enum):
    """The rule that a field breaks. Its limit stands beside it in a FieldViolation."""

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
    MERCHANT_ACCOUNT = "merchant_account"
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
    NEEDS_GUEST = "needs_guest"
    NEEDS_NEW_METHOD = "needs_new_method"
    EXISTS = "exists"
    OF_CUSTOMER = "of_customer"
    PAGE_TOKEN = "page_token"  # noqa: S105 (the name of a rule)
    AFTER = "after"
    NOT_BELOW = "not_below"
    FIELD_PATH = "field_path"
    LAST_FOUR = "last_four"
    TIMESTAMP = "timestamp"
    DATE = "date"
    TIME_ZONE = "time_zone"
    WHOLE_HOURS = "whole_hours"
    NO_CONTROL_CHARACTERS_BUT_BREAKS = "no_control_characters_but_breaks"
    FILE_NAME = "file_name"
    FILE_CONTENT = "file_content"
    MAX_BYTES = "max_bytes"
    NOTIFICATION_ID = "notification_id"
    CALLER_ID = "caller_id"
    OPERATOR_NAME = "operator_name"
    LOGIN_FREE = "login_free"
    UTF_8 = "utf_8"
    NOT_FOR_CUSTOMERS = "not_for_customers"
    IP_ADDRESS = "ip_address"
    REFUSED_BY_GATEWAY = "refused_by_gateway"
    CONTRADICTS = "contradicts"
    ECI = "eci"
    ECI_OF_BRAND = "eci_of_brand"
    NOT_WITH_METHOD = "not_with_method"
    FAILED_IN_NONCE = "failed_in_nonce"
    ONLY_MASTERCARD = "only_mastercard"
    NEEDED_FOR_MASTERCARD = "needed_for_mastercard"
    THREE_D_SECURE_VERSION = "three_d_secure_version"
    ONE_OF = "one_of"
    PRINTABLE_ASCII = "printable_ascii"
    NEEDS_NONCE_OR_METHOD = "needs_nonce_or_method"
    ONLY_FOR_PAYMENTS = "only_for_payments"
    NEEDED_FOR_AUTHENTICATION = "needed_for_authentication"
    NEEDED_FOR_LATER_PAYMENT = "needed_for_later_payment"
    NO_CONSENT = "no_consent"
    NEEDS_STORING = "needs_storing"
    NEEDS_VERIFICATION = "needs_verification"
    DEVICE_DATA = "device_data"
    CONSENTS = "consents"
    ONLY_THESE_ONCE = "only_these_once"
    NETWORK_TRANSACTION_ID = "network_transaction_id"
    TRANSACTION_LINK_ID = "transaction_link_id"
    ADDRESS_PHONE = "address_phone"
    PLAIN_ASCII = "plain_ascii"
    ZERO_OR_MORE = "zero_or_more"
    DECIMAL = "decimal"
    LINE_DECIMALS = "line_decimals"
    LINE_TOTAL = "line_total"
    ADDS_UP = "adds_up"
    UPC_CODE = "upc_code"
    WEB_ADDRESS = "web_address"
    RETURN_ADDRESS = "return_address"
    TIME_AHEAD = "time_ahead"
    EACH_ONCE = "each_once"
    NEEDED_FOR_STORED_METHODS = "needed_for_stored_methods"
    MAX_WORDS = "max_words"
    CARD_IN_SEARCH = "card_in_search"
    NOTHING_TO_FIND = "nothing_to_find"


# Rules that a request can break merely because time passed: cards expire or are no longer accepted, customers and
# methods are deleted, currencies are dropped, the shop's rules change, and a newer version refuses texts,
# contradictions and omissions that an older one accepted.
_MAY_CHANGE_WITH_TIME: Final = frozenset(
    {
        Rule.NOT_PAST,
        Rule.EXISTS,
        Rule.OF_CUSTOMER,
        Rule.CURRENCY_ACCEPTED,
        Rule.MERCHANT_ACCOUNT,
        Rule.NO_CARDS,
        Rule.TIME_AHEAD,
        Rule.NO_CARD_DATA,
        Rule.UNAMBIGUOUS,
        Rule.CONTRADICTS,
        Rule.ECI_OF_BRAND,
        Rule.NOT_WITH_METHOD,
        Rule.FAILED_IN_NONCE,
        Rule.ONLY_MASTERCARD,
        Rule.NEEDED_FOR_MASTERCARD,
        Rule.NOT_FOR_CUSTOMERS,
        Rule.ADDS_UP,
    }
)


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """One violation: the field's path, the rule, and the rule's limit. Never the value."""

    field: str
    rule: Rule
    limit: str = ""


class ApplicationError(Exception):
    """The request was not executed. Nothing was changed."""


class InvalidRequest(ApplicationError):
    """The request is invalid; every violation is listed."""

    def __init__(self, violations: tuple[FieldViolation, ...]) -> None:
        super().__init__(", ".join(f"{violation.field}: {violation.rule.value}" for violation in violations))
        self.violations = violations

    @property
    def may_have_been_valid(self) -> bool:
        """Whether it may have been valid at first: time alone can explain every violation."""
        return all(violation.rule in _MAY_CHANGE_WITH_TIME for violation in self.violations)


class StoreUnavailable(Exception):
    """The database did not answer, or has no space. Anything uncommitted did not happen."""


class StoreConflict(StoreUnavailable):
    """The database rolled the transaction back in favour of another one. Nothing of it happened; it may be retried."""


class RecordTooNew(Exception):
    """A newer version of the service wrote the record, and this one cannot read it. Nothing was changed."""


class ResourceKind(Enum):
    PAYMENT = "payment"
    CUSTOMER = "customer"
    PAYMENT_METHOD = "payment_method"
    OPERATION = "operation"
    DISPUTE = "dispute"
    NOTIFICATION = "notification"
    API_KEY = "api_key"
    BLOCK = "block"
    CHECKOUT = "checkout"
    OPERATOR = "operator"


class NotFound(ApplicationError):
    """The resource does not exist, or is not the caller's."""

    def __init__(self, kind: ResourceKind, resource_id: str) -> None:
        super().__init__(f"{kind.value} {resource_id}")
        self.kind = kind
        self.resource_id = resource_id


class AuthFailure(Enum):
    """The reason why a credential is not accepted."""

    MISSING = "missing"
    # Malformed, unknown, or not genuine: one reason for all, so that probing reveals nothing.
    INVALID = "invalid"
    EXPIRED = "expired"
    REVOKED = "revoked"
    NOT_YET_VALID = "not_yet_valid"
    WRONG_ISSUER = "wrong_issuer"
    WRONG_AUDIENCE = "wrong_audience"
    # Genuine, but it names no caller, or its scope or customer does not have the agreed form.
    INCOMPLETE = "incomplete"


class NotAuthenticated(ApplicationError):
    """The caller is unknown. `detail` is for the log of failed access, never for the caller."""

    def __init__(self, refusal: AuthFailure, detail: str = "") -> None:
        super().__init__(f"{refusal.value} {detail}".rstrip())
        self.refusal = refusal
        self.detail = detail


class CredentialsUnavailable(ApplicationError):
    """The credential cannot be checked at present."""


class ScopeMissing(ApplicationError):
    """The caller is known, but lacks the scope."""

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope.value)
        self.scope = scope


class OperatorRightMissing(ApplicationError):
    """The caller is an operator without the right. `right` None: no operator may make the call.

    `missing`: the metadata that the act lacks as well.
    """

    def __init__(self, right: OperatorRight | None, missing: tuple[str, ...] = ()) -> None:
        super().__init__(right.value if right is not None else "not for operators")
        self.right = right
        self.missing = missing


class OnBehalfIncomplete(ApplicationError):
    """An operator's act does not name the caller or the reason, or not in a valid form."""

    def __init__(self, right: OperatorRight | None, violations: tuple[FieldViolation, ...]) -> None:
        super().__init__(f"{', '.join(one.field for one in violations)}")
        self.right = right
        self.violations = violations


class NotAnOperator(ApplicationError):
    """Only operators act on behalf of callers."""


class NotForCustomers(ApplicationError):
    """A credential that is bound to one customer cannot do this."""


class RequestIdReused(ApplicationError):
    """The request id was used before for a different request."""

    def __init__(self, request_id: RequestId, fields: tuple[str, ...]) -> None:
        super().__init__(f"{request_id}: {', '.join(fields)}")
        self.request_id = request_id
        self.fields = fields


class ReferenceAlreadyPaid(ApplicationError):
    """The reference has a live payment. Its id is omitted where it is another customer's."""

    def __init__(self, reference: str, payment_id: PaymentId | None) -> None:
        super().__init__(payment_id or reference)
        self.reference = reference
        self.payment_id = payment_id


class ExternalIdAlreadyUsed(ApplicationError):
    """Another customer of the caller has this external id."""

    def __init__(self, external_id: str, customer_id: CustomerId) -> None:
        super().__init__(customer_id)
        self.external_id = external_id
        self.customer_id = customer_id


class OperationRefused(ApplicationError):
    """The gateway refused the operation as requested. It had no effect; the history records the refusal."""

    def __init__(self, payment_id: PaymentId, operation_id: OperationId, kind: OperationKind, detail: str) -> None:
        super().__init__(f"{kind.value} of {payment_id}: {detail}")
        self.payment_id = payment_id
        self.operation_id = operation_id
        self.kind = kind
        self.detail = detail


class CustomerHasOpenPayments(ApplicationError):
    """An operation with an unknown outcome may still need the customer."""

    def __init__(self, customer_id: CustomerId) -> None:
        super().__init__(customer_id)
        self.customer_id = customer_id


class MethodNotActive(ApplicationError):
    """The stored method cannot be changed or paid with in its state."""

    def __init__(self, payment_method_id: PaymentMethodId, state: PaymentMethodState) -> None:
        super().__init__(f"{payment_method_id} is {state.value}")
        self.payment_method_id = payment_method_id
        self.state = state


class OperationAlreadyResolved(ApplicationError):
    """The outcome is known; there is nothing to resolve by hand."""

    def __init__(self, operation_id: OperationId, state: OperationState) -> None:
        super().__init__(f"{operation_id} is {state.value}")
        self.operation_id = operation_id
        self.state = state


class MayStillHappen(ApplicationError):
    """The operation may be on its way to the gateway, or not be visible there yet."""

    def __init__(self, operation_id: OperationId, retry_after: timedelta) -> None:
        super().__init__(operation_id)
        self.operation_id = operation_id
        self.retry_after = retry_after


class ContradictedByGateway(ApplicationError):
    """The outcome given by hand contradicts the gateway."""

    def __init__(self, operation_id: OperationId, detail: str) -> None:
        super().__init__(f"{operation_id}: {detail}")
        self.operation_id = operation_id
        self.detail = detail


class ServiceHeld(ApplicationError):
    """An administrator holds the service until its record is reconciled with the gateway. Nothing was done."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class MovementsIncomplete(ApplicationError):
    """Movements of payments that another version wrote are not booked yet: an export would lack them."""

    def __init__(self) -> None:
        super().__init__("the movements of some payments are not booked yet")


class TooManyOrphans(ApplicationError):
    """The orphans to reverse exceed the allowed number. Nothing was reversed."""

    def __init__(self, count: int, most: int) -> None:
        super().__init__(f"{count} orphans, {most} may be reversed")
        self.count = count
        self.most = most


class TooManyDeclines(ApplicationError):
    """Too many recent declines and verifications. Nothing was recorded or sent."""

    def __init__(self, scope: VelocityScope, retry_after: timedelta) -> None:
        super().__init__(f"{scope.value} for {retry_after}")
        self.scope = scope
        self.retry_after = retry_after


class AuthenticationRequired(ApplicationError):
    """3-D Secure is required, and the request has no authentication, or only a failed one. Nothing was recorded."""

    def __init__(self, *, has_failed: bool = False) -> None:
        super().__init__("the authentication failed" if has_failed else "there is no authentication")
        self.has_failed = has_failed


class CheckoutNotServed(ApplicationError):
    """This deployment serves no checkout page."""


class MethodRefused(ApplicationError):
    """The gateway refused the change of a stored method. Nothing was changed."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class DisputeAnswerRefused(ApplicationError):
    """The gateway refused the dispute action as requested. It had no effect."""

    def __init__(self, dispute_id: DisputeId, detail: str) -> None:
        super().__init__(f"{dispute_id}: {detail}")
        self.dispute_id = dispute_id
        self.detail = detail


class PaymentDisputed(ApplicationError):
    """The customer's bank claims the money: a refund as well would pay twice."""

    def __init__(self, payment_id: PaymentId, dispute_ids: tuple[DisputeId, ...], claimed: Money, left: Money) -> None:
        super().__init__(f"{claimed} of {payment_id} is disputed")
        self.payment_id = payment_id
        self.dispute_ids = dispute_ids
        self.claimed = claimed
        self.left = left
