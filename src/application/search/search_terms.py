"""The search terms of a payment: each is a kind and a normalised value, such as "name:budi"."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from itertools import chain
from typing import Final

from application.ports.search import SearchedOperation, SearchedPayment
from application.search.normal_form import name_words, normalised, plain_decimal, reference_parts, words_of
from domain.customer import Customer
from domain.money import Money
from domain.operation import Operation
from domain.payment import Payment

# The version of the terms. Raise it when payments get other terms than before: the index is then built again.
TERMS_VERSION: Final = 1


class SearchField(Enum):
    """The part of a payment in which a search term was found."""

    PAYMENT_ID = "payment_id"
    OPERATION_ID = "operation_id"
    CUSTOMER_ID = "customer_id"
    EXTERNAL_ID = "external_id"
    GATEWAY_TRANSACTION_ID = "gateway_transaction_id"
    NETWORK_TRANSACTION_ID = "network_transaction_id"
    REFERENCE = "reference"
    NAME = "name"
    EMAIL = "email"
    METADATA = "metadata"
    AMOUNT = "amount"
    LAST_FOUR = "last_four"
    DAY = "day"


@dataclass(frozen=True, slots=True)
class FoundIn:
    """The field, and of metadata the key."""

    field: SearchField
    metadata_key: str = ""


class TermKind(Enum):
    """The kinds of terms. Digests of indexed ones are stored: their values never change meaning."""

    def __init__(self, value: str) -> None:
        # Of the term as a text. A look-up by an enum's member costs more than the rest of it.
        self.prefix: Final = f"{value}:"

    REFERENCE = "reference"
    REFERENCE_PART = "reference_part"
    NAME = "name"
    EMAIL = "email"
    EMAIL_NAME = "email_name"
    EXTERNAL_ID = "external_id"
    METADATA_WORD = "metadata_word"
    METADATA_VALUE = "metadata_value"
    METADATA_ENTRY = "metadata_entry"
    AMOUNT = "amount"
    LAST_FOUR = "last_four"
    NETWORK_ID = "network_id"
    # Of an operation without an effect, such as a decline.
    REPORTED_TRANSACTION_ID = "reported_transaction_id"
    # Not indexed: columns of their own find them.
    ID = "id"
    TRANSACTION_ID = "transaction_id"
    DAY = "day"
    CURRENCY = "currency"


NOT_INDEXED: Final = frozenset({TermKind.ID, TermKind.TRANSACTION_ID, TermKind.DAY, TermKind.CURRENCY})
# Words of one metadata value that are indexed. The whole value always is.
MAX_WORDS: Final = 20


@dataclass(frozen=True, slots=True)
class Term:
    kind: TermKind
    # Often a name or an email address.
    value: str = field(repr=False)

    @property
    def is_indexed(self) -> bool:
        return self.kind not in NOT_INDEXED

    def __str__(self) -> str:
        return self.kind.prefix + self.value


SearchTerms = Mapping[Term, frozenset[FoundIn]]


def entry_value(key: str, value: str) -> str:
    """The value of the term for a metadata entry as a whole."""
    return f"{normalised(key)}={normalised(value)}"


def contents_of(payment: Payment, customer: Customer | None) -> SearchedPayment:
    """The searched parts of a payment. customer: the payment's own, None to leave out that record."""
    terms, instrument = payment.terms, payment.instrument
    names = [f"{one.given_name} {one.family_name} {one.company}" for one in (terms.guest, terms.billing_address)]
    names.append(f"{terms.shipping_address.given_name} {terms.shipping_address.family_name}")
    emails = [terms.guest.email]
    if instrument is not None:
        names.append(instrument.cardholder_name)
        emails.append(email_of_account(instrument.account))
    if customer is not None:
        names.append(f"{customer.given_name} {customer.family_name}")
        emails.append(customer.email)
    return SearchedPayment(
        payment_id=terms.payment_id,
        caller_id=terms.caller_id,
        customer_id=terms.customer_id,
        create_time=payment.create_time,
        reference=terms.reference,
        amount=terms.amount,
        last_four=instrument.last_four if instrument is not None else "",
        operations=[_searched(operation) for operation in payment.operations],
        metadata=terms.metadata,
        names=names,
        emails=emails,
        external_id=customer.external_id if customer is not None else "",
    )


def email_of_account(account: str) -> str:
    """The email address by which PayPal names an account; empty for another account."""
    return account if "@" in account else ""


