"""The contract's messages as frozen dataclasses, and its enums.

Written by `make proto` from proto/; change that, or clients/python/generator, instead.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bayar.amounts import NO_MONEY, Money
from bayar.modeling import EPOCH, Model, OpenEnum, model
from bayar.payments.v1 import (
    access_pb2,
    address_pb2,
    admin_service_pb2,
    card_pb2,
    checkout_pb2,
    customer_pb2,
    decline_pb2,
    dispute_pb2,
    event_pb2,
    merchant_account_pb2,
    movement_pb2,
    order_details_pb2,
    payment_initiator_pb2,
    payment_method_pb2,
    payment_method_service_pb2,
    payment_pb2,
    payment_service_pb2,
    payment_summary_pb2,
    three_d_secure_pb2,
    warning_pb2,
)


class Scope(OpenEnum):
    """A right of a caller. Each call declares the scope that it needs in its option required_scope. A caller without
    it gets PERMISSION_DENIED/SCOPE_MISSING, naming the scope. No scope includes another. API keys and the `scope`
    claim of tokens name them in lower case: SCOPE_PAYMENTS_READ is "payments:read".
    """

    UNSPECIFIED = 0
    """No scope. Every call needs one: the service refuses to start otherwise."""
    PAYMENTS_READ = 1
    """"payments:read": to see payments and their history, and to have them compared with the gateway."""
    PAYMENTS_WRITE = 2
    """"payments:write": to take, capture and void payments, and to have cards collected for them."""
    PAYMENTS_REFUND = 3
    """"payments:refund": to give money back."""
    CUSTOMERS_READ = 4
    """"customers:read": to see customers and their stored payment methods."""
    CUSTOMERS_WRITE = 5
    """"customers:write": to create, change and delete customers and their stored payment methods."""
    DISPUTES_READ = 6
    """"disputes:read": to see disputes."""
    DISPUTES_WRITE = 7
    """"disputes:write": to answer or accept disputes."""
    EVENTS_READ = 8
    """"events:read": to read the feed of events."""
    ADMIN = 9
    """"admin": to see and settle what belongs to every caller. For the people who run the service. A credential that
    is bound to one customer never has it.
    """
    PAYMENTS_SKIP_CHECKS = 10
    """"payments:skip-checks": to take payments without the gateway's checks of fraud, address or security code. A
    credential that is bound to one customer never has it. "bayar keys create" gives it only where it is named.
    """


class OperatorRight(OpenEnum):
    """A right of an operator: a person with a name, who works on the data of every caller. An operator has no
    scopes; each call declares the right that it needs of an operator in its option operator_right. No right
    includes another. An operator without it gets PERMISSION_DENIED/OPERATOR_RIGHT_MISSING, naming it. `bayar
    operators` grants rights. With OPERATOR_RIGHT_READ, an operator reads the data of every caller; with the
    metadata bayar-on-behalf-of, only that caller's. The lists and exports of AdminService always hold the data of
    every caller. Every call with another right is an act. It states in its metadata: | Metadata | Value |
    |---|---| | bayar-on-behalf-of | the caller acted for, such as "shop": the resource's caller_id. Optional in
    AdminService | | bayar-reason | why, in visible ASCII; 1 to 255 characters | | bayar-reason-bin | instead of
    bayar-reason: why, in UTF-8 | In AdminService, the field `reason` of the request serves as well. Without
    caller or reason, the act is refused: INVALID_ARGUMENT/ON_BEHALF_INCOMPLETE, naming each. Any other credential
    that sends this metadata gets PERMISSION_DENIED/NOT_AN_OPERATOR. Where the caller is optional and given,
    ResolveOperation, LiftAbuseBlock and ResendEvents reach only what belongs to it. An act has the effect of the
    caller's own call: on the caller's data only, within the caller's limits. Its request_id belongs to the caller
    and the operator together: it never collides with one of the caller's own, nor with another operator's. The
    payment's history, the feed and the audit log name the operator, the caller and the reason.
    """

    UNSPECIFIED = 0
    """No operator may make the call."""
    READ = 1
    """"read": to read the data of every caller, and to have payments compared with the gateway. It is no act."""
    REFUND = 2
    """"refund": to give money back."""
    VOID = 3
    """"void": to void payments, and to release holds."""
    CAPTURE = 4
    """"capture": to capture what is authorized."""
    ADJUST = 5
    """"adjust": to change authorized amounts."""
    METHODS = 6
    """"methods": to store, change and delete customers' payment methods."""
    CUSTOMERS = 7
    """"customers": to change and delete customers, and to erase the personal data of guests."""
    DISPUTES = 8
    """"disputes": to answer or accept disputes."""
    LIFT_BLOCKS = 9
    """"lift-blocks": to lift blocks of the velocity limits against card testing."""
    RESOLVE = 10
    """"resolve": to settle operations whose outcome is unknown."""
    REDELIVER = 11
    """"redeliver": to send events again, and to process the gateway's webhooks again."""
    RECONCILE = 12
    """"reconcile": to compare the record with the gateway's. A run that reverses orphans is an act."""


class InstrumentKind(OpenEnum):
    """The kind of instrument that paid, or is stored."""

    UNSPECIFIED = 0
    """Not known yet: the gateway has not answered."""
    CARD = 1
    """A credit or debit card."""
    PAYPAL = 2
    """A PayPal account."""
    APPLE_PAY = 3
    """A card in Apple Pay."""
    GOOGLE_PAY = 4
    """A card in Google Pay."""
    VENMO = 5
    """A Venmo account."""
    OTHER = 6
    """Anything else that the gateway accepts."""


class CheckoutState(OpenEnum):
    """The state of a checkout."""

    UNSPECIFIED = 0
    """Never sent."""
    OPEN = 1
    """The shopper can pay."""
    COMPLETED = 2
    """It was paid; a payment link: as often as its limit of uses. Final."""
    EXPIRED = 3
    """Its time ran out, or ExpireCheckout ended it. Nobody can pay any more. Final."""


class CheckoutMethod(OpenEnum):
    """A way to pay that a checkout offers."""

    UNSPECIFIED = 0
    """Invalid in requests, and never sent."""
    CARD = 1
    """A new card, in fields that belong to the gateway."""
    STORED = 2
    """The customer's stored payment methods. Needs a customer."""
    APPLE_PAY = 3
    """Apple Pay, in browsers that have it, where the merchant account takes it."""
    PAYPAL = 4
    """PayPal, where the merchant account takes it: the shopper approves the payment on PayPal's own page and comes
    back.
    """


class DeclineReason(OpenEnum):
    """The reason of a decline. Stable: code may switch on it. New reasons can be added, so treat an unknown one as
    DECLINE_REASON_DECLINED.
    """

    UNSPECIFIED = 0
    """Never sent."""
    DECLINED = 1
    """The bank refused and gave no better reason."""
    INSUFFICIENT_FUNDS = 2
    """Not enough money or credit on the account."""
    LIMIT_EXCEEDED = 3
    """A limit of amount or count on the account is reached."""
    CARD_EXPIRED = 4
    """The card is past its expiry date, or the date given is not the card's."""
    INVALID_CARD = 5
    """No such card number or account."""
    INCORRECT_CVV = 6
    """The security code does not match."""
    INCORRECT_ADDRESS = 7
    """The billing address does not match."""
    CALL_ISSUER = 8
    """The bank wants its customer to call first."""
    SUSPECTED_FRAUD = 9
    """The bank or the gateway suspects misuse. Never shown to the customer."""
    LOST_OR_STOLEN = 10
    """The card was reported lost or stolen. Never shown to the customer."""
    NOT_PERMITTED = 11
    """This card may not make this kind of purchase."""
    AUTHENTICATION_REQUIRED = 12
    """The customer has to confirm with the bank (3-D Secure or a code)."""
    STOPPED_BY_CUSTOMER = 13
    """The customer stopped this payment or all payments to this shop."""
    ACCOUNT_CLOSED = 14
    """The account is closed."""
    NETWORK_UNAVAILABLE = 15
    """The bank or the card network cannot be reached just now."""
    DUPLICATE = 16
    """The same payment was made moments ago."""
    TOO_MANY_ATTEMPTS = 17
    """Too many attempts with this card."""
    MERCHANT_SETUP = 18
    """The shop's own set-up at the gateway does not allow this payment."""
    METHOD_NOT_SUPPORTED = 19
    """The card brand or wallet is not accepted by this shop."""
    INVALID_AMOUNT = 20
    """The amount is not acceptable to the bank."""
    WALLET_ACCOUNT = 21
    """The wallet account has a problem its owner can solve (no funding source, restricted, not verified)."""
    INVALID_DATA = 22
    """The data sent could not be processed as it stands."""
    SETTLEMENT_DECLINED = 23
    """Money was authorized, but the transfer was refused at settlement."""
    REFUND_REFUSED = 24
    """The refund was refused."""
    METHOD_REMOVED = 25
    """The stored payment method was deleted at the gateway. It is DELETED here too: use another one."""


class DeclineFixer(OpenEnum):
    """The party that can fix a decline."""

    UNSPECIFIED = 0
    """Never sent."""
    CUSTOMER = 1
    """The person who pays."""
    ISSUER = 2
    """The bank that issued the card; the customer has to talk to it."""
    MERCHANT = 3
    """The shop, with its gateway account."""
    SERVICE = 4
    """The administrator of this service."""


class RetryAdvice(OpenEnum):
    """The advice about another attempt. An attempt is a new CreatePayment with a new request_id."""

    UNSPECIFIED = 0
    """Never sent."""
    DO_NOT_RETRY = 1
    """Do not try this payment method again."""
    RETRY_LATER = 2
    """Try again with the same method after retry_after."""
    CORRECT_AND_RETRY = 3
    """Try again once the data is corrected (CVV, expiry, address, amount)."""
    USE_ANOTHER_METHOD = 4
    """Ask for another card or wallet."""
    AFTER_CUSTOMER_ACTION = 5
    """Try again after the customer has confirmed or talked with the bank."""


class DisputeKind(OpenEnum):
    """The kind of a bank's claim."""

    UNSPECIFIED = 0
    """Never sent."""
    CHARGEBACK = 1
    """The money is taken back until the dispute ends."""
    PRE_ARBITRATION = 2
    """A second round after a won chargeback."""
    RETRIEVAL = 3
    """Only a question; no money moves."""


class DisputeState(OpenEnum):
    """The state of a dispute."""

    UNSPECIFIED = 0
    """Never sent."""
    OPEN = 1
    """Waiting for evidence or acceptance until reply_by_time."""
    UNDER_REVIEW = 2
    """Evidence was sent; the bank examines it."""
    WON = 3
    """Ended: the money is the shop's again."""
    LOST = 4
    """Ended: the customer keeps the money."""
    ACCEPTED = 5
    """Ended: the shop accepted the claim."""
    EXPIRED = 6
    """Ended: there was no reply in time."""


class DisputeReason(OpenEnum):
    """The reason of the claim."""

    UNSPECIFIED = 0
    """Not one of those below."""
    FRAUD = 1
    """The cardholder did not make the payment."""
    PRODUCT_NOT_RECEIVED = 2
    """The goods or services did not arrive."""
    PRODUCT_UNSATISFACTORY = 3
    """The goods or services were not as described."""
    CREDIT_NOT_PROCESSED = 4
    """A promised credit did not come."""
    DUPLICATE = 5
    """The customer paid twice."""
    CANCELLED_RECURRING = 6
    """A recurring payment was cancelled before."""
    NOT_RECOGNIZED = 7
    """The cardholder does not recognize the payment."""
    PROCESSING_ERROR = 8
    """The payment was not processed by the network's rules."""
    RETRIEVAL = 9
    """The bank wants to see the documents."""
    OTHER = 10
    """Anything else."""


