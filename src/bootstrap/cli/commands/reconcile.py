"""bayar reconcile: compares the record with the gateway's over a window of time, each way."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from bayar.messages import BayarClient
from bayar.payments.v1.admin_service_pb2 import Finding, FindingKind, FindingRemedy, OrphanPolicy, ReconcileProgress
from bootstrap.cli.terminal import formatting as words
from bootstrap.cli.terminal.acts import reason_of_act
from bootstrap.cli.terminal.arguments import confirm, positive
from bootstrap.cli.terminal.connection import Stopped, WrongUsage, add_common_arguments
from bootstrap.cli.terminal.output import as_json, console, error_console, say, write_json
from bootstrap.cli.terminal.timestamps import in_zone, parse_timestamp
from bootstrap.exit_status import DONE, FAILED

# Findings after which nothing remains to be done.
_SETTLED: Final = (FindingKind.FINDING_KIND_ORPHAN_REVERSED, FindingKind.FINDING_KIND_FOREIGN)
_REMEDIES: Final = {
    FindingRemedy.FINDING_REMEDY_VERIFY_PAYMENT: "bayar payments verify {0.payment_id}",
    FindingRemedy.FINDING_REMEDY_CHECK_NOW: "bayar resolve {0.operation_id}",
    FindingRemedy.FINDING_REMEDY_REVERSE: "bayar reconcile ... --transaction {0.gateway_transaction_id}",
}
# Orphans that a question names.
_NAMED: Final = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    for option, name, text in (
        ("--from", "from_time", "transactions created at or after this time"),
        ("--until", "until_time", "transactions created before this time (default: now); at most 31 days after"),
    ):
        parser.add_argument(
            option, dest=name, type=parse_timestamp, metavar="TIME", required=option == "--from", help=text
        )
    parser.add_argument(
        "--reverse",
        type=positive,
        metavar="N",
        help="void or refund the orphans, if there are at most N (default: report only)",
    )
    parser.add_argument(
        "--transaction",
        nargs="+",
        action="extend",
        default=[],
        metavar="ID",
        help="void or refund these orphans alone, by the gateway's transactions; instead of --reverse",
    )
    parser.add_argument("--reason", default="", metavar="TEXT", help="for an operator who reverses: why")
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="change nothing; with --reverse or --transaction, name what they would take",
    )
    parser.add_argument("--yes", action="store_true", help="do not ask for confirmation")
    add_common_arguments(parser, reconcile)


def reconcile(parsed: argparse.Namespace, bayar: BayarClient) -> int:
    """Fails if a finding needs somebody's attention."""
    first = in_zone(parsed.from_time, local=parsed.local)
    until = in_zone(parsed.until_time, local=parsed.local) if parsed.until_time else datetime.now(UTC)
    if parsed.reverse and parsed.transaction:
        raise WrongUsage("--reverse takes every orphan, and --transaction those that it names: give one of them")
    most = parsed.reverse or len(set(parsed.transaction))
    if most and (parsed.dry_run or not parsed.yes):
        question = _question(parsed, list(_run(bayar, first, until)), most)
        if parsed.dry_run:
            say(f"Nothing was changed. Without --dry-run the question is: {question}")
            return FAILED
        confirm(parsed, question)
    reason = reason_of_act(parsed, bayar) if most else ""
    answers = _run(bayar, first, until, reverse=most, chosen=parsed.transaction, reason=reason)
    open_findings, progress = _report(parsed, answers)
    say(
        f"{progress.gateway_transaction_count} transactions of the gateway and {progress.operation_count} operations "
        f"compared: {progress.finding_count} findings, {progress.reversed_count} orphans reversed."
    )
    if progress.reversed_count < len(set(parsed.transaction)):
        raise Stopped("not every --transaction is an orphan of this time that can be voided or refunded")
    return FAILED if open_findings else DONE


def _question(parsed: argparse.Namespace, answers: list[Finding | ReconcileProgress], most: int) -> str:
    """Prints what will be reversed, as a run that only reports found it. Returns the question before it.

    Raises:
        Stopped: no orphan is there to reverse.
        WrongUsage: there are more than --reverse allows.
    """
    chosen = set(parsed.transaction)
    reverse = FindingRemedy.FINDING_REMEDY_REVERSE
    orphans = [
        one
        for one in answers
        if isinstance(one, Finding) and one.remedy == reverse and (not chosen or one.gateway_transaction_id in chosen)
    ]
    last = next(one for one in reversed(answers) if isinstance(one, ReconcileProgress))
    if not orphans or not last.orphan_count:
        raise Stopped("there is nothing to reverse")
    if not chosen and last.orphan_count > most:
        raise WrongUsage(f"there are {last.orphan_count} orphans, more than --reverse {most}")
    for orphan in orphans:
        if not parsed.json:
            console().print(_paragraph(orphan), soft_wrap=True)
        elif parsed.dry_run:
            write_json(as_json(orphan))
    named = ", ".join(f"{one.gateway_transaction_id} of {words.amount(one.gateway_amount)}" for one in orphans[:_NAMED])
    more = f" and {len(orphans) - _NAMED} more" if len(orphans) > _NAMED else ""
    return f"Void or refund what no record explains: {named}{more}?"


def _run(
    bayar: BayarClient,
    first: datetime,
    until: datetime,
    *,
    reverse: int = 0,
    chosen: Sequence[str] = (),
    reason: str = "",
) -> Iterator[Finding | ReconcileProgress]:
    policy = OrphanPolicy.ORPHAN_POLICY_REVERSE if reverse else OrphanPolicy.ORPHAN_POLICY_REPORT
    return bayar.reconcile(
        from_time=first,
        until_time=until,
        orphan_policy=policy,
        max_reversals=reverse,
        gateway_transaction_ids=chosen,
        reason=reason,
    )


def _report(
    parsed: argparse.Namespace, answers: Iterator[Finding | ReconcileProgress]
) -> tuple[int, ReconcileProgress]:
    """Prints the findings as they come. Returns the number that needs attention, and the last progress."""
    out, open_findings, last = console(), 0, ReconcileProgress()
    columns = (SpinnerColumn(), TextColumn("{task.completed} transactions compared"), TimeElapsedColumn())
    is_seen = sys.stderr.isatty()
    with Progress(*columns, console=error_console(), transient=True, disable=not is_seen) as bar:
        task = bar.add_task("", total=None)
        for answer in answers:
            if isinstance(answer, ReconcileProgress):
                last = answer
                bar.update(task, completed=answer.gateway_transaction_count)
                continue
            open_findings += answer.kind not in _SETTLED
            if parsed.json:
                write_json(as_json(answer))
            else:
                out.print(_paragraph(answer), soft_wrap=True)
    return open_findings, last


def _paragraph(finding: Finding) -> str:
    ids = filter(None, (finding.payment_id, finding.operation_id, finding.gateway_transaction_id))
    amounts = [
        f"{name} {words.amount(amount)}"
        for name, amount in (("here", finding.recorded_amount), ("at the gateway", finding.gateway_amount))
        if amount.currency_code
    ]
    lines = [
        f"{words.word(FindingKind, finding.kind)}  {' '.join(ids)}",
        f"  {words.plain(finding.summary)}",
        *([f"  {', '.join(amounts)}"] if amounts else []),
    ]
    if remedy := _REMEDIES.get(finding.remedy):
        lines.append(f"  remedy: {remedy.format(finding)}")
    return "\n".join(lines)