def terms_of(payment: SearchedPayment) -> SearchTerms:
    """All terms of a payment, each with the fields that it stands in."""
    found: defaultdict[Term, set[FoundIn]] = defaultdict(set)
    for where, kind, value in chain(_indexed(payment), _looked_up(payment)):
        if value:
            found[Term(kind, value)].add(FoundIn(where))
    for key, text in payment.metadata.items():
        for kind, value in _of_metadata(key, text):
            if value:
                found[Term(kind, value)].add(FoundIn(SearchField.METADATA, key))
    return {term: frozenset(places) for term, places in found.items()}


def indexed_terms(payment: SearchedPayment) -> frozenset[str]:
    """The terms of a payment that are indexed, each as a text."""
    found = {kind.prefix + value for _, kind, value in _indexed(payment) if value}
    for key, text in payment.metadata.items():
        found.update(kind.prefix + value for kind, value in _of_metadata(key, text) if value)
    return frozenset(found)


def _searched(operation: Operation) -> SearchedOperation:
    return SearchedOperation(
        operation.operation_id,
        operation.amount,
        operation.transaction_id,
        operation.details.transaction_id,
        operation.details.network_transaction_id,
    )


_Found = tuple[SearchField, TermKind, str]


def _indexed(payment: SearchedPayment) -> Iterator[_Found]:
    """Without the metadata. Some values are empty."""
    yield SearchField.REFERENCE, TermKind.REFERENCE, normalised(payment.reference)
    for part in reference_parts(payment.reference):
        yield SearchField.REFERENCE, TermKind.REFERENCE_PART, part
    for amount in _amounts(payment):
        yield SearchField.AMOUNT, TermKind.AMOUNT, _plain_amount(amount.minor_units, amount.currency_code)
    for operation in payment.operations:
        if operation.reported_transaction_id != operation.transaction_id:
            reported = normalised(operation.reported_transaction_id)
            yield SearchField.GATEWAY_TRANSACTION_ID, TermKind.REPORTED_TRANSACTION_ID, reported
        network_id = normalised(operation.network_transaction_id)
        yield SearchField.NETWORK_TRANSACTION_ID, TermKind.NETWORK_ID, network_id
    yield SearchField.LAST_FOUR, TermKind.LAST_FOUR, payment.last_four
    yield SearchField.EXTERNAL_ID, TermKind.EXTERNAL_ID, normalised(payment.external_id)
    # The payer, the cardholder and the recipient are often one person.
    for name in dict.fromkeys(payment.names):
        for word in name_words(name):
            yield SearchField.NAME, TermKind.NAME, word
    for email in map(normalised, payment.emails):
        yield SearchField.EMAIL, TermKind.EMAIL, email
        yield SearchField.EMAIL, TermKind.EMAIL_NAME, email.partition("@")[0]


def _looked_up(payment: SearchedPayment) -> Iterator[_Found]:
    """The terms that columns of their own find. Some values are empty."""
    yield SearchField.PAYMENT_ID, TermKind.ID, payment.payment_id
    yield SearchField.CUSTOMER_ID, TermKind.ID, payment.customer_id or ""
    created = payment.create_time.astimezone(UTC)
    yield SearchField.DAY, TermKind.DAY, f"{created:%Y-%m-%d}"
    yield SearchField.DAY, TermKind.DAY, f"{created:%Y-%m}"
    for amount in _amounts(payment):
        yield SearchField.AMOUNT, TermKind.CURRENCY, amount.currency_code
    for operation in payment.operations:
        yield SearchField.OPERATION_ID, TermKind.ID, operation.operation_id
        yield SearchField.GATEWAY_TRANSACTION_ID, TermKind.TRANSACTION_ID, normalised(operation.transaction_id)


def _amounts(payment: SearchedPayment) -> Iterable[Money]:
    """Each once: most operations have the payment's own."""
    return {payment.amount, *(operation.amount for operation in payment.operations)}


@lru_cache(maxsize=1024)
def _plain_amount(minor_units: int, currency_code: str) -> str:
    return plain_decimal(Decimal(Money(minor_units, currency_code).to_decimal()))


def _of_metadata(key: str, text: str) -> Iterator[tuple[TermKind, str]]:
    words = words_of(text)
    for word in words[:MAX_WORDS]:
        yield TermKind.METADATA_WORD, word
    whole = normalised(text)
    if words != [whole]:
        yield TermKind.METADATA_VALUE, whole
    yield TermKind.METADATA_ENTRY, entry_value(key, text)
