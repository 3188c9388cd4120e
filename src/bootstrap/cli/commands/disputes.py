"""bayar disputes list|show|evidence|submit|accept: claims of customers' banks."""

import argparse
import mimetypes
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.text import Text

from bayar.messages import BayarClient
from bayar.payments.v1.dispute_pb2 import Dispute, DisputeAction, DisputeKind, DisputeReason, DisputeState
from bootstrap.cli.terminal import formatting as words
from bootstrap.cli.terminal.acts import act, add_act
from bootstrap.cli.terminal.arguments import add_confirmation, add_limit, add_request_id, confirm
from bootstrap.cli.terminal.connection import WrongUsage, add_common_arguments
from bootstrap.cli.terminal.listing import print_list
from bootstrap.cli.terminal.output import as_json, console, write_json
from bootstrap.cli.terminal.tables import Column, facts, small_table
from bootstrap.cli.terminal.timestamps import Clock, in_zone, parse_timestamp

_STATES: Final = [name.removeprefix("DISPUTE_STATE_").lower() for name in DisputeState.keys()[1:]]
_STYLES: Final = {"OPEN": "bold yellow", "WON": "green", "LOST": "red", "ACCEPTED": "bright_black", "EXPIRED": "red"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    every = actions.add_parser("list", help="list disputes, newest first", description="Lists disputes, newest first.")
    every.add_argument("--payment", default="", metavar="PAYMENT_ID", help="only those of this payment")
    every.add_argument(
        "--state", nargs="+", action="extend", default=[], choices=_STATES, metavar="STATE", help=", ".join(_STATES)
    )
    every.add_argument(
        "--reply-before", type=parse_timestamp, metavar="TIME", help="only those to be answered before this time"
    )
    add_limit(every)
    add_common_arguments(every, list_disputes)
    one = actions.add_parser("show", help="show one dispute", description="Shows one dispute with its evidence.")
    one.add_argument("dispute_id", metavar="DISPUTE_ID")
    add_common_arguments(one, show)
    evidence = actions.add_parser(
        "evidence",
        help="add a text or a file to the evidence",
        description="Adds a text, or a PDF, PNG or JPEG file, to the evidence. The bank gets it with `submit`.",
    )
    evidence.add_argument("dispute_id", metavar="DISPUTE_ID")
    piece = evidence.add_mutually_exclusive_group(required=True)
    piece.add_argument("--text", metavar="TEXT", help="1 to 4,000 characters")
    piece.add_argument("--file", type=Path, metavar="FILE", help="a .pdf, .png, .jpg or .jpeg of at most 4 MiB")
    add_request_id(evidence)
    add_act(evidence)
    add_common_arguments(evidence, add_evidence)
    for name, text, work in (
        ("submit", "send the evidence to the bank; nothing can be added afterwards", submit),
        ("accept", "accept the claim; the customer keeps the money, for good", accept),
    ):
        action = actions.add_parser(name, help=text, description=text[:1].upper() + text[1:] + ".")
        action.add_argument("dispute_id", metavar="DISPUTE_ID")
        add_confirmation(action)
        add_act(action)
        add_common_arguments(action, work)


def list_disputes(parsed: argparse.Namespace, bayar: BayarClient) -> int:
    clock = Clock(local=parsed.local)
    before = in_zone(parsed.reply_before, local=parsed.local) if parsed.reply_before else None
    return print_list(
        parsed,
        lambda page_size: bayar.list_disputes(
            payment_id=parsed.payment,
            states=[DisputeState.Value(f"DISPUTE_STATE_{name.upper()}") for name in parsed.state],
            reply_before_time=before,
            page_size=page_size,
        ),
        [
            Column(f"answer by ({clock.zone_name})"),
            Column("dispute"),
            Column("state"),
            Column("amount", align="right"),
            Column("reason", rank=1),
            Column("payment", rank=2),
            Column("kind", rank=3),
        ],
        lambda dispute: _row(dispute, clock),
        noun="dispute",
    )


def show(parsed: argparse.Namespace, bayar: BayarClient) -> int:
    return _report(parsed, bayar.get_dispute(dispute_id=parsed.dispute_id))


def add_evidence(parsed: argparse.Namespace, bayar: BayarClient) -> int:
    if parsed.file is None:
        stated = act(parsed, bayar, lambda: bayar.get_dispute(dispute_id=parsed.dispute_id).caller_id)
        return _report(
            parsed,
            bayar.add_dispute_evidence(
                dispute_id=parsed.dispute_id, text=parsed.text, request_id=parsed.request_id, **stated
            ),
        )
    if mimetypes.guess_type(parsed.file.name)[0] not in ("application/pdf", "image/png", "image/jpeg"):
        raise WrongUsage(f"{parsed.file} is no .pdf, .png, .jpg or .jpeg file")
    stated = act(parsed, bayar, lambda: bayar.get_dispute(dispute_id=parsed.dispute_id).caller_id)
    return _report(
        parsed,
        bayar.add_dispute_evidence(
            dispute_id=parsed.dispute_id,
            file_name=parsed.file.name,
            file_content=parsed.file.read_bytes(),
            request_id=parsed.request_id,
            **stated,
        ),
    )


def submit(parsed: argparse.Namespace, bayar: BayarClient) -> int:
    dispute = bayar.get_dispute(dispute_id=parsed.dispute_id)
    count = len(dispute.evidence)
    stated = act(parsed, bayar, lambda: dispute.caller_id)
    confirm(
        parsed,
        f"Send {count} piece{'' if count == 1 else 's'} of evidence against the claim of "
        f"{words.amount(dispute.amount)} to the bank? Nothing can be added afterwards.",
    )
    return _report(parsed, bayar.finalize_dispute(dispute_id=parsed.dispute_id, request_id=parsed.request_id, **stated))


def accept(parsed: argparse.Namespace, bayar: BayarClient) -> int:
    dispute = bayar.get_dispute(dispute_id=parsed.dispute_id)
    stated = act(parsed, bayar, lambda: dispute.caller_id)
    confirm(
        parsed,
        f"Accept the claim of {words.amount(dispute.amount)} on {dispute.payment_id}? The customer keeps the money, "
        "and that is final.",
    )
    return _report(parsed, bayar.accept_dispute(dispute_id=parsed.dispute_id, request_id=parsed.request_id, **stated))


def _row(dispute: Dispute, clock: Clock) -> Sequence[Text | str]:
    return (
        clock.minute(dispute.reply_by_time) if dispute.HasField("reply_by_time") else "",
        dispute.dispute_id,
        _state(dispute),
        words.amount(dispute.amount),
        words.phrase(DisputeReason, dispute.reason) if dispute.reason else "",
        dispute.payment_id,
        words.phrase(DisputeKind, dispute.kind),
    )


def _state(dispute: Dispute) -> Text:
    name = words.word(DisputeState, dispute.state)
    return Text(name.replace("_", " "), _STYLES.get(name, ""))


def _report(parsed: argparse.Namespace, dispute: Dispute) -> int:
    if parsed.json:
        write_json(as_json(dispute))
        return 0
    out, clock = console(), Clock(local=parsed.local)

    def moment(name: str) -> str:
        return f"{clock.second(getattr(dispute, name))} {clock.zone_name}" if dispute.HasField(name) else ""  # type: ignore[arg-type]

    pending = ""
    if dispute.pending_action:
        pending = f"{words.phrase(DisputeAction, dispute.pending_action)}: the outcome is not known yet"
    out.print(Text.assemble((dispute.dispute_id, "bold"), "  ", _state(dispute)))
    out.print(
        facts(
            [
                ("payment", dispute.payment_id),
                ("claim", words.amount(dispute.amount)),
                ("kind", words.phrase(DisputeKind, dispute.kind)),
                ("reason", words.phrase(DisputeReason, dispute.reason) if dispute.reason else ""),
                ("network's reason", words.plain(dispute.reason_code)),
                ("case number", words.plain(dispute.case_number)),
                ("opened", moment("receive_time")),
                ("answer by", moment("reply_by_time")),
                ("under way", pending),
                ("next look", moment("next_check_time")),
            ]
        )
    )
    if dispute.evidence:
        table = small_table(f"added ({clock.zone_name})", "evidence", "sent to the bank", wrapped=["evidence"])
        for piece in dispute.evidence:
            sent = clock.second(piece.send_time) if piece.HasField("send_time") else "not yet"
            table.add_row(clock.second(piece.create_time), words.plain(piece.file_name or piece.text), sent)
        out.print()
        out.print(table)
    return 0
