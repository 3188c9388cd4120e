"""bayar blocks list|lift: the limits of card testing that were reached."""

import argparse
from collections.abc import Sequence

from rich.text import Text

from bayar.messages import BayarClient
from bayar.payments.v1.admin_service_pb2 import AbuseBlock, AbuseScope
from bootstrap.cli.terminal import formatting as words
from bootstrap.cli.terminal.acts import required_reason
from bootstrap.cli.terminal.arguments import add_confirmation, add_limit, confirm
from bootstrap.cli.terminal.connection import add_common_arguments
from bootstrap.cli.terminal.listing import print_list
from bootstrap.cli.terminal.output import as_json, console, write_json
from bootstrap.cli.terminal.tables import Column
from bootstrap.cli.terminal.timestamps import Clock


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    every = actions.add_parser(
        "list",
        help="list blocks, newest first",
        description="Lists the cards, customers, addresses and callers whose payments are refused with "
        "TOO_MANY_DECLINES, newest first.",
    )
    add_limit(every)
    add_common_arguments(every, list_blocks)
    one = actions.add_parser(
        "lift",
        help="lift a block; its subject may pay again at once",
        description="Lifts a block. Its subject may pay again at once, and is counted from zero.",
    )
    one.add_argument("block_id", metavar="BLOCK_ID")
    one.add_argument(
        "--reason", default="", metavar="TEXT", help="why, for the log and the audit log (default: it asks)"
    )
    one.add_argument("--caller", default="", metavar="NAME", help="for an operator: only a block of this caller")
    add_confirmation(one)
    add_common_arguments(one, lift)


def list_blocks(parsed: argparse.Namespace, bayar: BayarClient) -> int:
    clock = Clock(local=parsed.local)
    return print_list(
        parsed,
        lambda page_size: bayar.list_abuse_blocks(page_size=page_size),
        [
            Column(f"until ({clock.zone_name})"),
            Column("blocks"),
            Column("which"),
            Column("limit reached"),
            Column("caller", rank=1),
            Column(f"since ({clock.zone_name})", rank=2),
            Column("block", rank=3),
        ],
        lambda block: _row(block, clock),
        noun="block",
    )


def lift(parsed: argparse.Namespace, bayar: BayarClient) -> int:
    reason = required_reason(parsed)
    confirm(parsed, f"Lift {parsed.block_id}? Its subject may pay again at once, and is counted from zero.")
    block = bayar.lift_abuse_block(
        block_id=parsed.block_id, reason=reason, request_id=parsed.request_id, on_behalf_of=parsed.caller
    )
    if parsed.json:
        write_json(as_json(block))
    else:
        console().print(
            f"The {words.phrase(AbuseScope, block.scope)} {words.plain(block.subject)} may pay again.", soft_wrap=True
        )
    return 0


def _row(block: AbuseBlock, clock: Clock) -> Sequence[Text | str]:
    return (
        clock.minute(block.end_time),
        words.phrase(AbuseScope, block.scope),
        words.plain(block.subject),
        f"{block.limit} {'different cards' if block.counts_cards else 'declines'}",
        words.plain(block.caller_id),
        clock.minute(block.create_time),
        block.block_id,
    )
