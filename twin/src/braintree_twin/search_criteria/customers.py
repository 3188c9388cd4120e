"""The criteria of CustomerSearch: the customer's own fields, addresses and payment methods."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from braintree_twin.calls import Call
from braintree_twin.search.index_lookups import id_column, list_column, time_column
from braintree_twin.search.operators import Texts, card_number, one_of, text, timestamp
from braintree_twin.search.paging import MAX_OTHER_RESULTS
from braintree_twin.search.query import Criterion
from braintree_twin.search.two_step_search import TwoStepSearch
from braintree_twin.state.records import Customer, PaymentMethod
from braintree_twin.views.customers import customer as customer_view

_CUSTOMER_FIELDS = ("first_name", "last_name", "company", "email", "phone", "fax", "website")
_ADDRESS_FIELDS = (
    "first_name",
    "last_name",
    "street_address",
    "extended_address",
    "locality",
    "region",
    "postal_code",
    "country_name",
)


def _field(name: str) -> Callable[[Customer], Texts]:
    return lambda record: (getattr(record, name),)


class _CustomerVault:
    """Reads a customer's payment methods and addresses when a criterion needs them."""

    def __init__(self, call: Call) -> None:
        self._call = call

    def methods(self, customer: Customer) -> list[PaymentMethod]:
        return self._call.store.payment_methods.find(self._call.merchant.id, customer_id=customer.id)

    def address_values(self, name: str) -> Callable[[Customer], Texts]:
        def values(customer: Customer) -> Texts:
            addresses = self._call.store.addresses.find(self._call.merchant.id, customer_id=customer.id)
            billing = (method.billing for method in self.methods(customer))
            return [fields.get(name) for fields in (*(each.fields for each in addresses), *billing) if fields]

        return values

    def method_values(self, read: Callable[[PaymentMethod], Iterable[str | None]]) -> Callable[[Customer], Texts]:
        return lambda customer: [value for method in self.methods(customer) for value in read(method)]


def _card(name: str) -> Callable[[PaymentMethod], Texts]:
    return lambda method: (method.card.get(name),) if method.card else ()


def _number(method: PaymentMethod) -> Texts:
    return (f"{method.card['bin']}|{method.card['last_4']}",) if method.card else ()


def _expiration(method: PaymentMethod) -> Texts:
    return (f"{method.card['expiration_month']}/{method.card['expiration_year']}",) if method.card else ()


def _email(method: PaymentMethod) -> Texts:
    return (method.wallet.get("email"),) if method.kind == "paypal_account" else ()


def _criteria(call: Call) -> dict[str, Criterion[Customer]]:
    vault = _CustomerVault(call)

    def tokens_with_same_number(customer: Customer) -> Texts:
        """Tokens of payment methods, of any customer, that share a card number with this customer."""
        numbers = {method.unique_number_identifier for method in vault.methods(customer)} - {None}
        table = call.store.payment_methods
        found = [table.find(call.merchant.id, unique_number_identifier=number) for number in numbers]
        return [method.token for methods in found for method in methods]

    return {
        "id": Criterion(text, _field("id"), id_column("record_key")),
        "ids": Criterion(one_of, _field("id"), list_column("record_key")),
        "created_at": Criterion(timestamp, _field("created_at"), time_column("created_at")),
        **{name: Criterion(text, _field(name)) for name in _CUSTOMER_FIELDS},
        **{f"address_{name}": Criterion(text, vault.address_values(name)) for name in _ADDRESS_FIELDS},
        "cardholder_name": Criterion(text, vault.method_values(_card("cardholder_name"))),
        "credit_card_number": Criterion(card_number, vault.method_values(_number)),
        "credit_card_expiration_date": Criterion(text, vault.method_values(_expiration)),
        "payment_method_token": Criterion(text, vault.method_values(lambda method: (method.token,))),
        "payment_method_token_with_duplicates": Criterion(text, tokens_with_same_number),
        "paypal_account_email": Criterion(text, vault.method_values(_email)),
    }


SEARCH: TwoStepSearch[Customer] = TwoStepSearch(
    path="/customers",
    root="customers",
    tag="customer",
    limit=MAX_OTHER_RESULTS,
    table=lambda store: store.customers,
    criteria=_criteria,
    key=lambda record: record.id,
    view=customer_view,
)
ROUTES = SEARCH.routes
