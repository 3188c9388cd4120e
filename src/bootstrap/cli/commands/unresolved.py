"""bayar unresolved: operations whose outcome is unknown."""

import argparse
from collections.abc import Sequence

from rich.text import Text

from bayar.messages import BayarClient, OperationKind, OperationState
from bayar.payments.v1.admin_service_pb2 import UnresolvedOperation
from bootstrap.cli.terminal import formatting as words
from bootstrap.cli.terminal.arguments import add_limit
from bootstrap.cli.terminal.connection import add_common_arguments
from bootstrap.cli.terminal.listing import print_list
from bootstrap.cli.terminal.tables import Column
from bootstrap.cli.terminal.timestamps import Clock, in_zone, parse_timestamp


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--started-before", type=parse_timestamp, metavar="TIME", help="only those that began before this time"
    )
    add_limit(parser)
    add_common_arguments(parser, list_unresolved)


def list_unresolved(parsed: argparse.Namespace, bayar: BayarClient) -> int:
    clock = Clock(local=parsed.local)
    before = in_zone(parsed.started_before, local=parsed.local) if parsed.started_before else None
    return print_list(
        parsed,
        lambda page_size: bayar.list_unresolved_operations(started_before_time=before, page_size=page_size),
        [
            Column(f"began ({clock.zone_name})", rank=2),
            Column("operation"),
            Column("what"),
            Column("amount", align="right"),
            Column("state", rank=1),
            Column("payment", rank=1),
            Column("looks", align="right", rank=3),
            Column("why", rank=2, shrinks=20),
        ],
        lambda unresolved: _row(unresolved, clock),
        noun="unresolved operation",
        order="oldest",
        narrow="or --started-before TIME",
    )


def _row(unresolved: UnresolvedOperation, clock: Clock) -> Sequence[Text | str]:
    operation = unresolved.operation
    return (
        clock.minute(operation.create_time),
        operation.operation_id,
        words.phrase(OperationKind, operation.kind),
        words.amount(operation.amount),
        words.state_word(words.word(OperationState, operation.state)),
        unresolved.payment_id,
        str(unresolved.check_count),
        words.plain(unresolved.why),
    )
