"""Validates the order behind a payment: each line item, and whether the sums agree with the amount."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from decimal import Decimal
from typing import Any, Final

from application.common.errors import Rule
from application.common.validator import RawMoney, Validator
from domain.currencies import EXPONENTS
from domain.money import Money
from domain.order_details import (
    LineItem,
    LineItemKind,
    OrderDetails,
    has_line_decimals,
    is_line_tax,
    is_line_total,
    line_total,
)

PATH: Final = "order_details"
MAX_LINE_ITEMS: Final = 249
MAX_PURCHASE_ORDER_NUMBER: Final = 17
# The gateway's limits, in units of any currency.
_MAX_NUMBER: Final = Decimal(2**31 - 1)
_MAX_SHIPPING_OR_DISCOUNT: Final = Decimal("21474836.47")
_FACTOR_DECIMALS: Final = 4
_DECIMAL: Final = re.compile(rf"[0-9]{{1,10}}(\.[0-9]{{1,{_FACTOR_DECIMALS}}})?", re.ASCII)
_PLAIN_ASCII: Final = re.compile("[ -~]*")
_URL: Final = re.compile("https?://[!-~]+")
_UPC: Final = re.compile("[A-Za-z0-9]{6,17}")
UPC_TYPES: Final = ("UPC-A", "UPC-B", "UPC-C", "UPC-D", "UPC-E", "UPC-2", "UPC-5")
_LENGTHS: Final = {"name": 35, "unit_of_measure": 12, "product_code": 12, "commodity_code": 12, "description": 127}
_URL_LENGTHS: Final = {"url": 255, "image_url": 1024}
_LINE_AMOUNTS: Final = ("unit_tax_amount", "tax_amount", "discount_amount")


@dataclass(frozen=True, slots=True, kw_only=True)
class RawLineItem:
    """A line item as the caller sent it. No kind: the caller sent an unknown one."""

    name: str = ""
    kind: LineItemKind | None = LineItemKind.DEBIT
    quantity: str = ""
    unit_amount: str = ""
    total_amount: RawMoney | None = None
    unit_tax_amount: RawMoney | None = None
    tax_amount: RawMoney | None = None
    discount_amount: RawMoney | None = None
    unit_of_measure: str = ""
    product_code: str = ""
    commodity_code: str = ""
    description: str = ""
    upc_code: str = ""
    upc_type: str = ""
    url: str = ""
    image_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RawOrderDetails:
    """A request's order details, unchecked."""

    tax_amount: RawMoney | None = None
    tax_exempt: bool = False
    purchase_order_number: str = ""
    shipping_amount: RawMoney | None = None
    shipping_tax_amount: RawMoney | None = None
    discount_amount: RawMoney | None = None
    ships_from_postal_code: str = ""
    line_items: tuple[RawLineItem, ...] = field(default=(), repr=False)


def check_order_details(
    validator: Validator, raw: RawOrderDetails, currency_code: str, *, of_capture: bool = False
) -> OrderDetails | None:
    """The details, without a look at the amount of which they are parts. None after a violation."""
    checker = _Checker(validator, currency_code, of_capture)
    return checker.details(raw)


def check_sums(validator: Validator, details: OrderDetails | None, amount: Money) -> None:
    """Adds a violation for each sum that does not agree with the amount."""
    if details is None:
        return
    code = amount.currency_code
    nothing = Money.zero(code)
    tax, discount = details.tax_amount or nothing, details.discount_amount or nothing
    if tax > amount:
        validator.add(f"{PATH}.tax_amount", Rule.AT_MOST, f"the amount, {amount.to_decimal()}")
    if (details.shipping_tax_amount or nothing) > tax:
        validator.add(f"{PATH}.shipping_tax_amount", Rule.AT_MOST, f"tax_amount, {tax.to_decimal()}")
    if details.items_discount(code) > discount:
        lines = details.items_discount(code).to_decimal()
        validator.add(f"{PATH}.discount_amount", Rule.NOT_BELOW, f"the line items' discounts together, {lines}")
    items_tax = details.items_tax(code)
    if items_tax is not None and details.tax_amount is not None:
        together = items_tax + (details.shipping_tax_amount or nothing)
        if together != tax:
            found = f"tax of the line items and of shipping is {together.to_decimal()}, tax_amount {tax.to_decimal()}"
            validator.add(f"{PATH}.tax_amount", Rule.ADDS_UP, found)
    total = details.total(code)
    if total > amount or (details.line_items and total != amount):
        validator.add(PATH, Rule.ADDS_UP, _sum(details, total, amount))


def order_details_fields(raw: RawOrderDetails | None) -> dict[str, object]:
    """The fields that replays must match. A line item's are named, so that later versions can add more."""
    if raw is None:
        return {}
    given: dict[str, object] = {}
    for one in fields(raw):
        if one.name != "line_items":
            given[f"{PATH}.{one.name}"] = getattr(raw, one.name)
    given[f"{PATH}.line_items"] = " ".join(repr(sorted(_given_fields(item))) for item in raw.line_items)
    return given