class DisputeAction(OpenEnum):
    """An answer to a dispute."""

    UNSPECIFIED = 0
    """Nothing."""
    ACCEPT = 1
    """Accepting the claim."""
    ADD_TEXT = 2
    """Adding a text."""
    ADD_FILE = 3
    """Adding a file."""
    FINALIZE = 4
    """Sending the evidence to the bank."""


class MovementKind(OpenEnum):
    """The kind of a movement of money, which is also its direction. The first six change how much of the customers'
    money the merchant has; the others say where that money is.
    """

    UNSPECIFIED = 0
    """Never sent."""
    CAPTURE = 1
    """Money was taken from the customer: a capture, or a part of one. Holds and their adjustments move nothing."""
    CAPTURE_REVERSAL = 2
    """A capture was undone: voided before it settled (also where a refund was carried out as a void), or refused at
    settlement.
    """
    REFUND = 3
    """Money went back to the customer."""
    REFUND_REVERSAL = 4
    """A refund failed after the gateway had accepted it: the merchant has the money again."""
    DISPUTE = 5
    """A dispute took the money. A retrieval takes none."""
    DISPUTE_REVERSAL = 6
    """A dispute was won, also after it was lost, or claims less: the money came back."""
    SETTLEMENT = 7
    """The gateway settled a capture in a batch."""
    SETTLEMENT_REVERSAL = 8
    """A settled capture is settled no more."""
    REFUND_SETTLEMENT = 9
    """The gateway settled a refund in a batch."""
    REFUND_SETTLEMENT_REVERSAL = 10
    """A settled refund is settled no more."""
    PAYOUT = 11
    """The gateway paid a settled capture out to the merchant's bank."""
    REFUND_PAYOUT = 12
    """The gateway deducted a settled refund from a payout."""


class LineItemKind(OpenEnum):
    """Whether a line item adds to the order or takes from it."""

    UNSPECIFIED = 0
    """The same as DEBIT."""
    DEBIT = 1
    """Sold: it adds its total."""
    CREDIT = 2
    """Given back or deducted: its total is subtracted."""


class ShippingMethod(OpenEnum):
    """The way that goods are shipped."""

    UNSPECIFIED = 0
    """Not said."""
    SAME_DAY = 1
    """On the same day."""
    NEXT_DAY = 2
    """On the next day."""
    PRIORITY = 3
    """In two or three days."""
    GROUND = 4
    """In four or more days."""
    ELECTRONIC = 5
    """Downloaded or sent by email."""
    SHIP_TO_STORE = 6
    """Shipped to a store, and collected there."""
    PICKUP_IN_STORE = 7
    """Collected in the store."""


class PaymentState(OpenEnum):
    """The state of a payment. Derived from its operations, never set."""

    UNSPECIFIED = 0
    """Never sent."""
    PENDING = 1
    """The outcome of an authorization, adjustment, capture or void is not known yet; see next_check_time. Do not
    take it for a failure, and do not pay again.
    """
    AUTHORIZED = 2
    """The money is held on the customer's account; nothing is captured."""
    CAPTURED = 3
    """At least a part is captured and on its way."""
    SETTLED = 4
    """All that was captured has settled."""
    DECLINED = 5
    """The bank or the gateway refused; see decline."""
    FAILED = 6
    """It did not happen, and nobody declined it; see failure_reason. No money moved."""
    VOIDED = 7
    """Cancelled before settlement; the money was released."""
    EXPIRED = 8
    """The authorization ran out before anything was captured."""
    SETTLEMENT_DECLINED = 9
    """It was captured, but the bank refused the transfer at settlement."""


class PaymentFunds(OpenEnum):
    """Where the money is."""

    UNSPECIFIED = 0
    """Never sent."""
    NONE = 1
    """Nothing was taken."""
    HELD = 2
    """Held on the customer's account."""
    CAPTURED = 3
    """Captured and waiting for settlement."""
    SETTLED = 4
    """Settled with the gateway."""
    DISBURSED = 5
    """Paid out to the shop's bank account."""
    RETURNED = 6
    """Not with the shop any more: voided, expired, or wholly refunded."""
    DISPUTED = 7
    """Claimed back by the customer's bank."""
    UNKNOWN = 8
    """Not known: the authorization's outcome is still open."""


class CaptureMode(OpenEnum):
    """When the money is captured."""

    UNSPECIFIED = 0
    """The same as automatic."""
    AUTOMATIC = 1
    """At once, with the authorization."""
    MANUAL = 2
    """Later, by CapturePayment."""


class OperationKind(OpenEnum):
    """The kind of an operation at the gateway."""

    UNSPECIFIED = 0
    """Never sent."""
    AUTHORIZE = 1
    """Hold the money (and capture it at once with CAPTURE_MODE_AUTOMATIC)."""
    CAPTURE = 2
    """Take what is held, or a part."""
    VOID = 3
    """Release what is held or not yet settled."""
    REFUND = 4
    """Give settled money back, or a part."""
    ADJUST = 5
    """Change the held amount, up or down. The operation's amount is the whole amount to hold, not the difference."""


class OperationOrigin(OpenEnum):
    """The sender of an operation to the gateway."""

    UNSPECIFIED = 0
    """Never sent."""
    SERVICE = 1
    """This service, at a caller's request."""
    OUTSIDE = 2
    """Somebody else, in the gateway's control panel or as another client of the same merchant. It is recorded as
    found at the gateway.
    """


class OperationState(OpenEnum):
    """The state of an operation."""

    UNSPECIFIED = 0
    """Never sent."""
    SCHEDULED = 1
    """Accepted, and carried out by the service when it becomes possible (a refund before settlement)."""
    STARTED = 2
    """Sent, or about to be, and the outcome is not known yet."""
    SUCCEEDED = 3
    """The gateway did it."""
    DECLINED = 4
    """The bank or the gateway refused; see decline."""
    FAILED = 5
    """It had no effect, and nobody declined it; see failure_reason."""


class FailureReason(OpenEnum):
    """The reason of an operation without effect that nobody declined."""

    UNSPECIFIED = 0
    """Never sent."""
    GATEWAY_UNREACHABLE = 1
    """The gateway could not be reached; surely nothing was sent. Sending the same request again tries again."""
    GATEWAY_REFUSED_REQUEST = 2
    """The gateway refused the request as it was; see failure_detail."""
    NOT_FOUND_AT_GATEWAY = 3
    """No answer came, and the gateway provably does not have it."""
    GATEWAY_REFUSED_CREDENTIALS = 4
    """The gateway refused this service's own credentials. The administrator has to act."""
    NO_LONGER_POSSIBLE = 5
    """A scheduled refund became impossible: the payment was never settled, or was given back otherwise, also by
    somebody else at the gateway; see failure_detail.
    """
    CLOSED_BY_ADMINISTRATOR = 6
    """An administrator closed it by hand, with a reason in the history."""


class PaymentCheck(OpenEnum):
    """A check of the gateway that a payment can go without."""

    UNSPECIFIED = 0
    """Never sent."""
    ADVANCED_FRAUD = 1
    """Advanced fraud checking: the gateway's risk check."""
    AVS = 2
    """The address verification system (AVS): the merchant's rules for postal code and street."""
    CVV = 3
    """The merchant's rules for the security code (CVV)."""


class PaymentEventType(OpenEnum):
    """The type of an entry in a payment's history."""

    UNSPECIFIED = 0
    """Never sent."""
    CREATED = 1
    """The payment was requested."""
    OPERATION_SCHEDULED = 2
    """An operation was accepted for later."""
    OPERATION_STARTED = 3
    """An operation was recorded and is about to be sent."""
    OPERATION_SUCCEEDED = 4
    """The gateway did it."""
    OPERATION_DECLINED = 5
    """The bank or the gateway refused."""
    OPERATION_FAILED = 6
    """It had no effect."""
    OUTCOME_UNKNOWN = 7
    """No readable answer came; the service looks for the outcome."""
    GATEWAY_STATUS_CHANGED = 8
    """The gateway reported that the money moved on: settled, refused at settlement, expired, paid out."""
    DIFFERENCE_REPAIRED = 9
    """The gateway and this service disagreed, and the record was corrected."""
    DISPUTE_CHANGED = 10
    """A dispute opened, changed or ended."""
    OUTSIDE_OPERATION_RECORDED = 11
    """Somebody else refunded, captured, voided or adjusted at the gateway: in its control panel, or as another
    client of the merchant.
    """


class PaymentInitiator(OpenEnum):
    """The party that starts a payment. The card networks fine merchants that charge stored cards (credentials on
    file, COF) without saying so.
    """

    UNSPECIFIED = 0
    """The same as customer."""
    CUSTOMER = 1
    """The customer, who is present in the shop's page or app (customer-initiated transaction, CIT)."""
    MAIL_OR_TELEPHONE = 2
    """The customer, by mail or telephone (MOTO). No 3-D Secure applies. With a wallet or PayPal account, stored or
    as a nonce, it is INVALID_REQUEST: only cards are paid with so.
    """
    MERCHANT_RECURRING = 3
    """The merchant, at fixed intervals: a subscription or membership (merchant-initiated transaction, MIT)."""
    MERCHANT_INSTALLMENT = 4
    """The merchant, for one purchase that is paid in parts."""
    MERCHANT_UNSCHEDULED = 5
    """The merchant, without a fixed time: a top-up, a delayed charge, a no-show fee."""


class SeriesPosition(OpenEnum):
    """The place of a payment in a series that the customer agreed to."""

    UNSPECIFIED = 0
    """LATER for a stored method or a previous network transaction id, FIRST otherwise. None for payments of no
    series.
    """
    FIRST = 1
    """The customer is present, pays the first time and agrees to the later ones. 3-D Secure applies."""
    LATER = 2
    """The merchant charges what the customer agreed to. No 3-D Secure applies: an authentication is INVALID_REQUEST."""


class PaymentMethodState(OpenEnum):
    """The state of a stored payment method."""

    UNSPECIFIED = 0
    """Never sent."""
    PENDING = 1
    """The gateway's answer is not known yet; see next_check_time. Do not add it again."""
    ACTIVE = 2
    """Ready to pay with."""
    DECLINED = 3
    """The bank or the gateway refused it at verification; see verification. Nothing was stored."""
    FAILED = 4
    """Nothing was stored, and nobody declined it; see failure_detail. If no answer came, the gateway can still show
    it much later: a repeat of the AddPaymentMethod then finds it ACTIVE.
    """
    DELETED = 5
    """Deleted here and at the gateway, or found to be deleted there."""


class ExpiryStatus(OpenEnum):
    """Whether the expiry date of a card is near."""

    UNSPECIFIED = 0
    """There is no expiry date."""
    CURRENT = 1
    """Good for more than 60 days."""
    EXPIRING = 2
    """Expires within 60 days: ask for a new one."""
    EXPIRED = 3
    """Past its date."""


