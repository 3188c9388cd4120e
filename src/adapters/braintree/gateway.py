"""The gateway port on Braintree's SDK. Every answer becomes a value, and so does every missing answer."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Any, Final, TypeAlias, TypeVar
from urllib.parse import quote

import braintree
from braintree.exceptions.authentication_error import AuthenticationError
from braintree.exceptions.authorization_error import AuthorizationError
from braintree.exceptions.not_found_error import NotFoundError
from braintree.exceptions.upgrade_required_error import UpgradeRequiredError

from adapters.braintree import merchant_accounts, params, settlement_batches, translate
from adapters.braintree.codes import refusals
from adapters.braintree.disputes import DisputeCalls, uploaded
from adapters.braintree.order_ids import UNMARKED, OrderIds
from adapters.braintree.sdk import client_token_answer, sdk_of
from adapters.braintree.settings import BraintreeSettings
from adapters.braintree.translate import described
from adapters.braintree.transport.circuit_breaker import UNOBSERVED, CallObserver, GatewayStats
from adapters.braintree.transport.connection import AnswerLost, RequestNotSent
from adapters.braintree.transport.lease_check import holding_lease
from adapters.braintree.transport.platform import MACHINE, Platform
from application.common.lease import Lease
from application.ports.gateway import (
    Adjust,
    Approved,
    Authorization,
    Capture,
    CustomerRefused,
    CustomerUnknown,
    DisputeOutcome,
    GatewayNotReached,
    GatewayRefused,
    GatewayRefusedCredentials,
    GatewayUnavailable,
    MethodChange,
    MethodNonce,
    NewMethod,
    Nonce,
    NonceDetails,
    Outcome,
    Refund,
    RefusalCause,
    Rejected,
    Stored,
    StoredInstrument,
    StoreOutcome,
    Transaction,
    TransactionUnreadable,
    Unknown,
    Unreadable,
    Void,
)
from application.ports.settlement_reports import BatchTotal
from domain.customer import Customer
from domain.dispute import DisputeReport
from domain.ids import CustomerId, OperationId
from domain.instrument import Card
from domain.merchant_account import MerchantAccount
from domain.warning import MerchantWarning, WarningReason

_log = logging.getLogger(__name__)

Ask: TypeAlias = Callable[[params.Params], object]
Answer = TypeVar("Answer")

# The maximum of ids in one search. The gateway answers it in pages of 50.
SEARCH_SIZE: Final = 500

_CUSTOMER_KNOWN: Final = "91609"
_TOKENS_IN_USE: Final = frozenset({"91719", "92906", "93503"})
# For some wallets, the gateway refuses a nonce together with a token of our choice.
_TOKEN_NOT_WELCOME: Final = frozenset({"91515", "91721"})
# A search returns at most this many transactions; more need searches over shorter windows.
_MAX_FOUND: Final = 20_000
_PAGE_SIZE: Final = 50
# The errors of the SDK's own classes for unexpected values. No failure of the transport is among them.
_PARSE_ERRORS: Final = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
_SHORTEST_WINDOW: Final = timedelta(seconds=2)
_NO_EFFECT: Final = (AuthenticationError, AuthorizationError, UpgradeRequiredError)


class BraintreeAdapter:
    """The gateway port, for one merchant. One instance for the process, shared by all threads."""

    def __init__(
        self,
        settings: BraintreeSettings,
        order_ids: OrderIds = UNMARKED,
        platform: Platform = MACHINE,
        observer: CallObserver = UNOBSERVED,
    ) -> None:
        self._sdk, self._transport = sdk_of(settings, platform, observer)
        self._order_ids = order_ids
        # The merchant accounts that may be used.
        self.accounts = settings.merchant_accounts
        # The accounts that turned out to take another currency than the key's, with the report of each.
        self._misnamed: dict[tuple[str, str], str] = {}
        self._keys = _RequestKeys(enabled=settings.use_api_request_key)
        self._credentials = _Credentials()
        self._disputes = DisputeCalls(self._sdk, order_ids)

    def close(self) -> None:
        """Closes idle connections; calls under way finish."""
        self._transport.close()

    @property
    def stats(self) -> GatewayStats:
        return self._transport.stats

    # Moving money

    def authorize(self, authorization: Authorization, lease: Lease) -> Outcome:
        currency_code = authorization.amount.currency_code
        merchant_account_id = authorization.merchant_account_id or self.accounts.default(currency_code)
        if not merchant_account_id:
            return Rejected(detail=f"no merchant account takes {currency_code}")
        misnamed = self._misnamed.get((merchant_account_id, currency_code))
        if misnamed is not None:
            return Rejected(detail=misnamed)

        order = {"order_id": self._order_ids.of(authorization.operation_id, authorization.reference)}

        def sell(key: params.Params) -> object:
            return self._sdk.transaction.sale(params.sale(authorization, merchant_account_id) | order | key)

        def sell_without_token(key: params.Params) -> object:
            key = {name: f"{value}-2" for name, value in key.items()}
            asked = params.sale(authorization, merchant_account_id, names_token=False)
            return self._sdk.transaction.sale(asked | order | key)

        def ask(key: params.Params) -> object:
            result = sell(key)
            names_token = authorization.store_as is not None and isinstance(authorization.source, Nonce)
            # The refusal had no effect, so this is the first request that can have one.
            if names_token and _TOKEN_NOT_WELCOME.intersection(translate.error_codes(result)):
                return sell_without_token(key)
            return result

        outcome = self._move(ask, _attempt_id(authorization.operation_id, authorization.attempt), lease)
        if isinstance(outcome, Approved) and outcome.transaction.amount.currency_code != currency_code:
            return self._take_back(outcome.transaction, authorization, merchant_account_id, lease)
        return outcome

    def _take_back(
        self, taken: Transaction, asked: Authorization, merchant_account_id: str, lease: Lease
    ) -> Rejected | Unknown:
        """The configured account has another currency: nobody agreed to the price that it took."""
        message = (
            f"merchant account {merchant_account_id} takes {taken.amount.currency_code}, not "
            f"{asked.amount.currency_code}: correct BAYAR_BRAINTREE_MERCHANT_ACCOUNTS and start again"
        )
        self._misnamed[merchant_account_id, asked.amount.currency_code] = message
        _log.error("%s; transaction %s is voided", message, taken.transaction_id)
        void = Void(operation_id=OperationId(f"{asked.operation_id}-void"), transaction_id=taken.transaction_id)
        try:
            voided = self.void(void, lease)
        except GatewayNotReached as failure:
            return Unknown(f"{message}; {failure}")
        return Rejected(detail=message) if isinstance(voided, Approved) else Unknown(message)

    def capture(self, capture: Capture, lease: Lease) -> Outcome:
        amount = capture.amount.to_decimal()

        def ask(key: params.Params) -> object:
            transactions, details = self._sdk.transaction, params.capture(capture)
            if capture.in_part:
                final: params.Params = {"final_capture": True} if capture.final else {}
                order_id = self._order_ids.of(capture.operation_id, capture.reference)
                options = {"order_id": order_id} | details | final | key
                return transactions.submit_for_partial_settlement(capture.transaction_id, amount, options)
            return transactions.submit_for_settlement(capture.transaction_id, amount, details | key)

        return self._move(ask, _attempt_id(capture.operation_id, capture.attempt), lease)

    def adjust(self, adjust: Adjust, lease: Lease) -> Outcome:
        # The call takes no api_request_key. It needs none: it sets an amount.
        def ask() -> Outcome:
            result = self._sdk.transaction.adjust_authorization(adjust.transaction_id, adjust.amount.to_decimal())
            if translate.SAME_AMOUNT in translate.error_codes(result):
                return self._adjusted_before(adjust)
            outcome = translate.adjust_outcome(result)
            return Approved(self._order_ids.named(outcome.transaction)) if isinstance(outcome, Approved) else outcome

        return self._act(ask, lease, Rejected(detail="the gateway knows no such transaction"))

    def _adjusted_before(self, adjust: Adjust) -> Outcome:
        """The transaction has the amount already: somebody else set it, and the record does not know."""
        found = self._read(self._sdk.transaction.find(adjust.transaction_id))
        return Approved(found) if found.amount == adjust.amount else Unknown("the gateway reports another amount")

    def void(self, void: Void, lease: Lease) -> Outcome:
        return self._move(lambda key: self._sdk.transaction.void(void.transaction_id, key), void.operation_id, lease)

    def refund(self, refund: Refund, lease: Lease) -> Outcome:
        def ask(key: params.Params) -> object:
            order_id = self._order_ids.of(refund.operation_id, refund.reference)
            options = {"amount": refund.amount.to_decimal(), "order_id": order_id} | key
            return self._sdk.transaction.refund(refund.transaction_id, options)

        return self._move(ask, refund.operation_id, lease)

    # Looking things up

    def find_transaction(self, transaction_id: str) -> Transaction | None:
        with self._query():
            try:
                found = self._sdk.transaction.find(transaction_id)
            except NotFoundError:
                return None
            try:
                return self._read(found)
            except Exception as failure:
                raise TransactionUnreadable(described(found, failure)) from failure

    def find_transactions(self, transaction_ids: Sequence[str]) -> list[Transaction]:
        found: list[Transaction] = []
        with self._query():
            for start in range(0, len(transaction_ids), SEARCH_SIZE):
                some = list(transaction_ids[start : start + SEARCH_SIZE])
                found += self._readable(self._search(braintree.TransactionSearch.ids.in_list(some)))
        return found

    def find_by_operation(self, operation_id: OperationId) -> list[Transaction]:
        # An unreadable one counts as an unanswered question: it must never look like absence.
        with self._query():
            order_id, has_mark = braintree.TransactionSearch.order_id, bool(self._order_ids.mark)
            found: list[Any] = []
            if not (has_mark and self._order_ids.shows_reference):
                found = self._search(order_id == self._order_ids.of(operation_id))
            if not found and has_mark:
                # With the reference in front, or as another version sent it: without, or without the mark.
                found = self._search(order_id.ends_with(operation_id))  # type: ignore[no-untyped-call]
            transactions = [self._read(item) for item in found]
        return [transaction for transaction in transactions if transaction.order_id == operation_id]

    def _read(self, item: Any) -> Transaction:
        return self._order_ids.named(translate.transaction(item))

    def _search(self, *criteria: Any) -> list[Any]:
        named = self._sdk.transaction.search(*criteria)
        found = list(named.items)
        if len(found) < len(named.ids):
            raise GatewayUnavailable("the search shows fewer transactions than it names")
        return found

    def _readable(self, items: list[Any]) -> Iterator[Transaction]:
        """Skips unreadable transactions, so that one does not hide the others."""
        for item in items:
            try:
                yield self._read(item)
            except Exception as failure:
                _log.error("gateway transaction %s cannot be read: %s", getattr(item, "id", ""), type(failure).__name__)

    def transactions_created(self, start: datetime, end: datetime) -> Iterator[Transaction | Unreadable]:
        return self._between(braintree.TransactionSearch.created_at, lambda one: one.create_time, start, end)

    def _between(
        self, field: Any, time_of: Callable[[Transaction], datetime | None], start: datetime, end: datetime
    ) -> Iterator[Transaction | Unreadable]:
        """The transactions whose field is a time from start until before end."""
        # The gateway's clock ticks in seconds, and a search includes both ends.
        with self._query():
            found = self._sdk.transaction.search(field.between(start, end))
            if len(found.ids) >= _MAX_FOUND and end - start > _SHORTEST_WINDOW:
                middle = start + (end - start) / 2
                # Released while the halves are read.
                del found
                yield from self._between(field, time_of, start, middle)
                yield from self._between(field, time_of, middle, end)
                return
            for one in self._one_by_one(found):
                time = None if isinstance(one, Unreadable) else time_of(one)
                if time is None or start <= time < end:
                    yield one

    def batch_totals(self, day: date) -> list[BatchTotal]:
        with self._query():
            return settlement_batches.totals(self._sdk, day)

    def transactions_in_batches(self, day: date) -> Iterator[Transaction | Unreadable]:
        # A batch's date is of the gateway's calendar, and the search is by time.
        start, end = settlement_batches.times_around(day)
        settled = self._between(
            braintree.TransactionSearch.settled_at, lambda one: one.standing.settle_time, start, end
        )
        return (one for one in settled if isinstance(one, Unreadable) or settlement_batches.is_in_batch_of(one, day))

    def transactions_paid_out(self, day: date) -> Iterator[Transaction | Unreadable]:
        start, end = settlement_batches.times_around(day)
        paid = self._between(
            braintree.TransactionSearch.disbursement_date, settlement_batches.payout_midnight, start, end
        )
        return (one for one in paid if isinstance(one, Unreadable) or one.standing.disburse_date == day)

    def _one_by_one(self, found: Any) -> Iterator[Transaction | Unreadable]:
        """The results of a search. The SDK fails on a whole page for one strange transaction: those of the page are
        then fetched one by one.
        """
        ids, count = list(found.ids), 0
        try:
            for item in found.items:
                count += 1
                yield self._read_or_describe(item)
        except _PARSE_ERRORS:
            page = count - count % _PAGE_SIZE
            for transaction_id in ids[page : page + _PAGE_SIZE]:
                yield from self._alone(transaction_id)
            rest = ids[page + _PAGE_SIZE :]
            for start in range(0, len(rest), SEARCH_SIZE):
                named = braintree.TransactionSearch.ids.in_list(rest[start : start + SEARCH_SIZE])
                yield from self._one_by_one(self._sdk.transaction.search(named))

    def _alone(self, transaction_id: str) -> Iterator[Transaction | Unreadable]:
        try:
            yield self._read_or_describe(self._sdk.transaction.find(transaction_id))
        except NotFoundError:
            return
        except _PARSE_ERRORS as failure:
            yield Unreadable(transaction_id, "", f"no transaction can be made of it ({type(failure).__name__})")

    def _read_or_describe(self, item: Any) -> Transaction | Unreadable:
        try:
            return self._read(item)
        except Exception as failure:
            order_id, _ = self._order_ids.read(translate.text(item, "order_id"))
            return Unreadable(translate.text(item, "id"), order_id, described(item, failure))

    # Customers and their stored methods

    def ensure_customer(self, customer: Customer, lease: Lease) -> MerchantWarning | None:
        identity, warning = {"id": customer.customer_id}, None
        with holding_lease(lease), self._query():
            result = self._sdk.customer.create(identity | params.person(customer))
            codes = translate.error_codes(result)
            if codes and _CUSTOMER_KNOWN not in codes:
                # The customer's details are optional: the payment must not fail for a phone number that the gateway
                # refuses.
                _log.warning(
                    "customer %s is stored at the gateway without details, which it refuses: %s",
                    customer.customer_id,
                    translate.refusal_text(result),
                )
                warning = MerchantWarning(WarningReason.CUSTOMER_DETAILS_LEFT_OUT, codes[0])
                result = self._sdk.customer.create(identity)
            self._expect_done(result, unless=_CUSTOMER_KNOWN)
        return warning

    def update_customer(self, customer: Customer, lease: Lease) -> None:
        with holding_lease(lease), self._query():
            try:
                result = self._sdk.customer.update(customer.customer_id, params.whole_person(customer))
            except NotFoundError:
                result = self._sdk.customer.create({"id": customer.customer_id} | params.person(customer))
            if _CUSTOMER_KNOWN not in translate.error_codes(result):
                refused = translate.refused_details(result)
                if refused:
                    raise CustomerRefused(refused)
                self._expect_done(result)

    def delete_customer(self, customer_id: CustomerId, lease: Lease) -> None:
        with holding_lease(lease), self._query():
            try:
                self._sdk.customer.delete(customer_id)
            except NotFoundError:
                return

    def store_method(self, method: NewMethod, lease: Lease) -> StoreOutcome:
        def ask() -> object:
            if isinstance(method.source, Card):
                return self._sdk.credit_card.create(params.new_card(method, method.source))
            return self._sdk.payment_method.create(params.new_wallet(method, method.source))

        outcome = self._store(ask, lease)
        if isinstance(outcome, _TokenInUse):
            return self._stored_before(method)
        return outcome

    def _stored_before(self, method: NewMethod) -> StoreOutcome:
        """Our own token is in use: an earlier attempt, whose answer was lost, stored the method."""
        try:
            kept = self.find_method(method.payment_method_id)
        except GatewayUnavailable as failure:
            return Unknown(str(failure))
        if kept is None or kept.customer_id != method.customer_id:
            return Rejected(detail="the token is in use for something else")
        return Stored(kept)

    def find_method(self, token: str) -> StoredInstrument | None:
        with self._query():
            try:
                return translate.stored_instrument(self._sdk.payment_method.find(token))
            except NotFoundError:
                return None

    def change_method(self, change: MethodChange, lease: Lease) -> StoreOutcome:
        outcome = self._store(
            lambda: self._sdk.payment_method.update(change.token, params.method_change(change)), lease
        )
        return Rejected(detail="the token is in use") if isinstance(outcome, _TokenInUse) else outcome

    def delete_method(self, token: str, lease: Lease) -> None:
        with holding_lease(lease), self._query():
            try:
                self._sdk.payment_method.delete(token)
            except NotFoundError:
                return

    def create_client_token(self, customer_id: CustomerId | None, merchant_account_id: str) -> str:
        options = {"customer_id": customer_id, "merchant_account_id": merchant_account_id}
        with self._query():
            given = {name: value for name, value in options.items() if value}
            answer = client_token_answer(self._sdk, given)
            if isinstance(answer, str):
                return answer
            codes = translate.error_codes(answer)
            unknown = refusals.cause_of(codes)[0] is RefusalCause.CUSTOMER_UNKNOWN
            raise (CustomerUnknown if unknown else GatewayRefused)(refusals.describe(codes))

    def create_method_nonce(self, token: str, lease: Lease) -> MethodNonce | None:
        with holding_lease(lease), self._query():
            try:
                answer = self._sdk.payment_method_nonce.create(token)
            except NotFoundError:
                return None
            return translate.method_nonce(answer.payment_method_nonce) if answer.is_success else None

    def describe_nonce(self, nonce: Nonce) -> NonceDetails | None:
        with self._query():
            try:
                return translate.nonce_details(self._sdk.payment_method_nonce.find(quote(nonce.value, safe="")))
            except NotFoundError:
                return None

    # Disputes

    def find_dispute(self, gateway_dispute_id: str) -> DisputeReport | None:
        with self._query():
            try:
                return self._disputes.find(gateway_dispute_id)
            except NotFoundError:
                return None

    def disputes_received(self, since: date) -> Iterator[DisputeReport]:
        with self._query():
            yield from self._disputes.received(since)

    def accept_dispute(self, gateway_dispute_id: str, lease: Lease) -> DisputeOutcome:
        return self._answer(lambda: self._disputes.accept(gateway_dispute_id), lease)

    def finalize_dispute(self, gateway_dispute_id: str, lease: Lease) -> DisputeOutcome:
        return self._answer(lambda: self._disputes.finalize(gateway_dispute_id), lease)

    def add_text_evidence(self, gateway_dispute_id: str, text: str, lease: Lease) -> DisputeOutcome:
        return self._answer(lambda: self._disputes.add_text(gateway_dispute_id, text), lease)

    def add_file_evidence(self, gateway_dispute_id: str, name: str, content: bytes, lease: Lease) -> DisputeOutcome:
        with holding_lease(lease):
            document = uploaded(lambda: self._disputes.upload(name, content), _description)
        if isinstance(document, Rejected):
            return document
        return self._answer(lambda: self._disputes.add_file(gateway_dispute_id, document), lease)

    def _answer(self, ask: Callable[[], DisputeOutcome], lease: Lease) -> DisputeOutcome:
        return self._act(ask, lease, Rejected(detail="the gateway knows no such dispute"))

    # Merchant accounts

    def discover_merchant_accounts(self) -> None:
        """Asks the gateway for the merchant accounts that may be used. Raises GatewayUnavailable."""
        with self._query():
            self.accounts = merchant_accounts.discover(self._sdk)

    def describe_merchant_accounts(self) -> list[MerchantAccount]:
        with self._query():
            return merchant_accounts.MerchantAccountCalls(self._sdk, self._transport).describe(self.accounts)

    # Translating results

    def _move(self, ask: Ask, operation_id: OperationId, lease: Lease) -> Outcome:
        """One call that moves money."""

        def move() -> Outcome:
            outcome = translate.outcome(self._keys.ask(ask, operation_id))
            return Approved(self._order_ids.named(outcome.transaction)) if isinstance(outcome, Approved) else outcome

        return self._act(move, lease, Rejected(detail="the gateway knows no such transaction"))

    def _store(self, ask: Callable[[], object], lease: Lease) -> StoreOutcome | _TokenInUse:
        def store() -> StoreOutcome | _TokenInUse:
            result = ask()
            if _TOKENS_IN_USE.intersection(translate.error_codes(result)):
                return _TokenInUse()
            return translate.store_outcome(result)

        unknown = "the gateway knows no such payment method or customer"
        return self._act(store, lease, Rejected(detail=unknown, cause=RefusalCause.METHOD_UNKNOWN))

    def _act(self, ask: Callable[[], Answer], lease: Lease, not_found: Rejected) -> Answer | Rejected | Unknown:
        """One call that changes something. Any failure once something may have been sent is Unknown."""
        try:
            with holding_lease(lease):
                return ask()
        except RequestNotSent as failure:
            raise GatewayNotReached(str(failure)) from failure
        except _NO_EFFECT as failure:
            raise self._credentials.refused(failure) from failure
        except NotFoundError:
            return not_found
        except Exception as failure:
            return Unknown(_description(failure))

    @contextmanager
    def _query(self) -> Iterator[None]:
        """A question changes nothing and may be repeated: every failure is GatewayUnavailable."""
        try:
            yield
        except (GatewayUnavailable, GatewayRefused):
            raise
        except RequestNotSent as failure:
            raise GatewayNotReached(str(failure)) from failure
        except _NO_EFFECT as failure:
            raise self._credentials.refused(failure) from failure
        except Exception as failure:
            raise GatewayUnavailable(_description(failure)) from failure

    def _expect_done(self, result: object, *, unless: str = "") -> None:
        codes = translate.error_codes(result)
        if getattr(result, "is_success", False) is not True and unless not in codes:
            raise GatewayUnavailable(translate.refusal_text(result))


class _TokenInUse:
    """The token of our choice already names a stored method."""


class _RequestKeys:
    """The operation id as api_request_key (idempotency key), until the gateway denies the merchant the feature."""

    def __init__(self, *, enabled: bool) -> None:
        self._enabled = enabled
        self._lock = threading.Lock()

    def ask(self, ask: Ask, operation_id: OperationId) -> object:
        if not self._enabled:
            return ask({})
        result = ask({"api_request_key": operation_id})
        if translate.REQUEST_KEY_NOT_ALLOWED not in translate.error_codes(result):
            return result
        self._do_without()
        return ask({})

    def _do_without(self) -> None:
        with self._lock:
            if self._enabled:
                self._enabled = False
                _log.warning(
                    "Braintree does not permit api_request_key for this merchant (915231): requests go without it"
                )


class _Credentials:
    """Logs refused credentials once, until the process ends."""

    def __init__(self) -> None:
        self._description = False
        self._lock = threading.Lock()

    def refused(self, failure: Exception) -> GatewayRefusedCredentials:
        with self._lock:
            if not self._description:
                self._description = True
                _log.error("Braintree refuses this merchant's credentials: %s", type(failure).__name__)
        return GatewayRefusedCredentials(type(failure).__name__)


def _attempt_id(operation_id: OperationId, attempt: int) -> OperationId:
    """The idempotency key of an attempt: one key stands for one content."""
    return OperationId(f"{operation_id}-again-{attempt}") if attempt > 1 else operation_id


def _description(failure: Exception) -> str:
    """The failure, without the text of errors that may repeat the request."""
    if isinstance(failure, AnswerLost):
        return str(failure)
    return f"no usable answer: {type(failure).__name__}"
