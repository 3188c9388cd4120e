"""bayar payments export: streams rows for accounting."""

import argparse
import contextlib
import csv
import os
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal, TextIO

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from bayar.messages import (
    BayarClient,
    ExportRow,
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
from bootstrap.cli.terminal.formatting import word
from bootstrap.cli.terminal.output import as_json, error_console, json_line, say
from bootstrap.cli.terminal.timestamps import in_zone, iso

# The order is permanent; a new column goes to the end.
_COLUMNS: Final[dict[str, Callable[[ExportRow], str]]] = {
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
    return format_money(getattr(order, name)).partition(" ")[2] if order.HasField(name) else ""


_Write = Callable[[ExportRow], object]


def export(parsed: argparse.Namespace, bayar: BayarClient) -> int:
    start = in_zone(parsed.created_from, local=parsed.local)
    end = in_zone(parsed.created_until, local=parsed.local) if parsed.created_until else datetime.now(UTC)
    if end <= start:
        raise WrongUsage("--until must be after --from")
    if parsed.json and parsed.format == "csv":
        raise WrongUsage("--json and --format csv contradict each other")
    begin = _json_writer if parsed.json or parsed.format == "json" else _csv_writer
    count = 0
    with _opened(parsed.output) as file:
        write = begin(file)
        rows = bayar.export_payments(from_time=start, until_time=end)
        for row in _with_progress(rows, start, end, shown=parsed.output is not None):
            write(row)
            count += 1
    if parsed.output:
        say(f"{count} rows are in {parsed.output}.")
    return 0


def _csv_writer(file: TextIO) -> _Write:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(_COLUMNS)
    return lambda row: writer.writerow([value(row) for value in _COLUMNS.values()])


def _json_writer(file: TextIO) -> _Write:
    return lambda row: file.write(json_line(as_json(row)))


def _with_progress(rows: Iterator[ExportRow], start: datetime, end: datetime, *, shown: bool) -> Iterator[ExportRow]:
    """The rows; on a terminal with a progress bar by the time of the payments."""
    if not sys.stderr.isatty() or (sys.stdout.isatty() and not shown):
        yield from rows
        return
    whole = (end - start).total_seconds()
    columns = (BarColumn(), TextColumn("{task.fields[rows]} rows"), TimeElapsedColumn())
    with Progress(*columns, console=error_console(), transient=True) as progress:
        task = progress.add_task("export", total=whole, rows=0)
        for count, row in enumerate(rows, 1):
            if not count % 100:
                done = (row.create_time.ToDatetime(UTC) - start).total_seconds()
                progress.update(task, completed=min(done, whole), rows=count)
            yield row


@contextmanager
def _opened(path: Path | None) -> Iterator[TextIO]:
    """Standard output, or a file that gets its name only when it is complete: nobody reads a partial file."""
    if path is None:
        yield sys.stdout
        return
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        # A pipe or a device is written in place; it cannot be replaced. A directory raises its own error.
        with target.open("w", encoding="utf-8", newline="") as file:
            yield file
        return
    passing = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}")
    try:
        with passing.open("x", encoding="utf-8", newline="") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        passing.replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            passing.unlink()
        raise