class CheckResult(OpenEnum):
    """The result of a comparison with the bank's records."""

    UNSPECIFIED = 0
    """Unknown."""
    MATCHES = 1
    """It matches."""
    DOES_NOT_MATCH = 2
    """It does not match."""
    NOT_VERIFIED = 3
    """The bank did not check it."""
    NOT_PROVIDED = 4
    """It was not given."""
    NOT_SUPPORTED = 5
    """The bank does not take part in this check."""


class ThreeDSecurePolicy(OpenEnum):
    """Whether a payment needs 3-D Secure (3DS), the cardholder's authentication by the bank that issued the card."""

    UNSPECIFIED = 0
    """The service's own rule for the currency and amount (BAYAR_THREE_D_SECURE)."""
    REQUIRED = 1
    """The payment is made only if liability for fraud shifts to the bank."""
    IF_OFFERED = 2
    """The payment is made without authentication, too. An authentication that was attempted must not have failed."""
    NOT_WANTED = 3
    """The payment is made whatever the authentication's result. The shop bears the loss by fraud."""


class ThreeDSecureStatus(OpenEnum):
    """The result of 3-D Secure."""

    UNSPECIFIED = 0
    """A result that this version does not know; see gateway_status."""
    AUTHENTICATED = 1
    """The bank authenticated the cardholder, with or without a challenge."""
    ATTEMPTED = 2
    """The bank or the card network confirms the attempt: the bank or the card does not take part."""
    FAILED = 3
    """The cardholder failed or cancelled the challenge, or the bank refused to authenticate."""
    CHALLENGE_INCOMPLETE = 4
    """The bank asked for a challenge that was never completed."""
    NOT_ENROLLED = 5
    """The card is not enrolled, or its brand or type has no 3-D Secure."""
    UNAVAILABLE = 6
    """The bank, the card network or the authentication service did not answer, or answered with an error."""
    BYPASSED = 7
    """A rule of the merchant skipped the authentication."""
    EXEMPTED = 8
    """The bank accepted an exemption from authentication."""
    DATA_ONLY = 9
    """The bank got the data for its risk check, without an authentication ("data only")."""


class ScaExemption(OpenEnum):
    """An exemption from Strong Customer Authentication (SCA, the European rule PSD2) that the shop asks the bank
    for. The bank may refuse it: the payment is then declined with AUTHENTICATION_REQUIRED.
    """

    UNSPECIFIED = 0
    """No exemption is asked for."""
    LOW_VALUE = 1
    """A low amount: up to 30 EUR or 25 GBP; above it INVALID_REQUEST. In other currencies the bank judges. The bank
    also limits how many are made in a row.
    """
    SECURE_CORPORATE = 2
    """A corporate payment by a secure process of its own."""
    TRUSTED_BENEFICIARY = 3
    """The cardholder put the shop on the bank's list of trusted beneficiaries."""
    TRANSACTION_RISK_ANALYSIS = 4
    """The acquirer's transaction risk analysis (TRA) found a low risk. Up to 500 EUR or 440 GBP; above it
    INVALID_REQUEST.
    """


class WarningReason(OpenEnum):
    """The record that was left out. New reasons can be added: show `message` for one that you do not know."""

    UNSPECIFIED = 0
    """Never sent."""
    CUSTOMER_DETAILS_LEFT_OUT = 1
    """The gateway refuses the customer's name, email or phone. Correct them with UpdateCustomer."""
    BILLING_ADDRESS_LEFT_OUT = 2
    """The gateway refuses the billing address. Correct it before the next payment: banks compare it."""
    SHIPPING_ADDRESS_LEFT_OUT = 3
    """The gateway refuses the shipping address or method. Correct it before the next payment."""
    ORDER_DETAILS_LEFT_OUT = 4
    """The gateway refuses the level 2 and level 3 data. The payment gets no lower fee. Correct the order details."""
    GUEST_DETAILS_LEFT_OUT = 5
    """The gateway refuses the guest's name, email or phone."""


class ManualResolution(OpenEnum):
    """The resolution of an unknown outcome by an administrator."""

    UNSPECIFIED = 0
    """The same as CHECK_NOW."""
    CHECK_NOW = 1
    """Ask the gateway now, and record its answer. For a scheduled refund: check whether it was sent before."""
    FAILED = 2
    """It had no effect. Refused while the gateway knows of it, and until it can neither be on its way any more nor
    be missing in the gateway's searches: BAYAR_ABSENCE_HORIZON_SECONDS after its lease, some minutes in all.
    """
    SUCCEEDED = 3
    """It succeeded, as the gateway's transaction shows: one of the operation's kind, amount, currency and payment,
    that is recorded for no other operation and whose order id names no other. One that does not name this
    operation either is taken as late as FAILED is.
    """


class OrphanPolicy(OpenEnum):
    """The treatment of orphans: money at the gateway that no record explains."""

    UNSPECIFIED = 0
    """The same as REPORT."""
    REPORT = 1
    """Report only."""
    REVERSE = 2
    """Void or refund it, if this deployment made it. Needs max_reversals."""


class FindingKind(OpenEnum):
    """The kind of a finding of Reconcile."""

    UNSPECIFIED = 0
    """Never sent."""
    ORPHAN = 1
    """This deployment made a transaction at the gateway, and no record explains it: a restored backup forgot it, or
    it is the second one of an operation, or its operation was given up.
    """
    MISSING_AT_GATEWAY = 2
    """The record has an effect that the gateway does not know."""
    MISMATCH = 3
    """Both have it, and they disagree."""
    ORPHAN_REVERSED = 4
    """An orphan was reversed."""
    FOREIGN = 5
    """Somebody else made the transaction on the same merchant account: another deployment, another program, the
    control panel; or a version of this service that did not mark its transactions yet. It is never reversed.
    """
    UNREADABLE = 6
    """The gateway shows a transaction that cannot be read, such as one in a withdrawn currency."""


class FindingRemedy(OpenEnum):
    """The remedy of a finding."""

    UNSPECIFIED = 0
    """No call. The summary says what to do."""
    VERIFY_PAYMENT = 1
    """VerifyPayment of the payment."""
    CHECK_NOW = 2
    """ResolveOperation of the operation, with CHECK_NOW."""
    REVERSE = 3
    """Reconcile with REVERSE."""


class SettlementStage(OpenEnum):
    """The stage of the money that is compared."""

    UNSPECIFIED = 0
    """Never sent."""
    SETTLEMENT = 1
    """Settlements here, with the gateway's settlement batches."""
    PAYOUT = 2
    """Payouts here, with the gateway's disbursements."""


class SettlementDifferenceKind(OpenEnum):
    """The explanation of a difference."""

    UNSPECIFIED = 0
    """Never sent."""
    NOT_RECORDED_YET = 1
    """The gateway has moved the money of a recorded payment, and the record does not show it yet: a late movement."""
    OTHER_DAY = 2
    """Both have it, under different days. Nothing remains to be done."""
    AMOUNT_DIFFERS = 3
    """Both have it, with different amounts."""
    OTHER_MERCHANT_ACCOUNT = 4
    """Both have it, under different merchant accounts."""
    UNKNOWN_HERE = 5
    """This deployment made it at the gateway, and no record explains it: see Reconcile."""
    FOREIGN = 6
    """Somebody else made it on the same merchant account. Nothing remains to be done."""
    UNKNOWN_AT_GATEWAY = 7
    """The gateway does not know the transaction."""
    NOT_AT_GATEWAY = 8
    """The gateway knows the transaction, and does not show the movement."""
    UNREADABLE = 9
    """The gateway shows a transaction that cannot be read."""
    UNEXPLAINED = 10
    """The sums differ, and no transaction does: the gateway's searches lag. Compare again later."""


class WebhookNotificationState(OpenEnum):
    """The state of a notification of the gateway."""

    UNSPECIFIED = 0
    """Never sent."""
    PENDING = 1
    """To be processed, for the first time or again."""
    DONE = 2
    """Processed."""
    DEAD = 3
    """A dead letter: given up after too many attempts."""


class WebhookNotificationOutcome(OpenEnum):
    """The outcome of a notification."""

    UNSPECIFIED = 0
    """Nothing yet."""
    RECORDED = 1
    """The resource was read again at the gateway, and a change recorded."""
    NOT_OURS = 2
    """It concerns something that this service did not create."""
    UNKNOWN_KIND = 3
    """Its kind is unknown to this service."""


class AbuseScope(OpenEnum):
    """The subject whose declines and verifications are counted together."""

    UNSPECIFIED = 0
    """Never sent."""
    CARD = 1
    """One card."""
    CUSTOMER = 2
    """One customer."""
    CLIENT_ADDRESS = 3
    """One declared client address; of IPv6, its /64."""
    CALLER = 4
    """One caller as a whole."""


class EventDeliveryState(OpenEnum):
    """The state of an event outside the endpoint's regular order."""

    UNSPECIFIED = 0
    """Never sent."""
    WAITING = 1
    """To be sent again."""
    DEAD = 2
    """A dead letter."""


class EventType(OpenEnum):
    """The kind of resource that changed."""

    UNSPECIFIED = 0
    """Never sent."""
    PAYMENT_CHANGED = 1
    """A payment, any of its captures or refunds included."""
    CUSTOMER_CHANGED = 2
    """A customer."""
    PAYMENT_METHOD_CHANGED = 3
    """A stored payment method."""
    DISPUTE_CHANGED = 4
    """A dispute."""
    CHECKOUT_CHANGED = 5
    """A checkout: it was created, paid, or has expired. Its state tells which."""


class PaymentSearchField(OpenEnum):
    """A field of a payment in which a search finds words."""

    UNSPECIFIED = 0
    """Never sent."""
    PAYMENT_ID = 1
    """The payment's id."""
    OPERATION_ID = 2
    """The id of an operation."""
    CUSTOMER_ID = 3
    """The customer's id."""
    EXTERNAL_ID = 4
    """The caller's own id of the customer."""
    GATEWAY_TRANSACTION_ID = 5
    """The gateway's transaction."""
    NETWORK_TRANSACTION_ID = 6
    """The card network's transaction."""
    REFERENCE = 7
    """The reference, or a part of it that holds a digit."""
    NAME = 8
    """A name."""
    EMAIL = 9
    """An email address, or its part before the "@"."""
    METADATA = 10
    """The metadata; see metadata_key."""
    AMOUNT = 11
    """The amount of the payment or of an operation."""
    LAST_FOUR = 12
    """The last four digits of the card."""
    DAY = 13
    """The day or month of creation, in UTC."""


class VerificationOutcome(OpenEnum):
    """The outcome of a verification."""

    UNSPECIFIED = 0
    """Never sent."""
    MATCHES = 1
    """The gateway and the record agree."""
    REPAIRED = 2
    """The gateway differed; the record was corrected, and the history says so."""
    NOT_FOUND_YET = 3
    """The gateway does not know it, and it may still be on its way. Nothing was changed."""
    DIFFERS = 4
    """The gateway and the record disagree, and nothing that the gateway shows explains why. Compare the differences
    by hand.
    """


@model(access_pb2.Operator)
@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Operator(Model):
    """An operator."""

    operator_id: str = ""
    """"opr_" and 26 characters."""
    name: str = ""
    """The person's name, such as "Siti Rahayu"."""
    rights: tuple[OperatorRight, ...] = ()
    """The person's rights, in the order of their numbers."""


