"""Quotes of exchange rates, by made-up rates; the sandbox's own two quotes are answered as it answers them."""

from __future__ import annotations

from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal

from braintree_twin.calls import Call
from braintree_twin.clock import stamp
from braintree_twin.graphql_api.context import Fields, Info, InputFault, InvalidVariables, graph_of
from braintree_twin.ids import global_id
from braintree_twin.rules.money import canonical, exponent

QUOTE_LIFETIME, QUOTE_REFRESH = timedelta(hours=24), timedelta(hours=22)
# Units of a currency for one US dollar: made up, and the same every day.
RATES = {
    "USD": Decimal(1),
    "EUR": Decimal("0.92"),
    "GBP": Decimal("0.79"),
    "CAD": Decimal("1.36"),
    "AUD": Decimal("1.52"),
    "JPY": Decimal("150"),
    "SGD": Decimal("1.34"),
    "IDR": Decimal("15800"),
    "KWD": Decimal("0.307"),
    "INR": Decimal("83"),
    "BRL": Decimal("5"),
    "MXN": Decimal("17"),
}
# The quotes that the sandbox knows, with the request of each. It answers two quotes at least.
_SANDBOX_TIMES: Fields = {"expiresAt": "2021-06-16T02:00:00.000000Z", "refreshesAt": "2021-06-16T00:00:00.000000Z"}
SANDBOX_QUOTES: tuple[tuple[tuple[str, str, str, str], Fields], ...] = (
    (
        ("USD", "EUR", "12.19", "12.14"),
        {
            "id": "ZXhjaGFuZ2VyYXRlcXVvdGVfMDEyM0FCQw",
            "baseAmount": {"value": "12.19", "currencyCode": "USD"},
            "quoteAmount": {"value": "12.16", "currencyCode": "EUR"},
            "exchangeRate": "0.997316360864",
            "tradeRate": "0.01",
            **_SANDBOX_TIMES,
        },
    ),
    (
        ("EUR", "CAD", "15.16", "2.64"),
        {
            "id": "ZXhjaGFuZ2VyYXRlcXVvdGVfQUJDMDEyMw",
            "baseAmount": {"value": "15.16", "currencyCode": "EUR"},
            "quoteAmount": {"value": "23.30", "currencyCode": "CAD"},
            "exchangeRate": "1.536744692129366",
            "tradeRate": None,
            **_SANDBOX_TIMES,
        },
    ),
)
FEWEST_QUOTES = 2


def quote_rates(info: Info, *, input: Fields) -> Fields:
    """Answer the quotes in the order of the request, and fill up with the sandbox's own to two."""
    call = graph_of(info).require_keys()
    quotes = [_quote(call, number, asked) for number, asked in enumerate(input["quotes"])]
    others = [quote for _, quote in SANDBOX_QUOTES if quote not in quotes]
    return {"quotes": quotes + others[: max(0, FEWEST_QUOTES - len(quotes))]}


def _quote(call: Call, number: int, asked: Fields) -> Fields:
    base, quoted = (_currency(asked, number, name) for name in ("baseCurrency", "quoteCurrency"))
    known = dict(SANDBOX_QUOTES).get((base, quoted, str(asked.get("baseAmount")), str(asked.get("markup"))))
    if known:
        return known
    amount = Decimal(str(asked["baseAmount"])) if asked.get("baseAmount") is not None else Decimal(1)
    markup = Decimal(str(asked["markup"])) if asked.get("markup") is not None else Decimal(0)
    trade = RATES[quoted] / RATES[base]
    rate = trade * (1 + markup / 100)
    value = (amount * rate).quantize(Decimal(1).scaleb(-exponent(quoted)), ROUND_HALF_UP)
    now = call.clock.now()
    return {
        "id": global_id("exchangeratequote", call.ids.authorization_code()),
        "baseAmount": {"value": canonical(amount, base), "currencyCode": base},
        "quoteAmount": {"value": canonical(value, quoted), "currencyCode": quoted},
        "exchangeRate": f"{rate:.12f}",
        "tradeRate": f"{trade:.12f}",
        "expiresAt": stamp(now + QUOTE_LIFETIME),
        "refreshesAt": stamp(now + QUOTE_REFRESH),
    }


def _currency(asked: Fields, number: int, name: str) -> str:
    given = asked.get(name)
    path = ("input", "quotes", str(number), name)
    if given is None:
        message = f"Field '{name}' has coerced Null value for NonNull type 'CurrencyCodeAlpha!'"
        raise InvalidVariables([InputFault(message, "", path)])
    if given not in RATES:
        raise InvalidVariables([InputFault(f"{name} is none of {', '.join(sorted(RATES))}", "", path)])
    return str(given)