def order_details_texts(raw: RawOrderDetails | None) -> dict[str, str]:
    """All texts that are stored as the caller wrote them, by path."""
    if raw is None:
        return {}
    texts = {f"{PATH}.{name}": getattr(raw, name) for name in ("purchase_order_number", "ships_from_postal_code")}
    for place, item in enumerate(raw.line_items):
        for one in fields(item):
            value = getattr(item, one.name)
            if isinstance(value, str):
                texts[f"{PATH}.line_items[{place}].{one.name}"] = value
    return texts


def _given_fields(item: RawLineItem) -> Iterator[tuple[str, str]]:
    """The name and text of each field that is set and not its default."""
    for one in fields(item):
        value = getattr(item, one.name)
        if value not in (None, "", LineItemKind.DEBIT):
            yield one.name, value.value if isinstance(value, LineItemKind) else str(value)


def _sum(details: OrderDetails, total: Money, amount: Money) -> str:
    parts = [f"line items {details.items_amount(amount.currency_code).to_decimal()}"] if details.line_items else []
    for sign, name in (("+", "tax_amount"), ("+", "shipping_amount"), ("-", "discount_amount")):
        part = getattr(details, name)
        if part is not None:
            parts.append(f"{sign} {name} {part.to_decimal()}")
    return f"{' '.join(parts).removeprefix('+ ')} is {total.to_decimal()}, the amount {amount.to_decimal()}"