@model(access_pb2.CredentialDescription)
@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class CredentialDescription(Model):
    """A credential, and what it may do."""

    caller_id: str = ""
    """The caller that it belongs to. Of an operator: the operator's id."""
    customer_id: str = ""
    """The one customer that it is bound to. Empty: it is bound to none."""
    scopes: tuple[Scope, ...] = ()
    """Its scopes, in the order of their numbers. None for an operator."""
    operator: Operator | None = None
    """The operator that it belongs to. Absent if it is no person's."""
    name: str = ""
    """The id of the API key, or the subject of the token or certificate. Empty without authentication."""


@model(access_pb2.OnBehalf)
@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class OnBehalf(Model):
    """An act on behalf of a caller: the operator, the caller and the reason."""

    operator_id: str = ""
    """The operator."""
    operator_name: str = ""
    """The operator's name at that time."""
    caller_id: str = ""
    """The caller that the operator acted for."""
    reason: str = ""
    """The reason, as the operator gave it."""


@model(address_pb2.Address)
@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Address(Model):
    """A postal address. Banks compare the billing address of a card with their records (AVS), so a complete address
    avoids declines. Every field is optional, and empty means "not given".
    """

    given_name: str = ""
    """At most 255 characters, no control characters; otherwise INVALID_REQUEST."""
    family_name: str = ""
    """At most 255 characters, no control characters; otherwise INVALID_REQUEST."""
    company: str = ""
    """At most 255 characters, no control characters; otherwise INVALID_REQUEST."""
    street_address: str = ""
    """Street and house number. At most 255 characters, no control characters; otherwise INVALID_REQUEST."""
    extended_address: str = ""
    """Flat, suite or building. At most 255 characters, no control characters; otherwise INVALID_REQUEST."""
    locality: str = ""
    """City or town. At most 255 characters, no control characters; otherwise INVALID_REQUEST."""
    region: str = ""
    """State or province. At most 255 characters, no control characters; otherwise INVALID_REQUEST."""
    postal_code: str = ""
    """Up to nine letters and digits, the first character one of them, with spaces and hyphens between; otherwise
    INVALID_REQUEST.
    """
    country_code: str = ""
    """ISO 3166-1 alpha-2 in capital letters, for example "ID"; otherwise INVALID_REQUEST."""
    phone: str = ""
    """Telephone of the person at this address: 1 to 15 digits, besides them only + ( ) - . and spaces; otherwise
    INVALID_REQUEST.
    """


@model(card_pb2.Instrument)
@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Instrument(Model):
    """The displayable part of a card or wallet. Never enough to pay with."""

    SUMMARY = ("kind", "brand", "last_four")

    kind: InstrumentKind = InstrumentKind.UNSPECIFIED
    """A card, or the kind of wallet."""
    brand: str = ""
    """The brand as the gateway names it, for example "Visa". Empty for a wallet without a card."""
    last_four: str = ""
    """The last four digits. Empty for a wallet without a card."""
    expiration_month: int = 0
    """1 to 12, or 0 when there is none."""
    expiration_year: int = 0
    """Four digits, or 0 when there is none."""
    cardholder_name: str = ""
    """The name on the card, as the customer gave it. Empty when not given."""
    issuer_country: str = ""
    """ISO 3166-1 alpha-3 country of the issuing bank, as the gateway knows it. Empty when it does not."""
    issuer: str = ""
    """The issuing bank, as the gateway knows it. Empty when it does not."""
    account: str = ""
    """The email address or user name of a wallet account. Empty for a card."""


@model(checkout_pb2.CheckoutLine)
@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class CheckoutLine(Model):
    """A line of the order, for the shopper to read."""

    description: str = ""
    """Required, at most 255 characters, no card number."""
    quantity: int = 0
    """Default (0): 1. At most 1,000,000; negative is INVALID_REQUEST."""
    amount: Money = NO_MONEY
    """The amount of the whole line, in the checkout's currency: quantity times the price of one. Required. Negative
    for a discount.
    """


@model(checkout_pb2.Checkout)
@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Checkout(Model):
    """A page on which a shopper pays one order, or a payment link that many shoppers use."""

    checkout_id: str = ""
    """"chk_..."."""
    state: CheckoutState = CheckoutState.UNSPECIFIED
    """Its state. OPEN past the expire_time: a payment is still under way."""
    url: str = ""
    """The address to send the shopper to. It is a secret: the person who has it sees the order and can pay it. Empty
    in events, and once the checkout is not OPEN.
    """
    reference: str = ""
    """The order in your system. The payment has the same reference; the payments of a payment link add "-1", "-2"
    ...
    """
    amount: Money = NO_MONEY
    """The amount of each payment."""
    customer_id: str = ""
    """The customer, or empty."""
    methods: tuple[CheckoutMethod, ...] = ()
    """The ways to pay that the page offers."""
    lines: tuple[CheckoutLine, ...] = ()
    """The lines that the page shows."""
    success_url: str = ""
    """The address to which the page returns after a payment."""
    cancel_url: str = ""
    """The address behind "back to the shop", or empty."""
    language_code: str = ""
    """The page's language, or empty: as the shopper's browser asks."""
    expire_time: datetime = EPOCH
    """When it expires."""
    max_uses: int = 0
    """How many times it can be paid; 1 unless it is a payment link."""
    completed_uses: int = 0
    """How many times it was paid."""
    offers_storing: bool = False
    """Whether the page offers to store the payment method for the next time."""
    capture_mode: CaptureMode = CaptureMode.UNSPECIFIED
    """Whether its payments are captured at once."""
    metadata: dict[str, str] = field(default_factory=dict, hash=False)
    """The metadata of its payments."""
    payment_id: str = ""
    """The newest payment that paid it, or empty. A payment link has more: the feed has an event of each, and
    ListPayments finds them by reference_contains.
    """
    create_time: datetime = EPOCH
    """When it was created."""
    update_time: datetime = EPOCH
    """When it was last changed."""
    end_time: datetime | None = None
    """When it became COMPLETED or EXPIRED. Absent while OPEN."""
    result_key: str = ""
    """The key that signs the result in the return address of this checkout. Keep it beside the order: the clients'
    verify_checkout_result needs it. Empty in events.
    """
    merchant_account_id: str = ""
    """The merchant account that takes its payments."""
    caller_id: str = ""
    """The caller that it belongs to."""


@model(customer_pb2.GuestContact)
@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class GuestContact(Model):
    """How to reach a guest: somebody who pays without a customer record. Fraud checks and receipts of the gateway
    use it.
    """

    given_name: str = ""
    """At most 255 characters, no control characters; otherwise INVALID_REQUEST."""
    family_name: str = ""
    """At most 255 characters, no control characters; otherwise INVALID_REQUEST."""
    email: str = ""
    """An email address of at most 255 characters, with a dot in its domain; otherwise INVALID_REQUEST."""
    phone: str = ""
    """At most 255 characters, no control characters; otherwise INVALID_REQUEST."""
    company: str = ""
    """At most 255 characters, no control characters; otherwise INVALID_REQUEST."""


@model(customer_pb2.Customer)
@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Customer(Model):
    """A person who pays. Every detail is optional."""

    SUMMARY = ("customer_id", "external_id", "create_time")

    customer_id: str = ""
    """Chosen by this service, "cus_" and 26 characters."""
    external_id: str = ""
    """Your own id of the customer; unique among your customers. Empty when not given."""
    given_name: str = ""
    """At most 255 characters."""
    family_name: str = ""
    """At most 255 characters."""
    email: str = ""
    """An address with one "@", at most 255 characters."""
    phone: str = ""
    """At most 255 characters."""
    language_code: str = ""
    """The language for messages, BCP 47, for example "id". Empty: English."""
    default_payment_method_id: str = ""
    """The payment method to offer first. Empty when there is none."""
    create_time: datetime = EPOCH
    """When it was created."""
    update_time: datetime = EPOCH
    """When anything about it last changed."""
    delete_time: datetime | None = None
    """When it was deleted: personal data is erased, payments stay. Absent while it lives."""
    caller_id: str = ""
    """The caller that it belongs to."""


@model(decline_pb2.LocalizedText)
@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class LocalizedText(Model):
    """A text in one language."""

    locale: str = ""
    """BCP 47, for example "en" or "id"."""
    text: str = ""
    """Plain text, one or two sentences."""


@model(decline_pb2.Decline)
@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Decline(Model):
    """The reason of a decline, and the advice. An answer, not an error."""

    SUMMARY = ("reason", "retry_advice")

    reason: DeclineReason = DeclineReason.UNSPECIFIED
    """The reason to switch on."""
    fixer: DeclineFixer = DeclineFixer.UNSPECIFIED
    """The party that can fix it."""
    retry_advice: RetryAdvice = RetryAdvice.UNSPECIFIED
    """The advice about another attempt."""
    retry_after: timedelta | None = None
    """With RETRY_ADVICE_RETRY_LATER: the shortest wait. Absent otherwise. The bank's own advice code comes first.
    Without one, a soft decline of a merchant-initiated payment waits 2 days at least: Visa permits 15 attempts
    within 30 days.
    """
    customer_message: LocalizedText | None = None
    """The message for the customer, in the requested language (the request's language_code, else accept-language
    metadata, else the customer's own, else English). It never says "stolen" or "fraud".
    """
    customer_messages: tuple[LocalizedText, ...] = ()
    """The same text in every available language."""
    merchant_message: LocalizedText | None = None
    """The message for the people who run the shop, in the requested language. Not for customers."""


@model(dispute_pb2.DisputeEvidence)
@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class DisputeEvidence(Model):
    """One piece of evidence."""

    evidence_id: str = ""
    """The gateway's id of it."""
    text: str = ""
    """The text, where it is one."""
    file_name: str = ""
    """The file's name, where it is one."""
    create_time: datetime = EPOCH
    """When it was added."""
    send_time: datetime | None = None
    """When it was sent to the bank. Absent before FinalizeDispute."""


@model(dispute_pb2.Dispute)
@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Dispute(Model):
    """A claim of the customer's bank on a payment."""

    SUMMARY = ("dispute_id", "kind", "state", "amount", "reason", "reply_by_time")

    dispute_id: str = ""
    """Chosen by this service, "dis_" and 26 characters."""
    payment_id: str = ""
    """The disputed payment."""
    kind: DisputeKind = DisputeKind.UNSPECIFIED
    """Its kind."""
    state: DisputeState = DisputeState.UNSPECIFIED
    """Its state."""
    reason: DisputeReason = DisputeReason.UNSPECIFIED
    """Its reason."""
    amount: Money = NO_MONEY
    """The claimed amount."""
    receive_time: datetime = EPOCH
    """When the bank opened it."""
    reply_by_time: datetime | None = None
    """The deadline of the evidence. Absent if no reply is possible."""
    evidence: tuple[DisputeEvidence, ...] = ()
    """The evidence so far, oldest first."""
    create_time: datetime = EPOCH
    """When this service first recorded it."""
    update_time: datetime = EPOCH
    """When anything about it last changed."""
    case_number: str = ""
    """The bank's case number, for administrators."""
    reason_code: str = ""
    """The card network's reason code, for administrators."""
    pending_action: DisputeAction = DisputeAction.UNSPECIFIED
    """The answer whose outcome at the gateway is unknown. This service finds it out; until then other answers are
    refused. UNSPECIFIED: none.
    """
    next_check_time: datetime | None = None
    """When the gateway is asked next. Absent once the dispute has ended."""
    caller_id: str = ""
    """The caller that it belongs to."""


