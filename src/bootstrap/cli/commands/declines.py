"""bayar declines: every reason a payment can be declined for."""

import argparse
from typing import Final

from bayar.messages import BayarClient
from bootstrap.cli.commands.payments_show import advice_phrase, fixer_phrase, reason_word
from bootstrap.cli.terminal.connection import add_common_arguments
from bootstrap.cli.terminal.formatting import plain
from bootstrap.cli.terminal.output import console, write_json_lines
from bootstrap.cli.terminal.tables import small_table

_ROOMY: Final = 100


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_common_arguments(parser, declines)


def declines(parsed: argparse.Namespace, bayar: BayarClient) -> int:
    entries = bayar.list_decline_reasons()
    if parsed.json:
        write_json_lines(entries)
        return 0
    out = console()
    # On a narrow terminal the codes would leave no room for the sentences.
    codes = ["gateway codes"] if out.width >= _ROOMY else []
    texts = ["what to do", "to the customer", *codes]
    table = small_table("reason", "who can fix it", *texts, wrapped=texts)
    table.show_lines = True
    if codes:
        table.columns[-1].max_width = out.width // 5
    for entry in entries:
        table.add_row(
            reason_word(entry.decline),
            fixer_phrase(entry.decline),
            advice_phrase(entry.decline),
            plain(entry.decline.customer_message.text),
            *([plain(", ".join(entry.gateway_codes))] if codes else []),
        )
    out.print(table)
    return 0
