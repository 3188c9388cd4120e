"""The search terms of a payment: each is a kind and a normalised value, such as "name:budi"."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC
from decimal import Decimal
from enum import Enum
from typing import Final

from application.search.normal_form import name_words, normalised, plain_decimal, reference_parts, words_of
from domain.customer import Customer
from domain.instrument import Instrument
from domain.money import Money
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
        return f"{self.kind.value}:{self.value}"


SearchTerms = Mapping[Term, frozenset[FoundIn]]


def entry_value(key: str, value: str) -> str:
    """The value of the term for a metadata entry as a whole."""
    return f"{normalised(key)}={normalised(value)}"


def terms_of(payment: Payment, customer: Customer | None) -> SearchTerms:
    """All terms of a payment, each with the fields that it stands in.

    customer: the payment's own, None to leave out that record.
    """
    found: defaultdict[Term, set[FoundIn]] = defaultdict(set)
    for where, kind, value in _terms(payment, customer):
        if value:
            found[Term(kind, value)].add(FoundIn(where))
    for key, text in payment.terms.metadata.items():
        for term in _metadata_terms(key, text):
            if term.value:
                found[term].add(FoundIn(SearchField.METADATA, key))
    return {term: frozenset(places) for term, places in found.items()}


_Found = tuple[SearchField, TermKind, str]


def _terms(payment: Payment, customer: Customer | None) -> Iterator[_Found]:
    terms = payment.terms
    yield SearchField.PAYMENT_ID, TermKind.ID, terms.payment_id
    yield SearchField.CUSTOMER_ID, TermKind.ID, terms.customer_id or ""
    yield SearchField.REFERENCE, TermKind.REFERENCE, normalised(terms.reference)
    for part in reference_parts(terms.reference):
        yield SearchField.REFERENCE, TermKind.REFERENCE_PART, part
    created = payment.create_time.astimezone(UTC)
    yield SearchField.DAY, TermKind.DAY, f"{created:%Y-%m-%d}"
    yield SearchField.DAY, TermKind.DAY, f"{created:%Y-%m}"
    yield from _amount(terms.amount)
    for operation in payment.operations:
        yield SearchField.OPERATION_ID, TermKind.ID, operation.operation_id
        yield from _amount(operation.amount)
        yield SearchField.GATEWAY_TRANSACTION_ID, TermKind.TRANSACTION_ID, normalised(operation.transaction_id)
        if operation.details.transaction_id != operation.transaction_id:
            reported = normalised(operation.details.transaction_id)
            yield SearchField.GATEWAY_TRANSACTION_ID, TermKind.REPORTED_TRANSACTION_ID, reported
        network_id = normalised(operation.details.network_transaction_id)
        yield SearchField.NETWORK_TRANSACTION_ID, TermKind.NETWORK_ID, network_id
    yield from _of_people(payment, customer)


def _of_people(payment: Payment, customer: Customer | None) -> Iterator[_Found]:
    terms = payment.terms
    names = [f"{one.given_name} {one.family_name} {one.company}" for one in (terms.guest, terms.billing_address)]
    names.append(f"{terms.shipping_address.given_name} {terms.shipping_address.family_name}")
    emails = [terms.guest.email]
    if payment.instrument is not None:
        names.append(payment.instrument.cardholder_name)
        emails.append(_email_of(payment.instrument))
        yield SearchField.LAST_FOUR, TermKind.LAST_FOUR, payment.instrument.last_four
    if customer is not None:
        names.append(f"{customer.given_name} {customer.family_name}")
        emails.append(customer.email)
        yield SearchField.EXTERNAL_ID, TermKind.EXTERNAL_ID, normalised(customer.external_id)
    for name in names:
        for word in name_words(name):
            yield SearchField.NAME, TermKind.NAME, word
    for email in map(normalised, emails):
        yield SearchField.EMAIL, TermKind.EMAIL, email
        yield SearchField.EMAIL, TermKind.EMAIL_NAME, email.partition("@")[0]


def _email_of(instrument: Instrument) -> str:
    """PayPal names its accounts by the payer's email."""
    return instrument.account if "@" in instrument.account else ""


def _amount(amount: Money) -> Iterator[_Found]:
    yield SearchField.AMOUNT, TermKind.AMOUNT, plain_decimal(Decimal(amount.to_decimal()))
    yield SearchField.AMOUNT, TermKind.CURRENCY, amount.currency_code


def _metadata_terms(key: str, text: str) -> Iterator[Term]:
    words = words_of(text)
    for word in words[:MAX_WORDS]:
        yield Term(TermKind.METADATA_WORD, word)
    whole = normalised(text)
    if words != [whole]:
        yield Term(TermKind.METADATA_VALUE, whole)
    yield Term(TermKind.METADATA_ENTRY, entry_value(key, text))