@model(merchant_account_pb2.MerchantAccount)
@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class MerchantAccount(Model):
    """One of the gateway's accounts of the merchant, for one currency. Payments choose it by its id."""

    merchant_account_id: str = ""
    """The gateway's id."""
    currency_code: str = ""
    """The currency for which it is in use here, ISO 4217."""
    default: bool = False
    """It takes the payments in its currency that name no account."""
    status: str = ""
    """In the gateway's word, for example "active". Empty: the gateway knows no such account."""
    problem: str = ""
    """The reason for which it takes no payment in this currency. Empty: it does."""
    three_d_secure: bool = False
    """It takes 3-D Secure in browsers."""
    instruments: tuple[InstrumentKind, ...] = ()
    """The kinds of card and wallet that its pages offer. Others that the gateway knows, such as bank accounts, are
    not listed.
    """
    card_brands: tuple[str, ...] = ()
    """The card brands, as the gateway names them, for example "Visa"."""


@model(movement_pb2.Movement)
@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Movement(Model):
    """One movement of money. It never changes once it is recorded: a correction is a movement of its own."""

    movement_id: str = ""
    """Its id, the same in every export."""
    move_time: datetime = EPOCH
    """When it happened, by the gateway's clock; where the gateway gives no time, when it was recorded. Of a payout,
    only the date is known: 12:00 UTC of that date, which is on that date in every time zone from UTC-12 to
    UTC+11.
    """
    record_time: datetime = EPOCH
    """When this service recorded it. Later than move_time where the gateway was asked later."""
    kind: MovementKind = MovementKind.UNSPECIFIED
    """The kind."""
    amount: Money = NO_MONEY
    """How much, in the payment's currency. Always positive: kind is the direction."""
    net_amount: Money = NO_MONEY
    """Its effect on the money that the merchant has from customers: the amount, positive or negative, or 0 for the
    kinds that only say where the money is. These add up: to captured - refunded - disputed.
    """
    payout_amount: Money | None = None
    """Of a payout: its effect on the merchant's bank account, in the currency of the merchant account, positive or
    negative. Fees are not deducted. Absent if the gateway does not say.
    """
    payment_id: str = ""
    """The payment."""
    reference: str = ""
    """The caller's order."""
    customer_id: str = ""
    """The customer, or empty."""
    operation_id: str = ""
    """The operation. Empty for a dispute."""
    dispute_id: str = ""
    """The dispute. Empty for anything else."""
    gateway_transaction_id: str = ""
    """The gateway's transaction: of a refund, that of the refund."""
    settlement_batch_id: str = ""
    """Of a settlement: the gateway's batch, which begins with its date. Empty if the gateway does not say."""
    merchant_account_id: str = ""
    """The gateway's merchant account, as in Payment."""
    brand: str = ""
    """The card brand or wallet."""
    last_four: str = ""
    """The last four digits, or empty."""
    caller_id: str = ""
    """The caller that it belongs to."""


@model(order_details_pb2.LineItem)
@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class LineItem(Model):
    """One line of the order (level 3 data), as on an itemized invoice. Texts have no control characters and nothing
    that looks like a card number; otherwise INVALID_REQUEST.
    """

    name: str = ""
    """The product. Required, 1 to 35 characters; otherwise INVALID_REQUEST."""
    kind: LineItemKind = LineItemKind.UNSPECIFIED
    """Default: DEBIT. An unknown value is INVALID_REQUEST."""
    quantity: str = ""
    """The number of units: a decimal above 0 and at most 2147483647 with up to four decimals, such as "2" or "0.75".
    Required; otherwise INVALID_REQUEST.
    """
    unit_amount: str = ""
    """The price of one unit without tax, in the payment's currency: a decimal above 0 and at most 2147483647 with up
    to four decimals, such as "9.9950". Required; otherwise INVALID_REQUEST.
    """
    total_amount: Money | None = None
    """quantity x unit_amount, rounded up or down to the currency's minor unit; otherwise INVALID_REQUEST. Without
    tax, and before discount_amount is taken off. Absent: rounded half up. Of a currency with three decimals, the
    gateway takes two in every amount of a line.
    """
    unit_tax_amount: Money | None = None
    """The tax on one unit, 0 or more. Absent: not said. On a line without a discount, quantity x unit_tax_amount has
    to be tax_amount, but for roundings; otherwise INVALID_REQUEST.
    """
    tax_amount: Money | None = None
    """The tax on the line, 0 or more. Absent: not said. If each line has one, they and shipping_tax_amount add up to
    the order's tax_amount; otherwise INVALID_REQUEST.
    """
    discount_amount: Money | None = None
    """The discount on the line, 0 to total_amount. Absent: not said. The order's discount_amount includes it;
    otherwise INVALID_REQUEST.
    """
    unit_of_measure: str = ""
    """The unit, such as "kg" or "each". At most 12 characters. Optional."""
    product_code: str = ""
    """Your code of the product (SKU). At most 12 characters. Optional."""
    commodity_code: str = ""
    """The commodity code, usually of UNSPSC. At most 12 characters. Optional."""
    description: str = ""
    """More about the product. At most 127 characters. Optional."""
    upc_code: str = ""
    """The universal product code, 6 to 17 letters and digits. Only with upc_type; otherwise INVALID_REQUEST.
    Optional.
    """
    upc_type: str = ""
    """The form of upc_code: UPC-A, UPC-B, UPC-C, UPC-D, UPC-E, UPC-2 or UPC-5; otherwise INVALID_REQUEST. Only with
    upc_code.
    """
    url: str = ""
    """The product's page, for PayPal: an http or https address of at most 255 characters. Optional. INVALID_REQUEST
    with a capture.
    """
    image_url: str = ""
    """The product's picture, for PayPal: an http or https address of at most 1,024 characters. Optional."""


@model(order_details_pb2.OrderDetails)
@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class OrderDetails(Model):
    """The order behind a payment: level 2 data (tax_amount or tax_exempt, purchase_order_number) and level 3 data
    (the rest and a shipping address), for which the networks lower the fees of corporate and purchasing cards.
    Nothing here changes the amount that is charged. All amounts are in the payment's currency. With line items,
    the sums must agree to the minor unit: line items + tax_amount + shipping_amount - discount_amount = amount;
    otherwise INVALID_REQUEST, and nothing is recorded. Without line items, tax_amount + shipping_amount -
    discount_amount must not exceed the amount.
    """

    tax_amount: Money | None = None
    """The tax in the amount, including that on shipping: 0 to amount; otherwise INVALID_REQUEST. Level 2 needs it,
    unless tax_exempt is set. Absent: not said.
    """
    tax_exempt: bool = False
    """The order is exempt from tax. Together with a tax, also one on shipping or on a line, it is INVALID_REQUEST.
    Default: false.
    """
    purchase_order_number: str = ""
    """The buyer's purchase order number, 1 to 17 characters of plain ASCII; otherwise INVALID_REQUEST. Level 2 needs
    it.
    """
    shipping_amount: Money | None = None
    """The shipping cost in the amount, without its tax: 0 to 21,474,836.47; otherwise INVALID_REQUEST. Level 3 needs
    it. Absent: not said.
    """
    shipping_tax_amount: Money | None = None
    """The part of tax_amount that is on shipping: 0 to tax_amount; otherwise INVALID_REQUEST. Absent: not said."""
    discount_amount: Money | None = None
    """The discount that was taken off, including those of line items: 0 to 21,474,836.47; otherwise INVALID_REQUEST.
    Level 3 needs it. Absent: not said.
    """
    ships_from_postal_code: str = ""
    """The postal code that the goods are shipped from, up to nine letters and digits, with spaces and hyphens
    between; otherwise INVALID_REQUEST. Level 3 needs it.
    """
    line_items: tuple[LineItem, ...] = ()
    """The lines of the order, at most 249; otherwise INVALID_REQUEST. Level 3 needs them."""


@model(payment_pb2.GatewayDetails)
@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class GatewayDetails(Model):
    """The gateway's answer, word by word. For administrators, never for customers."""

    transaction_id: str = ""
    """The gateway's id of the transaction."""
    status: str = ""
    """The gateway's status of the transaction when last seen, for example "submitted_for_settlement"."""
    processor_response_code: str = ""
    """The processor's code, for example "2001"."""
    processor_response_text: str = ""
    """The processor's text."""
    additional_processor_response: str = ""
    """The answer of the bank beyond that, often a code and a text."""
    gateway_rejection_reason: str = ""
    """The gateway's own reason of a refusal, for example "cvv"."""
    avs_postal_code_response: str = ""
    """The result of comparing the postal code."""
    avs_street_address_response: str = ""
    """The result of comparing the street."""
    cvv_response: str = ""
    """The result of comparing the security code."""
    merchant_advice_code: str = ""
    """The card network's advice about another attempt."""
    network_transaction_id: str = ""
    """The card network's id of the transaction."""
    validation_code: str = ""
    """The validation code, where the gateway refused the request."""
    three_d_secure: ThreeDSecureResult | None = None
    """The result of 3-D Secure. Absent if there was none."""
    risk_check: RiskCheck | None = None
    """The result of the gateway's risk check. Absent if it had no device data and nothing to object to."""
    mastercard_transaction_link_id: str = ""
    """Mastercard's transaction link id. Empty with other brands."""


@model(payment_pb2.RiskCheck)
@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class RiskCheck(Model):
    """The result of the gateway's own risk check (fraud protection)."""

    risk_check_id: str = ""
    """The gateway's id of the check."""
    decision: str = ""
    """The decision in the gateway's word, for example "Approve", "Review", "Decline" or "Not Evaluated"."""
    device_data_captured: bool = False
    """Whether the device data arrived."""
    score: int | None = None
    """The score, 0 to 99: higher is riskier. Absent if the gateway gives none."""
    decision_reasons: tuple[str, ...] = ()
    """The reasons in the gateway's words. May be empty."""
    provider: str = ""
    """The checking service, for example "fraud_protection"."""


@model(payment_pb2.Operation)
@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Operation(Model):
    """One step of a payment: one call to the gateway."""

    SUMMARY = ("operation_id", "kind", "state", "amount", "create_time")

    operation_id: str = ""
    """Chosen by this service; also the order id at the gateway."""
    kind: OperationKind = OperationKind.UNSPECIFIED
    """Its kind."""
    state: OperationState = OperationState.UNSPECIFIED
    """Its state."""
    amount: Money = NO_MONEY
    """The amount. For a capture or refund without an amount: all that was left."""
    request_id: str = ""
    """The request that started it. Empty if somebody else made it at the gateway."""
    create_time: datetime = EPOCH
    """When it was requested."""
    finish_time: datetime | None = None
    """When its outcome was recorded. Absent while SCHEDULED or STARTED."""
    next_check_time: datetime | None = None
    """While SCHEDULED or STARTED: the next look at the gateway. Absent afterwards."""
    settle_time: datetime | None = None
    """When its money settled. Absent before, and if it moves none."""
    decline: Decline | None = None
    """With DECLINED: the reason and the advice."""
    failure_reason: FailureReason = FailureReason.UNSPECIFIED
    """With FAILED: the reason."""
    failure_detail: str = ""
    """With FAILED: one sentence for the people who run the shop. May be empty."""
    gateway_details: GatewayDetails | None = None
    """The gateway's answer."""
    note: str = ""
    """Why the caller asked for it (a refund's or void's reason). May be empty."""
    origin: OperationOrigin = OperationOrigin.UNSPECIFIED
    """The sender."""
    gateway_transaction_id: str = ""
    """The gateway's id of the transaction that holds its effect. Empty until it succeeded."""
    order_details: OrderDetails | None = None
    """Of a capture: as given with CapturePayment. In lists and events without line items. Absent if none was given."""