@dataclass(frozen=True, slots=True)
class _Checker:
    validator: Validator
    # Empty where the request's amount has no valid one.
    currency_code: str
    of_capture: bool

    def details(self, raw: RawOrderDetails) -> OrderDetails | None:
        known_violations = self.validator.count
        number = self.validator.plain_text(f"{PATH}.purchase_order_number", raw.purchase_order_number)
        if len(number) > MAX_PURCHASE_ORDER_NUMBER or not _PLAIN_ASCII.fullmatch(number):
            self.validator.add(f"{PATH}.purchase_order_number", Rule.PLAIN_ASCII, MAX_PURCHASE_ORDER_NUMBER)
        self.validator.postal_code(f"{PATH}.ships_from_postal_code", raw.ships_from_postal_code)
        if raw.tax_exempt:
            self._exempt(raw)
        if len(raw.line_items) > MAX_LINE_ITEMS:
            self.validator.add(f"{PATH}.line_items", Rule.MAX_ENTRIES, MAX_LINE_ITEMS)
            return None
        amounts = {
            "tax_amount": self._amount(f"{PATH}.tax_amount", raw.tax_amount),
            **{
                name: self._amount(f"{PATH}.{name}", getattr(raw, name), _MAX_SHIPPING_OR_DISCOUNT)
                for name in ("shipping_amount", "shipping_tax_amount", "discount_amount")
            },
        }
        items = [self._item(f"{PATH}.line_items[{place}]", item) for place, item in enumerate(raw.line_items)]
        if self.validator.count > known_violations or not self.currency_code:
            return None
        return OrderDetails(
            tax_exempt=raw.tax_exempt,
            purchase_order_number=raw.purchase_order_number,
            ships_from_postal_code=raw.ships_from_postal_code,
            line_items=tuple(item for item in items if item is not None),
            **amounts,
        )

    def _exempt(self, raw: RawOrderDetails) -> None:
        """An order without tax has none in any of its parts."""
        taxes = {"tax_amount": raw.tax_amount, "shipping_tax_amount": raw.shipping_tax_amount}
        for place, item in enumerate(raw.line_items):
            taxes |= {f"line_items[{place}].{name}": getattr(item, name) for name in ("tax_amount", "unit_tax_amount")}
        for name, amount in taxes.items():
            if amount is not None and amount.minor_units:
                self.validator.add(f"{PATH}.tax_exempt", Rule.CONTRADICTS, name)
                return

    def _item(self, path: str, raw: RawLineItem) -> LineItem | None:
        self._texts(path, raw)
        if raw.kind is None:
            self.validator.add(f"{path}.kind", Rule.KNOWN_VALUE)
        quantity = self._decimal(f"{path}.quantity", raw.quantity)
        unit_amount = self._decimal(f"{path}.unit_amount", raw.unit_amount)
        amounts: dict[str, Any] = {
            name: self._line_amount(f"{path}.{name}", getattr(raw, name)) for name in _LINE_AMOUNTS
        }
        total = self._line_amount(f"{path}.total_amount", raw.total_amount)
        if quantity is None or unit_amount is None or raw.kind is None or not self.currency_code:
            return None
        if raw.total_amount is None:
            total = self._line_total(path, quantity, unit_amount)
        if total is None:
            return None
        if not is_line_total(total, quantity, unit_amount):
            expected = line_total(quantity, unit_amount, self.currency_code).to_decimal()
            self.validator.add(f"{path}.total_amount", Rule.LINE_TOTAL, expected)
        discount = amounts["discount_amount"]
        if discount is not None and discount > total:
            self.validator.add(f"{path}.discount_amount", Rule.AT_MOST, f"total_amount, {total.to_decimal()}")
        self._line_tax(path, quantity, amounts)
        texts = {name: getattr(raw, name) for name in (*_LENGTHS, *_URL_LENGTHS, "upc_code", "upc_type")}
        return LineItem(
            kind=raw.kind,
            quantity=_plain(quantity),
            unit_amount=_plain(unit_amount),
            total_amount=total,
            **amounts,
            **texts,
        )

    def _line_tax(self, path: str, quantity: Decimal, amounts: Mapping[str, Money | None]) -> None:
        """A discount may lower the line's tax, and no unit's."""
        unit_tax, tax = amounts["unit_tax_amount"], amounts["tax_amount"]
        if unit_tax is None or tax is None or amounts["discount_amount"] or is_line_tax(tax, quantity, unit_tax):
            return
        found = f"unit_tax_amount {unit_tax.to_decimal()} x quantity {_plain(quantity)}, tax_amount {tax.to_decimal()}"
        self.validator.add(f"{path}.tax_amount", Rule.ADDS_UP, found)

    def _line_total(self, path: str, quantity: Decimal, unit_amount: Decimal) -> Money | None:
        """The default."""
        total = line_total(quantity, unit_amount, self.currency_code)
        if not total:
            self.validator.add(f"{path}.total_amount", Rule.POSITIVE)
            return None
        return total

    def _texts(self, path: str, raw: RawLineItem) -> None:
        for name, longest in _LENGTHS.items():
            text = getattr(raw, name)
            self.validator.plain_text(f"{path}.{name}", text, maximum=longest, required=name == "name")
        for name, longest in _URL_LENGTHS.items():
            address = self.validator.plain_text(f"{path}.{name}", getattr(raw, name), maximum=longest)
            if address and not _URL.fullmatch(address):
                self.validator.add(f"{path}.{name}", Rule.WEB_ADDRESS, longest)
        if raw.url and self.of_capture:
            self.validator.add(f"{path}.url", Rule.ONLY_FOR_PAYMENTS)
        self._upc(path, raw)

    def _upc(self, path: str, raw: RawLineItem) -> None:
        if raw.upc_code or raw.upc_type:
            self.validator.plain_text(f"{path}.upc_code", raw.upc_code)
            if not _UPC.fullmatch(raw.upc_code):
                self.validator.add(f"{path}.upc_code", Rule.UPC_CODE)
            if raw.upc_type not in UPC_TYPES:
                self.validator.add(f"{path}.upc_type", Rule.ONE_OF, ", ".join(UPC_TYPES))

    def _decimal(self, path: str, text: str) -> Decimal | None:
        number = Decimal(text) if _DECIMAL.fullmatch(text) else Decimal(0)
        if not text:
            self.validator.add(path, Rule.REQUIRED)
        elif not 0 < number <= _MAX_NUMBER:
            self.validator.add(path, Rule.DECIMAL, f"{_FACTOR_DECIMALS} decimals, above 0 and at most {_MAX_NUMBER}")
        else:
            return number
        return None

    def _line_amount(self, path: str, raw: RawMoney | None) -> Money | None:
        amount = self._amount(path, raw, _MAX_NUMBER)
        if amount is not None and not has_line_decimals(amount):
            self.validator.add(f"{path}.minor_units", Rule.LINE_DECIMALS, amount.currency_code)
            return None
        if amount is not None and not amount and path.endswith(".total_amount"):
            self.validator.add(f"{path}.minor_units", Rule.POSITIVE)
            return None
        return amount

    def _amount(self, path: str, raw: RawMoney | None, largest: Decimal | None = None) -> Money | None:
        if raw is None:
            return None
        if not self.currency_code:
            if raw.currency_code not in EXPONENTS:
                self.validator.add(f"{path}.currency_code", Rule.CURRENCY)
            return None
        if raw.currency_code != self.currency_code:
            self.validator.add(f"{path}.currency_code", Rule.CURRENCY_OF_PAYMENT, self.currency_code)
            return None
        amount = Money(raw.minor_units, raw.currency_code)
        if raw.minor_units < 0:
            self.validator.add(f"{path}.minor_units", Rule.ZERO_OR_MORE)
            return None
        if largest is not None and Decimal(amount.to_decimal()) > largest:
            self.validator.add(f"{path}.minor_units", Rule.AT_MOST, f"{self.currency_code} {largest:,}")
            return None
        return amount


def _plain(number: Decimal) -> str:
    """The number without an exponent and without zeros at its end."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
