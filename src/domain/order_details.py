"""The order behind a payment: level 2 and level 3 data, for which networks lower the fees of corporate cards."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from enum import Enum
from typing import Final

from domain.money import Money

# The gateway takes two decimals at most in the amounts of a line item, in every currency.
LINE_DECIMALS: Final = 2


class LineItemKind(Enum):
    # It adds to the order.
    DEBIT = "debit"
    # It takes from the order.
    CREDIT = "credit"


class ShippingMethod(Enum):
    SAME_DAY = "same_day"
    NEXT_DAY = "next_day"
    PRIORITY = "priority"
    GROUND = "ground"
    ELECTRONIC = "electronic"
    SHIP_TO_STORE = "ship_to_store"
    PICKUP_IN_STORE = "pickup_in_store"


@dataclass(frozen=True, slots=True, kw_only=True)
class LineItem:
    """One line of the order. Empty and None mean not given.

    `quantity` and `unit_amount` are exact decimals with up to four digits after the point: a price of one unit can be
    finer than the currency's minor unit. The total is without tax and before the line's discount.
    """

    name: str
    quantity: str
    unit_amount: str
    total_amount: Money
    kind: LineItemKind = LineItemKind.DEBIT
    unit_tax_amount: Money | None = None
    tax_amount: Money | None = None
    discount_amount: Money | None = None
    unit_of_measure: str = ""
    product_code: str = ""
    commodity_code: str = ""
    description: str = ""
    upc_code: str = ""
    upc_type: str = ""
    url: str = ""
    image_url: str = ""

    def signed(self, amount: Money | None) -> Money:
        """The line's amount in the order: a credit takes it away. Nothing counts as zero."""
        given = amount or Money.zero(self.total_amount.currency_code)
        return given if self.kind is LineItemKind.DEBIT else Money(-given.minor_units, given.currency_code)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderDetails:
    """Parts of the payment's amount. Empty and None mean not given. The tax includes that on shipping."""

    tax_amount: Money | None = None
    tax_exempt: bool = False
    purchase_order_number: str = ""
    shipping_amount: Money | None = None
    shipping_tax_amount: Money | None = None
    discount_amount: Money | None = None
    ships_from_postal_code: str = ""
    line_items: tuple[LineItem, ...] = ()

    def items_amount(self, currency_code: str) -> Money:
        return Money.total((item.signed(item.total_amount) for item in self.line_items), currency_code)

    def items_tax(self, currency_code: str) -> Money | None:
        """The tax of all line items; None unless each line has one."""
        if not self.line_items or any(item.tax_amount is None for item in self.line_items):
            return None
        return Money.total((item.signed(item.tax_amount) for item in self.line_items), currency_code)

    def items_discount(self, currency_code: str) -> Money:
        return Money.total((item.signed(item.discount_amount) for item in self.line_items), currency_code)

    def total(self, currency_code: str) -> Money:
        """Line items + tax + shipping - discount."""
        nothing = Money.zero(currency_code)
        return (
            self.items_amount(currency_code)
            + (self.tax_amount or nothing)
            + (self.shipping_amount or nothing)
            - (self.discount_amount or nothing)
        )


def line_total(quantity: Decimal, unit_amount: Decimal, currency_code: str) -> Money:
    """quantity x unit_amount, rounded half up."""
    return _rounded(quantity * unit_amount, currency_code, ROUND_HALF_UP)


def is_line_total(total: Money, quantity: Decimal, unit_amount: Decimal) -> bool:
    """Whether the total is quantity x unit_amount, rounded up or down."""
    product, code = quantity * unit_amount, total.currency_code
    return _rounded(product, code, ROUND_FLOOR) <= total <= _rounded(product, code, ROUND_CEILING)


def is_line_tax(tax: Money, quantity: Decimal, unit_tax: Money) -> bool:
    """Whether the line's tax is quantity x the tax of one unit, which may be rounded itself by the smallest amount."""
    smallest = _smallest(tax.currency_code)
    return abs(quantity * unit_tax.minor_units - tax.minor_units) <= smallest * (quantity + 1)


def has_line_decimals(amount: Money) -> bool:
    """Whether the amount has few enough decimals for a line item."""
    return amount.minor_units % _smallest(amount.currency_code) == 0


def _rounded(number: Decimal, currency_code: str, rounding: str) -> Money:
    """Rounds to the currency's minor unit, and to no more decimals than a line item can have."""
    smallest = _smallest(currency_code)
    scaled = number.scaleb(Money.zero(currency_code).exponent) / smallest
    return Money(int(scaled.to_integral_value(rounding=rounding)) * smallest, currency_code)


def _smallest(currency_code: str) -> int:
    """The smallest amount in a line item, in minor units: 10 fils of KWD."""
    return int(10 ** max(0, Money.zero(currency_code).exponent - LINE_DECIMALS))