@model(payment_pb2.StatementDescriptor)
@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class StatementDescriptor(Model):
    """The text on the customer's bank statement. The gateway's rules apply."""

    name: str = ""
    """Company name of 3, 7 or 12 characters, an asterisk, then the product, 22 characters in all, for example
    "BYR*SHOES". Letters, digits, . + - and spaces; otherwise INVALID_REQUEST. Default: the merchant account's
    own.
    """
    phone: str = ""
    """Exactly 10 digits, 10 to 14 characters: besides digits only - ( ) . and space; otherwise INVALID_REQUEST.
    Default: the merchant account's own.
    """
    url: str = ""
    """1 to 13 characters of plain ASCII without spaces; otherwise INVALID_REQUEST. Default: the merchant account's
    own.
    """


@model(payment_pb2.Payment)
@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Payment(Model):
    """One payment with everything that happened to it."""

    SUMMARY = ("payment_id", "state", "amount", "reference", "create_time")

    payment_id: str = ""
    """Chosen by this service, "pay_" and 26 characters. Sorts by creation."""
    reference: str = ""
    """The caller's own order, as given."""
    customer_id: str = ""
    """The customer, or empty for a guest."""
    amount: Money = NO_MONEY
    """The requested amount."""
    state: PaymentState = PaymentState.UNSPECIFIED
    """Its state."""
    funds: PaymentFunds = PaymentFunds.UNSPECIFIED
    """The location of the money."""
    capture_mode: CaptureMode = CaptureMode.UNSPECIFIED
    """When the money is captured."""
    authorized_amount: Money = NO_MONEY
    """The authorized amount, as AdjustAuthorization changed it last. Without a change it is less than amount only if
    the bank approved a part.
    """
    captured_amount: Money = NO_MONEY
    """The amount captured so far."""
    capturable_amount: Money = NO_MONEY
    """The amount that CapturePayment can still take."""
    refunded_amount: Money = NO_MONEY
    """The amount refunded so far."""
    refund_pending_amount: Money = NO_MONEY
    """The amount of refunds under way or scheduled."""
    disputed_amount: Money = NO_MONEY
    """The amount claimed by disputes, which cannot be refunded."""
    refundable_amount: Money = NO_MONEY
    """The amount that RefundPayment can still return: captured - refunded - refunds under way - disputed."""
    instrument: Instrument | None = None
    """The card or wallet that paid."""
    payment_method_id: str = ""
    """The stored payment method that paid, or that was stored with this payment. Empty when there is none."""
    decline: Decline | None = None
    """With DECLINED or SETTLEMENT_DECLINED: the reason and the advice."""
    failure_reason: FailureReason = FailureReason.UNSPECIFIED
    """With FAILED: the reason."""
    operations: tuple[Operation, ...] = ()
    """Every step, oldest first."""
    create_time: datetime = EPOCH
    """When it was created."""
    update_time: datetime = EPOCH
    """When anything about it last changed."""
    next_check_time: datetime | None = None
    """While an outcome is unknown or a refund is scheduled: the next look at the gateway. Absent otherwise."""
    authorization_expire_time: datetime | None = None
    """While something is capturable: when the authorization runs out, as the gateway says. Absent when it does not
    say.
    """
    billing_address: Address | None = None
    """As given."""
    statement_descriptor: StatementDescriptor | None = None
    """As given."""
    metadata: dict[str, str] = field(default_factory=dict, hash=False)
    """As given."""
    gateway_details: GatewayDetails | None = None
    """The gateway's answer to the authorization."""
    settle_time: datetime | None = None
    """When everything captured had settled. Absent before."""
    disburse_time: datetime | None = None
    """When the money was paid out to the shop. Absent before."""
    settlement_amount: Money | None = None
    """The amount paid out, in the currency of the shop's account. Absent before."""
    warnings: tuple[MerchantWarning, ...] = ()
    """Records that the gateway refused and the payment was made without. Mostly empty."""
    three_d_secure: ThreeDSecureResult | None = None
    """The result of 3-D Secure: whether the cardholder was authenticated, and whether liability for fraud shifted to
    the bank. Absent if there was none.
    """
    three_d_secure_policy: ThreeDSecurePolicy = ThreeDSecurePolicy.UNSPECIFIED
    """The policy that applied: the request's, or else the service's rule for the currency and amount. Never
    UNSPECIFIED.
    """
    sca_exemption: ScaExemption = ScaExemption.UNSPECIFIED
    """As given."""
    initiator: PaymentInitiator = PaymentInitiator.UNSPECIFIED
    """The party that started it. Never UNSPECIFIED."""
    series_position: SeriesPosition = SeriesPosition.UNSPECIFIED
    """The place in its series. UNSPECIFIED for a payment of no series."""
    shipping_address: Address | None = None
    """As given."""
    shipping_method: ShippingMethod = ShippingMethod.UNSPECIFIED
    """As given."""
    order_details: OrderDetails | None = None
    """As given, with each line's total_amount. In lists and events without line items: GetPayment has them. Absent
    if none was given.
    """
    skipped_checks: tuple[PaymentCheck, ...] = ()
    """The checks that it went without, as asked for. Mostly empty."""
    guest: GuestContact | None = None
    """As given. Personal data: encrypted at rest, and absent once erased."""
    merchant_account_id: str = ""
    """The gateway's merchant account that takes it: as given, or else the default of its currency at that time.
    Empty for payments of service versions that did not keep it.
    """
    caller_id: str = ""
    """The caller that it belongs to."""


@model(payment_pb2.PaymentEvent)
@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class PaymentEvent(Model):
    """One entry of a payment's history."""

    SUMMARY = ("sequence", "type", "amount", "event_time", "summary")

    event_id: str = ""
    """Unique."""
    payment_id: str = ""
    """The payment."""
    sequence: int = 0
    """1, 2, 3 ... within the payment."""
    type: PaymentEventType = PaymentEventType.UNSPECIFIED
    """Its type."""
    event_time: datetime = EPOCH
    """Its time."""
    actor: str = ""
    """The author: a caller's id with the credential that it used ("shop/key_01j..."), "bayar" for the service
    itself, or "gateway" for somebody else who acted at the gateway. Of an operator: "shop/operator Siti Rahayu".
    """
    operation_id: str = ""
    """The operation concerned, or empty."""
    operation_kind: OperationKind = OperationKind.UNSPECIFIED
    """The kind of that operation."""
    amount: Money | None = None
    """The amount. Absent if there is none."""
    state: PaymentState = PaymentState.UNSPECIFIED
    """The payment's state after it."""
    summary: str = ""
    """One English sentence: the event and its reason."""
    gateway_details: GatewayDetails | None = None
    """The gateway's answer, for administrators."""
    on_behalf: OnBehalf | None = None
    """With an operator's act, on the event that begins it: the operator, the caller and the reason."""


@model(payment_initiator_pb2.ExternalVault)
@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ExternalVault(Model):
    """A card that is kept in another vault than the gateway's."""

    previous_network_transaction_id: str = ""
    """The network transaction id (scheme transaction id) of the series' first payment, as that vault's processor
    gave it: 9 to 15 letters, digits and spaces; otherwise INVALID_REQUEST. Required for a LATER payment with a
    card or nonce; with FIRST it is INVALID_REQUEST, as each previous id is with a credential of one customer.
    """
    previous_mastercard_transaction_link_id: str = ""
    """Mastercard's transaction link id of that payment, 22 letters, digits, - and _; otherwise INVALID_REQUEST. Only
    together with previous_network_transaction_id, and for Mastercard's cards. Optional.
    """
    will_vault: bool = False
    """The card will be kept in another vault after this payment. Default: false. Together with a previous id or
    LATER it is INVALID_REQUEST.
    """


@model(payment_method_pb2.Verification)
@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Verification(Model):
    """The bank's verification of a card, without taking money."""

    approved: bool = False
    """Whether the bank approved."""
    cvv: CheckResult = CheckResult.UNSPECIFIED
    """The security code."""
    postal_code: CheckResult = CheckResult.UNSPECIFIED
    """The postal code."""
    street_address: CheckResult = CheckResult.UNSPECIFIED
    """The street address."""
    decline: Decline | None = None
    """If not approved: the reason and the advice."""
    processor_response_code: str = ""
    """The processor's code, for administrators."""
    three_d_secure: ThreeDSecureResult | None = None
    """The result of 3-D Secure. Absent if there was none."""
    amount: Money | None = None
    """The amount that the bank was asked about, mostly 0. Absent if the gateway does not say."""
    merchant_account_id: str = ""
    """The merchant account that asked. Empty if the gateway does not say."""


@model(payment_method_pb2.PaymentMethod)
@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class PaymentMethod(Model):
    """A card or wallet stored at the gateway for a customer. Paying with it needs no card data."""

    SUMMARY = ("payment_method_id", "state", "instrument", "expiry_status")

    payment_method_id: str = ""
    """Chosen by this service, "pm_" and 26 characters."""
    customer_id: str = ""
    """The customer it belongs to."""
    state: PaymentMethodState = PaymentMethodState.UNSPECIFIED
    """Its state."""
    instrument: Instrument | None = None
    """Its displayable part."""
    default: bool = False
    """The one to offer the customer first. Exactly one of a customer's ACTIVE methods is."""
    expiry_status: ExpiryStatus = ExpiryStatus.UNSPECIFIED
    """Whether its expiry date is near."""
    duplicate_of_payment_method_id: str = ""
    """Another stored method of this customer that is the same card. Empty when there is none."""
    verification: Verification | None = None
    """The bank's verification when it was added with verify. Absent without verify."""
    billing_address: Address | None = None
    """As given."""
    create_time: datetime = EPOCH
    """When it was added."""
    update_time: datetime = EPOCH
    """When anything about it last changed."""
    next_check_time: datetime | None = None
    """With PENDING: the next look at the gateway. Absent otherwise."""
    failure_detail: str = ""
    """With FAILED: one sentence that says why. May be empty."""
    warnings: tuple[MerchantWarning, ...] = ()
    """Records that the gateway refused and the method was stored without. Mostly empty."""
    consents: tuple[PaymentInitiator, ...] = ()
    """The kinds of merchant-initiated payment that the customer agreed to. A FIRST payment of another kind with this
    method adds that kind. Empty: none is checked, unless consents_withdrawn.
    """
    consents_withdrawn: bool = False
    """The customer withdrew every consent: each LATER payment of the merchant is refused with this method."""
    network_transaction_id: str = ""
    """The card network's id of the payment or verification in which the customer agreed. It is sent with later
    payments of the merchant by itself. Empty until there was one.
    """
    mastercard_transaction_link_id: str = ""
    """Mastercard's transaction link id of the same payment or verification. It is sent likewise. Empty until there
    was one.
    """
    caller_id: str = ""
    """The caller that it belongs to."""


