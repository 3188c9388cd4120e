"""Searching customers, by what they are and by what the vault holds of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from braintree_twin.calls import Call
from braintree_twin.search.criteria import Texts, card_number, moment, one_of, text
from braintree_twin.search.paging import MOST_OTHERS
from braintree_twin.search.query import Criterion, id_column, list_column, time_column
from braintree_twin.search.steps import TwoSteps
from braintree_twin.state.records import Customer, PaymentMethod
from braintree_twin.views.customers import customer as customer_view

_OWN = ("first_name", "last_name", "company", "email", "phone", "fax", "website")
_PLACE = (
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


class _Vault:
    """What the store holds of a customer, looked up only when a criterion asks for it."""

    def __init__(self, call: Call) -> None:
        self._call = call

    def methods(self, customer: Customer) -> list[PaymentMethod]:
        return self._call.store.payment_methods.find(self._call.merchant.id, customer_id=customer.id)

    def places(self, name: str) -> Callable[[Customer], Texts]:
        def values(customer: Customer) -> Texts:
            addresses = self._call.store.addresses.find(self._call.merchant.id, customer_id=customer.id)
            billing = (method.billing for method in self.methods(customer))
            return [fields.get(name) for fields in (*(each.fields for each in addresses), *billing) if fields]

        return values

    def of_methods(self, told: Callable[[PaymentMethod], Iterable[str | None]]) -> Callable[[Customer], Texts]:
        return lambda customer: [value for method in self.methods(customer) for value in told(method)]


def _card(name: str) -> Callable[[PaymentMethod], Texts]:
    return lambda method: (method.card.get(name),) if method.card else ()


def _number(method: PaymentMethod) -> Texts:
    return (f"{method.card['bin']}|{method.card['last_4']}",) if method.card else ()


def _expiration(method: PaymentMethod) -> Texts:
    return (f"{method.card['expiration_month']}/{method.card['expiration_year']}",) if method.card else ()


def _email(method: PaymentMethod) -> Texts:
    return (method.wallet.get("email"),) if method.kind == "paypal_account" else ()


def _criteria(call: Call) -> dict[str, Criterion[Customer]]:
    vault = _Vault(call)

    def twins(customer: Customer) -> Texts:
        """Tokens of every method, of any customer, with the number of one of this customer's."""
        numbers = {method.unique_number_identifier for method in vault.methods(customer)} - {None}
        table = call.store.payment_methods
        found = [table.find(call.merchant.id, unique_number_identifier=number) for number in numbers]
        return [method.token for methods in found for method in methods]

    return {
        "id": Criterion(text, _field("id"), id_column("record_key")),
        "ids": Criterion(one_of, _field("id"), list_column("record_key")),
        "created_at": Criterion(moment, _field("created_at"), time_column("created_at")),
        **{name: Criterion(text, _field(name)) for name in _OWN},
        **{f"address_{name}": Criterion(text, vault.places(name)) for name in _PLACE},
        "cardholder_name": Criterion(text, vault.of_methods(_card("cardholder_name"))),
        "credit_card_number": Criterion(card_number, vault.of_methods(_number)),
        "credit_card_expiration_date": Criterion(text, vault.of_methods(_expiration)),
        "payment_method_token": Criterion(text, vault.of_methods(lambda method: (method.token,))),
        "payment_method_token_with_duplicates": Criterion(text, twins),
        "paypal_account_email": Criterion(text, vault.of_methods(_email)),
    }


SEARCH: TwoSteps[Customer] = TwoSteps(
    path="/customers",
    root="customers",
    tag="customer",
    limit=MOST_OTHERS,
    table=lambda store: store.customers,
    criteria=_criteria,
    key=lambda record: record.id,
    view=customer_view,
)
ROUTES = SEARCH.routes
