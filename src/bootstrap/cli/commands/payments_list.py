"""bayar payments list: a table of payments."""

import argparse
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from rich.text import Text

from bayar.messages import BayarClient, DisputeState, Payment, PaymentFunds, PaymentState, format_money, money
from bootstrap.cli.terminal import formatting as words
from bootstrap.cli.terminal.acts import reaches_every_caller
from bootstrap.cli.terminal.connection import WrongUsage
from bootstrap.cli.terminal.listing import print_list
from bootstrap.cli.terminal.tables import Column
from bootstrap.cli.terminal.timestamps import Clock, in_zone


def list_payments(parsed: argparse.Namespace, bayar: BayarClient) -> int:
    clock = Clock(local=parsed.local)
    # The documents of --json name the caller anyway.
    several = not parsed.json and reaches_every_caller(bayar)
    return print_list(
        parsed,
        lambda page_size: _matching(parsed, bayar, page_size),
        _columns(clock, several=several),
        lambda payment: _row(payment, clock, several=several),
        noun="payment",
    )


def _matching(parsed: argparse.Namespace, bayar: BayarClient, page_size: int) -> Iterator[Payment]:
    return bayar.list_payments(page_size=page_size, **filter_of(parsed))


def filter_of(parsed: argparse.Namespace) -> dict[str, Any]:
    """The filter that the arguments give, as the client's keywords. Raises WrongUsage."""
    return {
        "customer_id": parsed.customer,
        "reference": parsed.reference,
        "reference_contains": parsed.contains,
        "states": [PaymentState.Value(f"PAYMENT_STATE_{name.upper()}") for name in parsed.state],
        "funds": [PaymentFunds.Value(f"PAYMENT_FUNDS_{name.upper()}") for name in parsed.funds],
        "dispute_states": [DisputeState.Value(f"DISPUTE_STATE_{name.upper()}") for name in parsed.dispute_state],
        "is_disputed": parsed.disputed,
        "created_from_time": _moment(parsed.created_from, parsed),
        "created_until_time": _moment(parsed.created_until, parsed),
        "currency_code": parsed.currency,
        "min_amount_minor_units": _minor_units(parsed.min, parsed.currency, "--min"),
        "max_amount_minor_units": _minor_units(parsed.max, parsed.currency, "--max"),
        "brand": parsed.brand,
        "last_four": parsed.last_four,
    }


def _moment(written: datetime | None, parsed: argparse.Namespace) -> datetime | None:
    return in_zone(written, local=parsed.local) if written else None


def _minor_units(written: str | None, currency: str, option: str) -> int:
    if written is None:
        return 0
    if not currency:
        raise WrongUsage(f"{option} needs --currency: {written} of what?")
    try:
        return money(written, currency).minor_units
    except ValueError as error:
        raise WrongUsage(f"{option}: {error}") from None


def _columns(clock: Clock, *, several: bool) -> list[Column]:
    return [
        Column(f"created ({clock.zone_name})", rank=3),
        Column("payment"),
        *([Column("caller", rank=1, shrinks=8)] if several else []),
        Column("reference", shrinks=12),
        Column("amount", "right"),
        Column("state"),
        Column("money is", rank=5),
        Column("paid with", rank=4),
        Column("captured", "right", rank=6),
        Column("refunded", "right", rank=2),
    ]


def _row(payment: Payment, clock: Clock, *, several: bool) -> list[Text | str]:
    refunded = payment.refunded_amount
    return [
        clock.minute(payment.create_time),
        payment.payment_id,
        *([words.plain(payment.caller_id)] if several else []),
        words.plain(payment.reference),
        format_money(payment.amount),
        words.payment_state(payment),
        words.funds(payment),
        words.plain(words.instrument(payment.instrument)),
        format_money(payment.captured_amount) if payment.captured_amount.minor_units else "",
        format_money(refunded) if refunded.minor_units else "",
    ]