@model(payment_summary_pb2.Total)
@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Total(Model):
    """A number of things, and the sum of their amounts."""

    count: int = 0
    """How many."""
    amount: Money = NO_MONEY
    """The sum, in the currency of the summary."""


@model(payment_summary_pb2.PaymentStateTotal)
@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class PaymentStateTotal(Model):
    """The payments in one state."""

    state: PaymentState = PaymentState.UNSPECIFIED
    """The state that they are in now."""
    total: Total = Total()
    """Their number, and the amounts that were asked for."""


@model(payment_summary_pb2.DeclineTotal)
@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class DeclineTotal(Model):
    """The declined payments of one reason."""

    reason: DeclineReason = DeclineReason.UNSPECIFIED
    """Why they were declined."""
    total: Total = Total()
    """Their number, and the amounts that were asked for."""


@model(payment_summary_pb2.MovementTotal)
@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class MovementTotal(Model):
    """The movements of one kind."""

    kind: MovementKind = MovementKind.UNSPECIFIED
    """The kind, as in ExportMovements."""
    total: Total = Total()
    """Their number, and their amounts, which are positive."""


@model(payment_summary_pb2.PaymentSummary)
@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class PaymentSummary(Model):
    """Payments, disputes and movements of money of one day and currency."""

    SUMMARY = ("date", "currency_code", "attempted_count", "approved_count", "declined_count")

    date: str = ""
    """The day, such as "2026-11-30", in the time zone of the request."""
    currency_code: str = ""
    """ISO 4217."""
    states: tuple[PaymentStateTotal, ...] = ()
    """The payments that were created on the day, by the state that they are in now. States without payments are left
    out.
    """
    attempted_count: int = 0
    """The number of payments created on the day: the sum of the states."""
    approved_count: int = 0
    """Those that were authorized, whatever became of them later. The approval rate is approved_count out of
    approved_count and declined_count: pending and failed payments have no answer of the customer's bank.
    """
    declined_count: int = 0
    """Those that were declined."""
    declines: tuple[DeclineTotal, ...] = ()
    """The declined ones, by reason. Reasons without payments are left out."""
    disputes_opened: Total = Total()
    """The disputes that take money and were opened on the day, by the gateway's time."""
    disputes_won: Total = Total()
    """The disputes that were won on the day."""
    disputes_lost: Total = Total()
    """The disputes that were lost, accepted, or expired on the day."""
    movements: tuple[MovementTotal, ...] = ()
    """The movements of money of the day, each at its own time, by kind: the sums of ExportMovements. Kinds without
    movements are left out.
    """
    awaiting_settlement_amount: Money = NO_MONEY
    """On its way to you at the end of the day, or now: captured, and not settled yet."""
    awaiting_payout_amount: Money = NO_MONEY
    """Settled, and not paid out to your bank yet."""
    refunds_awaiting_settlement_amount: Money = NO_MONEY
    """On its way back to customers at the end of the day, or now: refunded, and not settled yet."""
    refunds_awaiting_payout_amount: Money = NO_MONEY
    """Refunded and settled, and not deducted from a payout yet."""


@model(three_d_secure_pb2.ExternalAuthentication)
@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ExternalAuthentication(Model):
    """The result of an authentication by another provider than the gateway ("pass-through")."""

    eci: str = ""
    """The electronic commerce indicator (ECI), "00" to "07". Required; otherwise INVALID_REQUEST. 05 and 02 say that
    the cardholder was authenticated, 06 and 01 that it was attempted, 07 and 00 that it was neither. Mastercard
    gives 00, 01, 02 and 04 (data only); Visa, American Express, Discover, Diners Club and JCB give 05, 06 and 07:
    another one than those of the card's brand is INVALID_REQUEST.
    """
    cavv: str = ""
    """The cardholder authentication verification value (CAVV, AAV or AEVV), base64 or hexadecimal as the provider
    gave it, 1 to 255 characters of plain ASCII. Required; otherwise INVALID_REQUEST. Never stored.
    """
    xid: str = ""
    """The transaction id of version 1 (XID), 1 to 255 characters of plain ASCII. Required with version 1; otherwise
    INVALID_REQUEST. American Express uses it with version 2, too.
    """
    directory_server_transaction_id: str = ""
    """The directory server's transaction id of version 2, at most 255 characters of plain ASCII. Mastercard requires
    it: without it, version 2 of a Mastercard is INVALID_REQUEST. So it is with version 1.
    """
    version: str = ""
    """The version of the protocol, for example "2.2.0". Required: 1 or 2 with one or two further numbers; otherwise
    INVALID_REQUEST.
    """
    authentication_response: str = ""
    """The authentication response (PARes or transaction status): one of Y N U A C R. Optional. Only Y goes with 05
    and 02, only A with 06 and 01, and neither with the others; otherwise INVALID_REQUEST. So are C and R with
    version 1. N, R and C are a failed authentication: AUTHENTICATION_REQUIRED.
    """
    directory_response: str = ""
    """The directory server's response (VERes or enrollment): one of Y N U A C R. Optional. Payments only: otherwise
    INVALID_REQUEST. So are N, U, A and R with 05 and 02; N, U and R with 06 and 01 from version 2 on; A with the
    others; and A, C and R with version 1. From version 2 on it counts as the authentication response where that
    is absent.
    """
    cavv_algorithm: str = ""
    """The algorithm of the CAVV: one of 0 1 2 3 A. Optional. Payments only: otherwise INVALID_REQUEST."""


@model(three_d_secure_pb2.ThreeDSecure)
@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ThreeDSecure(Model):
    """3-D Secure of one payment or payment method. What the gateway's own browser component authenticated is in the
    nonce: then nothing of this is needed. With a stored PayPal or Venmo account or Apple Pay card, an
    authentication or exemption is INVALID_REQUEST; so it is in the customer's absence, with MAIL_OR_TELEPHONE and
    LATER. A credential of one customer must not weaken the shop's rule: a weaker policy, external and exemption
    are INVALID_REQUEST with it.
    """

    policy: ThreeDSecurePolicy = ThreeDSecurePolicy.UNSPECIFIED
    """Whether authentication is needed. Default: the service's rule. An unknown value is INVALID_REQUEST, as is one
    weaker than the service's rule with a credential of one customer (for AddPaymentMethod: weaker than
    IF_OFFERED).
    """
    authentication_id: str = ""
    """The id that the gateway's browser component gave for the authentication, 1 to 255 characters of plain ASCII.
    For nonces and stored methods, not for a card as typed; otherwise INVALID_REQUEST. For AddPaymentMethod the
    nonce has to carry this authentication: with another one, or none, the method is DECLINED.
    """
    external: ExternalAuthentication | None = None
    """The result of another provider. With a nonce whose own authentication failed it is INVALID_REQUEST, as it is
    with a credential of one customer.
    """
    exemption: ScaExemption = ScaExemption.UNSPECIFIED
    """The exemption to ask the bank for. It stands in for an authentication that only the service's rule requires;
    with the policy REQUIRED in the same request, with an authentication in external, and in the customer's
    absence it is INVALID_REQUEST, as it is with a credential of one customer. Payments only. Default: none.
    """


@model(three_d_secure_pb2.ThreeDSecureResult)
@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ThreeDSecureResult(Model):
    """The result of 3-D Secure, as the gateway reports it."""

    status: ThreeDSecureStatus = ThreeDSecureStatus.UNSPECIFIED
    """The result."""
    gateway_status: str = ""
    """The gateway's own word for the result, for example "authenticate_successful"."""
    liability_shifted: bool = False
    """Whether liability for fraud shifted to the bank."""
    liability_shift_possible: bool = False
    """Whether liability could have shifted: the card and the bank take part."""
    eci: str = ""
    """The electronic commerce indicator, "00" to "07". Empty if there is none."""
    version: str = ""
    """The version of the protocol, for example "2.2.0". Empty if unknown."""
    enrolled: str = ""
    """Whether the card is enrolled: Y, N, U (unknown), B (bypassed). Empty if unknown."""
    directory_server_transaction_id: str = ""
    """The directory server's transaction id. Empty with version 1, and if there is none."""
    authentication_id: str = ""
    """The gateway's id of the authentication. Empty if there is none."""


@model(warning_pb2.MerchantWarning)
@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class MerchantWarning(Model):
    """A record that the gateway refused and the operation went on without. For the people who run the shop, never
    for customers.
    """

    reason: WarningReason = WarningReason.UNSPECIFIED
    """The reason to switch on."""
    gateway_code: str = ""
    """The gateway's validation code, for example "81604"."""
    message: str = ""
    """One English sentence: the omitted record, and the remedy."""


@model(admin_service_pb2.UnresolvedOperation)
@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class UnresolvedOperation(Model):
    """An operation whose outcome is unknown."""

    payment_id: str = ""
    """The payment."""
    operation: Operation = Operation()
    """The operation."""
    check_count: int = 0
    """The number of looks at the gateway since."""
    why: str = ""
    """Why it is still open, in one sentence."""
    caller_id: str = ""
    """The caller that it belongs to."""


@model(admin_service_pb2.Finding)
@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Finding(Model):
    """One finding of Reconcile."""

    kind: FindingKind = FindingKind.UNSPECIFIED
    """Its kind."""
    payment_id: str = ""
    """The payment, where there is one."""
    operation_id: str = ""
    """The operation, where there is one."""
    gateway_transaction_id: str = ""
    """The gateway's transaction, where there is one."""
    recorded_amount: Money | None = None
    """The amount here. Absent where there is none."""
    gateway_amount: Money | None = None
    """The amount at the gateway. Absent where there is none."""
    summary: str = ""
    """The finding in a sentence or two."""
    remedy: FindingRemedy = FindingRemedy.UNSPECIFIED
    """The call that corrects it."""


@model(admin_service_pb2.ReconcileProgress)
@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ReconcileProgress(Model):
    """The progress of Reconcile."""

    gateway_transaction_count: int = 0
    """Transactions of the gateway compared so far."""
    operation_count: int = 0
    """Operations of this service compared so far."""
    finding_count: int = 0
    """Findings so far."""
    done: bool = False
    """Whether this is the end."""
    orphan_count: int = 0
    """Orphans so far that REVERSE can reverse, reversed ones included."""
    reversed_count: int = 0
    """Orphans reversed so far."""


@model(admin_service_pb2.SettlementGroup)
@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class SettlementGroup(Model):
    """The movements that are added up together."""

    date: str = ""
    """The day, such as "2026-11-30", by the gateway's calendar."""
    stage: SettlementStage = SettlementStage.UNSPECIFIED
    """The stage."""
    merchant_account_id: str = ""
    """The gateway's merchant account."""
    currency_code: str = ""
    """ISO 4217."""
    refunds: bool = False
    """Whether it holds refunds. False: captures."""


@model(admin_service_pb2.SettlementTotals)
@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class SettlementTotals(Model):
    """The sums of one group. Amounts are positive."""

    group: SettlementGroup | None = None
    """The group."""
    recorded_amount: Money = NO_MONEY
    """The sum here."""
    recorded_count: int = 0
    """The number of transactions here."""
    gateway_amount: Money = NO_MONEY
    """The sum at the gateway."""
    gateway_count: int = 0
    """The number of transactions at the gateway."""
    agrees: bool = False
    """Whether both sums and both numbers are equal."""


