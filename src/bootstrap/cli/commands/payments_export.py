"""bayar payments export: streams the movements of money, or the operations of payments, as rows for accounting."""

import argparse
from typing import Final, Literal, TextIO

from bayar.messages import (
    BayarClient,
    ExportRow,
    Money,
    Movement,
    MovementKind,
    OperationKind,
    OperationState,
    PaymentInitiator,
    PaymentState,
    SeriesPosition,
    format_money,
)
from bayar.payments.v1.payment_pb2 import PaymentCheck
from bayar.payments.v1.three_d_secure_pb2 import ScaExemption, ThreeDSecurePolicy, ThreeDSecureStatus
from bootstrap.cli.terminal.connection import WrongUsage
from bootstrap.cli.terminal.export_file import Columns, opened, with_progress, write_rows
from bootstrap.cli.terminal.formatting import word
from bootstrap.cli.terminal.output import say
from bootstrap.cli.terminal.timestamps import iso
from bootstrap.cli.terminal.windows import Window, Zone

KINDS: Final = [name.removeprefix("MOVEMENT_KIND_").lower() for name in MovementKind.keys()[1:]]

# The order is permanent; a new column goes to the end.
_OPERATION_COLUMNS: Final[Columns[ExportRow]] = {
    "payment_id": lambda row: row.payment_id,
    "reference": lambda row: row.reference,
    "customer_id": lambda row: row.customer_id,
    "operation_id": lambda row: row.operation_id,
    "kind": lambda row: word(OperationKind, row.kind),
    "operation_state": lambda row: word(OperationState, row.operation_state),
    "amount": lambda row: format_money(row.amount).partition(" ")[2],
    "currency_code": lambda row: row.amount.currency_code,
    "create_time": lambda row: iso(row.create_time),
    "settle_time": lambda row: iso(row.settle_time),
    "payment_state": lambda row: word(PaymentState, row.payment_state),
    "brand": lambda row: row.brand,
    "last_four": lambda row: row.last_four,
    "gateway_transaction_id": lambda row: row.gateway_transaction_id,
    "caller_id": lambda row: row.caller_id,
    "initiator": lambda row: word(PaymentInitiator, row.initiator),
    "series_position": lambda row: word(SeriesPosition, row.series_position) if row.series_position else "",
    "three_d_secure_status": lambda row: (
        word(ThreeDSecureStatus, row.three_d_secure.status) if row.HasField("three_d_secure") else ""
    ),
    "liability_shifted": lambda row: (
        str(row.three_d_secure.liability_shifted).lower() if row.HasField("three_d_secure") else ""
    ),
    "eci": lambda row: row.three_d_secure.eci,
    "merchant_account_id": lambda row: row.merchant_account_id,
    "three_d_secure_version": lambda row: row.three_d_secure.version,
    "three_d_secure_policy": lambda row: word(ThreeDSecurePolicy, row.three_d_secure_policy),
    "sca_exemption": lambda row: word(ScaExemption, row.sca_exemption) if row.sca_exemption else "",
    "purchase_order_number": lambda row: row.order_details.purchase_order_number,
    "tax_amount": lambda row: _part(row, "tax_amount"),
    "tax_exempt": lambda row: str(row.order_details.tax_exempt).lower() if row.HasField("order_details") else "",
    "shipping_amount": lambda row: _part(row, "shipping_amount"),
    "discount_amount": lambda row: _part(row, "discount_amount"),
    "skipped_checks": lambda row: " ".join(word(PaymentCheck, one) for one in row.skipped_checks),
    "risk_decision": lambda row: row.risk_check.decision,
    "risk_score": lambda row: str(row.risk_check.score) if row.risk_check.HasField("score") else "",
    "network_transaction_id": lambda row: row.network_transaction_id,
}


def _part(row: ExportRow, name: Literal["tax_amount", "shipping_amount", "discount_amount"]) -> str:
    """An amount of the order, in the row's currency. Empty if it was not given."""
    order = row.order_details
    return _decimal(getattr(order, name)) if order.HasField(name) else ""


def export(parsed: argparse.Namespace, bayar: BayarClient) -> int:
    window = Window.of(parsed)
    if parsed.json and parsed.format == "csv":
        raise WrongUsage("--json and --format csv contradict each other")
    if parsed.by_payment and (parsed.kind or parsed.recorded_from):
        raise WrongUsage("--kind and --recorded-from are about movements: leave out --by-payment")
    with opened(parsed.output) as file:
        count = (_export_operations if parsed.by_payment else _export_movements)(parsed, bayar, window, file)
    if parsed.output:
        say(f"{count} rows are in {parsed.output}.")
    return 0


def _export_movements(parsed: argparse.Namespace, bayar: BayarClient, window: Window, file: TextIO) -> int:
    movements = bayar.export_movements(
        from_time=window.start,
        until_time=window.end,
        kinds=[MovementKind.Value(f"MOVEMENT_KIND_{kind.upper()}") for kind in parsed.kind],
        recorded_from_time=window.zone.read(parsed.recorded_from) if parsed.recorded_from else None,
    )
    rows = with_progress(movements, lambda row: window.share_until(row.move_time), shown=parsed.output is not None)
    return write_rows(file, rows, _movement_columns(window.zone), json=_is_json(parsed))


def _export_operations(parsed: argparse.Namespace, bayar: BayarClient, window: Window, file: TextIO) -> int:
    operations = bayar.export_payments(from_time=window.start, until_time=window.end)
    rows = with_progress(operations, lambda row: window.share_until(row.create_time), shown=parsed.output is not None)
    return write_rows(file, rows, _OPERATION_COLUMNS, json=_is_json(parsed))


def _is_json(parsed: argparse.Namespace) -> bool:
    return bool(parsed.json) or parsed.format == "json"


def _movement_columns(zone: Zone) -> Columns[Movement]:
    """The order is permanent; a new column goes to the end."""
    return {
        "movement_id": lambda row: row.movement_id,
        "date": lambda row: zone.date(row.move_time),
        "time": lambda row: zone.iso(row.move_time),
        "kind": lambda row: word(MovementKind, row.kind),
        "net_amount": lambda row: _decimal(row.net_amount),
        "amount": lambda row: _decimal(row.amount),
        "currency_code": lambda row: row.amount.currency_code,
        "payout_amount": lambda row: _decimal(row.payout_amount),
        "payout_currency_code": lambda row: row.payout_amount.currency_code,
        "payment_id": lambda row: row.payment_id,
        "reference": lambda row: row.reference,
        "customer_id": lambda row: row.customer_id,
        "operation_id": lambda row: row.operation_id,
        "dispute_id": lambda row: row.dispute_id,
        "gateway_transaction_id": lambda row: row.gateway_transaction_id,
        "settlement_batch_id": lambda row: row.settlement_batch_id,
        "merchant_account_id": lambda row: row.merchant_account_id,
        "brand": lambda row: row.brand,
        "last_four": lambda row: row.last_four,
        "caller_id": lambda row: row.caller_id,
        "record_time": lambda row: zone.iso(row.record_time),
    }


def _decimal(amount: Money) -> str:
    """The number without its currency; empty for an absent amount."""
    return format_money(amount).partition(" ")[2] if amount.currency_code else ""
