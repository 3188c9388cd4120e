"""Writes docs/integrate/declines.md: `.venv/bin/python docs/integrate/declines_page.py`."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from adapters.braintree.codes import declines
from adapters.braintree.codes.refusals import cause_of, groups
from application.ports.gateway import RefusalCause
from domain.decline import Decline, RetryAdvice

ROOT = Path(__file__).resolve().parents[2]
PAGE = Path(__file__).with_name("declines.md")
MESSAGES = ROOT / "src" / "adapters" / "grpc" / "messages" / "declines"

_INTRODUCTION = """\
# Declines

A declined payment carries a `Decline`: the `reason` to switch on, `fixer` (who can fix it), `retry_advice` with
`retry_after`, and a message for the customer. `ListDeclineReasons` returns the same over gRPC.

The tables list each gateway code. Two things override them: the bank's own advice code, and Braintree's class of the
answer (soft: try again; hard: not with this method). Neither advises a mere wait where something has to change first:
`authentication_required` always means to authenticate. A refused refund is always `refund_refused`. An unknown code is
`declined`, and logged once.

A soft decline of a merchant-initiated payment (series position LATER) without the bank's own advice is `RETRY_LATER`,
after two days at least: Visa permits 15 attempts within 30 days. That holds for `declined`, `insufficient_funds`,
`limit_exceeded`, `not_permitted` and `too_many_attempts`.

`python docs/integrate/declines_page.py` generates this page from
[declines.toml](../../src/adapters/braintree/codes/declines.toml) and the texts in
[declines/](../../src/adapters/grpc/messages/declines/), one file for each language. A test fails if it is out of date.
"""

_RETRY = {
    RetryAdvice.DO_NOT_RETRY: "no",
    RetryAdvice.RETRY_LATER: "after",
    RetryAdvice.CORRECT_AND_RETRY: "once corrected",
    RetryAdvice.USE_ANOTHER_METHOD: "another method",
    RetryAdvice.AFTER_CUSTOMER_ACTION: "once the customer has acted",
}


def page() -> str:
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    texts = {path.stem: tomllib.loads(path.read_text("utf-8"))["decline"] for path in sorted(MESSAGES.glob("*.toml"))}
    yield _INTRODUCTION
    for kind, rows in declines.PUBLISHED.items():
        yield f"## {kind.value}\n"
        yield "| Code | Braintree's name | Reason | Who fixes it | Try again | The customer reads | Pelanggan membaca |"
        yield "|---|---|---|---|---|---|---|"
        for row in rows.values():
            decline = row.decline
            said = (texts[language][decline.reason.value]["customer"] for language in ("en", "id"))
            cells = (row.code, row.name, f"`{decline.reason.value}`", decline.fixer.value, _retry(decline), *said)
            yield "| " + " | ".join(cells) + " |"
        yield ""
    yield from _causes()
    yield "## The issuer's own advice (Mastercard)\n"
    yield "| Code | Meaning | Try again |"
    yield "|---|---|---|"
    for code, (name, advice, wait) in declines.ADVICE.items():
        yield f"| {code} | {name} | {_words(advice, wait) if advice else 'as the table says'} |"
    yield "\nAn advice code that is not listed is taken as: no.\n"
    yield "## Address and security code checks\n"
    yield "| Code | Meaning | Shown as |"
    yield "|---|---|---|"
    for code, (name, result) in declines.CHECKS.items():
        yield f"| {code} | {name} | {f'`{result.value}`' if result else 'nothing'} |"


_REMEDIES = {
    RefusalCause.CUSTOMER_UNKNOWN: "The customer is created again at the gateway, and the request is repeated.",
    RefusalCause.CUSTOMER_DETAILS: "The payment is made without the customer's details; `warnings` says so.",
    RefusalCause.BILLING_ADDRESS: "The payment is made without the billing address; `warnings` says so.",
    RefusalCause.SHIPPING_ADDRESS: "The payment is made without the shipping address; `warnings` says so.",
    RefusalCause.ORDER_DETAILS: "The payment is made without the order details; `warnings` says so.",
    RefusalCause.MERCHANT_ACCOUNT: "FAILED: change the merchant's set-up as the detail says.",
}


def _causes() -> Iterator[str]:
    yield "## Refusals that are not declines\n"
    yield "Any other code concerns the service's own request: FAILED, with the code in the detail.\n"
    yield "| About | Codes | What happens |"
    yield "|---|---|---|"
    for cause, remedy in _REMEDIES.items():
        about_it = (code for code in groups() if cause_of([code])[0] is cause)
        codes = sorted((code for code in about_it if not declines.validation_decline([code])), key=int)
        yield f"| {cause.value.replace('_', ' ')} | {', '.join(codes)} | {remedy} |"
    yield ""


def _retry(decline: Decline) -> str:
    return _words(decline.retry_advice, decline.retry_after)


def _words(advice: RetryAdvice, wait: timedelta | None) -> str:
    return f"{_RETRY[advice]} {_duration(wait)}" if wait else _RETRY[advice]


def _duration(wait: timedelta) -> str:
    for unit, length in (("day", timedelta(days=1)), ("hour", timedelta(hours=1)), ("minute", timedelta(minutes=1))):
        if wait >= length:
            count = wait // length
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return f"{wait.total_seconds():.0f} seconds"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
