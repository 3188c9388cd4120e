"""bayar accounts: the merchant accounts by currency, with the abilities of each."""

import argparse

from bayar.messages import BayarClient
from bayar.payments.v1.card_pb2 import InstrumentKind
from bootstrap.cli.terminal.connection import add_common_arguments
from bootstrap.cli.terminal.formatting import phrase, plain
from bootstrap.cli.terminal.output import console, write_json_lines
from bootstrap.cli.terminal.tables import small_table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_common_arguments(parser, accounts)


def accounts(parsed: argparse.Namespace, bayar: BayarClient) -> int:
    found = bayar.list_merchant_accounts()
    if parsed.json:
        write_json_lines(found)
        return 0
    table = small_table(
        "currency", "account", "", "3-D Secure", "takes", "card brands", wrapped=["account", "takes", "card brands"]
    )
    for one in found:
        takes = ", ".join(phrase(InstrumentKind, kind) for kind in one.instruments)
        table.add_row(
            one.currency_code,
            plain(one.merchant_account_id),
            "default" if one.default else "",
            "" if one.problem else "yes" if one.three_d_secure else "no",
            plain(f"nothing: {one.problem}" if one.problem else takes),
            plain(", ".join(one.card_brands)),
        )
    console().print(table)
    return 0