@model(admin_service_pb2.SettlementDifference)
@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class SettlementDifference(Model):
    """One transaction that one side has and the other has not, or that they have differently."""

    kind: SettlementDifferenceKind = SettlementDifferenceKind.UNSPECIFIED
    """Its explanation."""
    group: SettlementGroup | None = None
    """The group in whose sums it is."""
    gateway_transaction_id: str = ""
    """The gateway's transaction. Empty for UNEXPLAINED."""
    payment_id: str = ""
    """The payment, where there is one."""
    recorded_amount: Money | None = None
    """The amount here. Absent where there is none."""
    gateway_amount: Money | None = None
    """The amount at the gateway. Absent where there is none."""
    summary: str = ""
    """The explanation in a sentence or two."""
    remedy: FindingRemedy = FindingRemedy.UNSPECIFIED
    """The call that corrects it."""
    needs_attention: bool = False
    """Whether somebody has to act. False for OTHER_DAY and FOREIGN."""


@model(admin_service_pb2.ExportRow)
@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ExportRow(Model):
    """One row of ExportPayments: an operation."""

    payment_id: str = ""
    """The payment."""
    reference: str = ""
    """The caller's order."""
    customer_id: str = ""
    """The customer, or empty."""
    operation_id: str = ""
    """The operation."""
    kind: OperationKind = OperationKind.UNSPECIFIED
    """The kind of movement."""
    operation_state: OperationState = OperationState.UNSPECIFIED
    """Where the operation stands."""
    amount: Money = NO_MONEY
    """How much. Refunds and voids are positive here too; kind is the direction."""
    create_time: datetime = EPOCH
    """When it was asked for."""
    settle_time: datetime | None = None
    """When it settled. Absent before."""
    payment_state: PaymentState = PaymentState.UNSPECIFIED
    """The payment's state."""
    brand: str = ""
    """The card brand or wallet."""
    last_four: str = ""
    """The last four digits, or empty."""
    gateway_transaction_id: str = ""
    """The gateway's transaction."""
    caller_id: str = ""
    """The caller that it belongs to."""
    initiator: PaymentInitiator = PaymentInitiator.UNSPECIFIED
    """The party that started the payment. Never UNSPECIFIED."""
    series_position: SeriesPosition = SeriesPosition.UNSPECIFIED
    """The place in its series. UNSPECIFIED for a payment of no series."""
    three_d_secure: ThreeDSecureResult | None = None
    """The result of the payment's 3-D Secure. Absent if there was none."""
    merchant_account_id: str = ""
    """The gateway's merchant account, as in Payment."""
    three_d_secure_policy: ThreeDSecurePolicy = ThreeDSecurePolicy.UNSPECIFIED
    """The 3-D Secure policy that applied to the payment. Never UNSPECIFIED."""
    sca_exemption: ScaExemption = ScaExemption.UNSPECIFIED
    """The exemption from authentication that the payment asked the bank for. UNSPECIFIED: none."""
    order_details: OrderDetails | None = None
    """The order: tax, purchase order number, shipping and discount, without line items. Of a capture that has its
    own, the capture's; otherwise the payment's. Absent if none was given.
    """
    skipped_checks: tuple[PaymentCheck, ...] = ()
    """The checks of the gateway that the payment went without. Mostly empty."""
    risk_check: RiskCheck | None = None
    """The result of the gateway's own risk check of the payment. Absent if there was none."""
    network_transaction_id: str = ""
    """The card network's id of the operation's transaction. Empty if there is none."""


@model(admin_service_pb2.WebhookNotification)
@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class WebhookNotification(Model):
    """A webhook of the gateway. Only ids of its content are stored."""

    notification_id: str = ""
    """The digest of what was sent: 64 hexadecimal digits. A repeat is not stored again."""
    kind: str = ""
    """The gateway's name of its kind, such as "dispute_opened"."""
    state: WebhookNotificationState = WebhookNotificationState.UNSPECIFIED
    """Its state."""
    outcome: WebhookNotificationOutcome = WebhookNotificationOutcome.UNSPECIFIED
    """Its outcome."""
    event_time: datetime | None = None
    """The time of the event at the gateway. Absent if the gateway does not say."""
    receive_time: datetime = EPOCH
    """When it first came."""
    finish_time: datetime | None = None
    """When it was processed or given up. Absent before."""
    attempt_count: int = 0
    """The number of attempts."""
    next_attempt_time: datetime | None = None
    """When it is tried next. Absent unless PENDING."""
    last_error: str = ""
    """The error of the last attempt. Empty if none failed."""
    gateway_transaction_ids: tuple[str, ...] = ()
    """The gateway's transactions that it is about."""
    gateway_dispute_id: str = ""
    """The gateway's dispute that it is about, or empty."""


@model(admin_service_pb2.AbuseBlock)
@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class AbuseBlock(Model):
    """A velocity limit that was reached: until end_time, CreatePayment and AddPaymentMethod are refused with
    TOO_MANY_DECLINES.
    """

    block_id: str = ""
    """Its id."""
    caller_id: str = ""
    """The caller whose payments are blocked."""
    scope: AbuseScope = AbuseScope.UNSPECIFIED
    """The kind of subject that is blocked."""
    subject: str = ""
    """The customer's or caller's id, the address or network, or the last four digits of the card."""
    counts_cards: bool = False
    """True: too many different cards. False: too many declines and verifications."""
    limit: int = 0
    """The limit that was reached."""
    create_time: datetime = EPOCH
    """The start of the block."""
    end_time: datetime = EPOCH
    """The end of the block, unless more declines extend it. A lifted block ended when it was lifted."""


@model(admin_service_pb2.EventEndpoint)
@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class EventEndpoint(Model):
    """An endpoint of event webhooks, from BAYAR_EVENT_WEBHOOKS_FILE."""

    name: str = ""
    """Its name there."""
    caller_id: str = ""
    """The caller whose events it receives."""
    position: int = 0
    """Everything up to this position of the feed was received or given up."""
    behind: int = 0
    """The number of later positions in the feed, whether for this endpoint or not."""
    failing_since_time: datetime | None = None
    """The first failure of the next event. Absent if it has not failed."""
    attempt_count: int = 0
    """The number of its failures."""
    last_error: str = ""
    """The error of the last attempt. Empty if it did not fail."""
    next_attempt_time: datetime | None = None
    """When it is tried next. Absent before the first attempt."""
    success_time: datetime | None = None
    """When an event was last received. Absent if none was."""
    dead_count: int = 0
    """The number of dead letters."""


@model(admin_service_pb2.EventDelivery)
@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class EventDelivery(Model):
    """An event outside the endpoint's regular order."""

    event_id: str = ""
    """The event."""
    position: int = 0
    """Its position in the feed."""
    state: EventDeliveryState = EventDeliveryState.UNSPECIFIED
    """Its state."""
    reason: str = ""
    """The reason."""
    change_time: datetime = EPOCH
    """When it entered this state."""


@model(event_pb2.PaymentChange)
@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class PaymentChange(Model):
    """A change of a payment, with what happened."""

    event: PaymentEvent = PaymentEvent()
    """The history entry."""
    payment: Payment = Payment()
    """The payment after it."""


@model(event_pb2.Event)
@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Event(Model):
    """One entry of the feed."""

    SUMMARY = ("position", "type", "event_id", "event_time")

    position: int = 0
    """Its position in the one feed of all changes. Grows; gaps are possible."""
    event_id: str = ""
    """Unique."""
    type: EventType = EventType.UNSPECIFIED
    """The kind of resource that changed."""
    event_time: datetime = EPOCH
    """When."""
    actor: str = ""
    """Who: a caller's id with the credential that it used ("shop/key_01j..."), or "bayar" for the service itself. Of
    an operator: "shop/operator Siti Rahayu".
    """
    customer_id: str = ""
    """The customer it is about, or empty."""
    payload_version: int = 0
    """The version of the payload's meaning; 1 now."""
    payment_change: PaymentChange | None = None
    """With PAYMENT_CHANGED."""
    customer: Customer | None = None
    """With CUSTOMER_CHANGED. Without default_payment_method_id: which one is the default, payment methods tell."""
    payment_method: PaymentMethod | None = None
    """With PAYMENT_METHOD_CHANGED."""
    dispute: Dispute | None = None
    """With DISPUTE_CHANGED."""
    checkout: Checkout | None = None
    """With CHECKOUT_CHANGED. Without its url."""
    on_behalf: OnBehalf | None = None
    """With an operator's act, on the event that begins it: the operator, the caller and the reason."""
    caller_id: str = ""
    """The caller that it belongs to."""


@model(payment_method_service_pb2.PaymentConsents)
@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class PaymentConsents(Model):
    """The kinds of merchant-initiated payment that a customer agrees to."""

    initiators: tuple[PaymentInitiator, ...] = ()
    """MERCHANT_RECURRING, MERCHANT_INSTALLMENT, MERCHANT_UNSCHEDULED, each once; anything else is INVALID_REQUEST.
    Empty: the customer withdraws every consent, and each LATER payment of the merchant is refused with this
    method.
    """


@model(payment_service_pb2.PaymentSearchMatch)
@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class PaymentSearchMatch(Model):
    """A reason why a payment was found."""

    query_words: str = ""
    """The words of the query, in their normal form: lower case, without accents."""
    field: PaymentSearchField = PaymentSearchField.UNSPECIFIED
    """The field that has them."""
    metadata_key: str = ""
    """The key of the metadata. Empty for other fields."""


@model(payment_service_pb2.PaymentSearchHit)
@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class PaymentSearchHit(Model):
    """A payment that was found."""

    payment: Payment = Payment()
    """The payment, as ListPayments shows it."""
    matches: tuple[PaymentSearchMatch, ...] = ()
    """Why. Empty if there was only a filter."""


@model(payment_service_pb2.Difference)
@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Difference(Model):
    """One difference between the record and the gateway."""

    operation_id: str = ""
    """The operation concerned."""
    field: str = ""
    """The name of the fact, for example "status" or "amount"."""
    recorded: str = ""
    """The earlier value of the record."""
    at_gateway: str = ""
    """The gateway's value."""


@model(payment_service_pb2.VerifyPaymentResponse)
@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class PaymentVerification(Model):
    """The answer of VerifyPayment."""

    SUMMARY = ("outcome", "differences", "payment")

    payment: Payment = Payment()
    """The corrected payment."""
    outcome: VerificationOutcome = VerificationOutcome.UNSPECIFIED
    """The outcome."""
    differences: tuple[Difference, ...] = ()
    """The differences. Empty with MATCHES."""
    verify_time: datetime = EPOCH
    """When the gateway was asked."""


@model(payment_service_pb2.SummarizePaymentsResponse)
@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class PaymentSummaries(Model):
    """The answer of SummarizePayments."""

    summaries: tuple[PaymentSummary, ...] = ()
    """The days and currencies in which there was anything, or with money on its way, by day, then currency."""
    complete_from_time: datetime | None = None
    """While the service works through the payments from before an upgrade, or through all of them again: payments
    created before this time may be missing. Absent: the sums are complete.
    """
    uncounted_event_count: int = 0
    """The number of the newest changes that are not counted yet. Mostly 0."""


@model(payment_service_pb2.DeclineReasonEntry)
@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class DeclineReasonEntry(Model):
    """One row of the table of declines."""

    decline: Decline = Decline()
    """Reason, advice and texts, as a payment would carry them."""
    gateway_codes: tuple[str, ...] = ()
    """The gateway's codes that lead to it, for administrators."""
