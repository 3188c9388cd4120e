"""The page at /_twin/ that shows the state to a person, in HTML and forms alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from html import escape
from importlib.resources import files
from typing import Any
from urllib.parse import parse_qsl

from braintree_twin.app import App
from braintree_twin.control_api.errors import InvalidField
from braintree_twin.control_api.faults import FAULTS, METHODS
from braintree_twin.http_messages import Request, Response
from braintree_twin.ledger.lifecycle import SETTLEMENTS, WAITING
from braintree_twin.state.records import Delivery, Transaction

# The newest of each kind; the control API has the others.
SHOWN = 50
ACTION_PATH = "page"
_PLACE = re.compile(r"{{(\w+)}}")
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'"
# Calls the control API: method, name, fields.
Ask = Callable[[str, str, dict[str, Any]], dict[str, Any]]
_NUMBERS = {"seconds": float, "probability": float, "next": int, "status": int, "seed": int}
# The action of a form -> the call of the control API.
_CALLS = {
    "advance": ("POST", "clock"),
    "settle": ("POST", "settle"),
    "settle_one": ("POST", "settle"),
    "add_fault": ("POST", "faults"),
    "clear_faults": ("DELETE", "faults"),
    "webhooks": ("POST", "webhooks"),
    "reset": ("POST", "reset"),
}


class StatePage:
    def __init__(self, app: App, ask: Ask) -> None:
        self._app = app
        self._ask = ask

    def show(self, message: str = "", status: int = 200) -> Response:
        text = files(__package__).joinpath("state_page.html").read_text(encoding="utf-8")
        now = self._ask("GET", "clock", {})
        parts = {
            "message": f'<p role="alert">{escape(message)}</p>' if message else "",
            "now": escape(f"{now['now']}"),
            "offset": _span(now["offset_seconds"]),
            "faults": self._faults(),
            "fault_names": _options(FAULTS),
            "methods": _options(METHODS),
            "transactions": self._transactions(),
            "webhooks": self._webhooks(),
            "addresses": self._addresses(),
            "merchants": _options(merchant.id for merchant in self._app.merchants),
            "traffic": self._traffic(),
            "shown": str(SHOWN),
        }
        # In one pass: what a part contains is no place for another.
        text = _PLACE.sub(lambda place: parts[place[1]], text)
        headers = {"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": _POLICY}
        return Response(status, text.encode(), headers)

    def act(self, request: Request) -> Response:
        """Do what a form of the page asks for, and show the page again. Pages of other origins may not."""
        origin = request.headers.get("origin")
        if origin not in (None, request.base_url) or request.headers.get("sec-fetch-site") == "cross-site":
            return self.show("Only this page may change the twin.", 403)
        form = {name: text for name, text in parse_qsl(request.body.decode("utf-8", "replace")) if text.strip()}
        try:
            self._do(form)
        except InvalidField as invalid:
            return self.show(f"{invalid.field} {invalid.remedy}", 400)
        return Response(303, headers={"Location": "/_twin/"})

    def _do(self, form: dict[str, str]) -> None:
        action = form.pop("action", "")
        if action == "delete_fault":
            self._ask("DELETE", f"faults/{form.get('id', '')}", {})
            return
        if action not in _CALLS:
            raise InvalidField("action", "is none of this page's")
        fields: dict[str, Any] = {name: _number(name, text) for name, text in form.items()}
        if action == "advance":
            fields = {"advance": f"{form.get('number', '1')}{form.get('unit', 'd')}"}
        if action == "settle_one":
            fields["status"] = form.get("status")
        if action == "webhooks":
            fields = {"url": form.get("url"), "merchant_id": form.get("merchant_id")}
        self._ask(*_CALLS[action], fields)

    def _newest(self, table: str) -> list[tuple[str, Any]]:
        """The newest records of every merchant, each with its merchant."""
        known = getattr(self._app.store, table)
        return [
            (merchant.id, record)
            for merchant in self._app.merchants
            for record in known.find(merchant.id, newest_first=True, limit=SHOWN)
        ][:SHOWN]

    def _transactions(self) -> str:
        rows = [_transaction_row(merchant, record) for merchant, record in self._newest("transactions")]
        head = ("Created", "Transaction", "Order", "Type", "Amount", "Instrument", "Status", "Merchant", "")
        return _table(head, rows, "No transactions.")

    def _webhooks(self) -> str:
        rows = [_delivery_row(merchant, record) for merchant, record in self._newest("deliveries")]
        return _table(("Created", "Kind", "Status", "Attempts", "Address", "Merchant"), rows, "No notifications.")

    def _addresses(self) -> str:
        known = self._ask("GET", "webhooks", {})["addresses"]
        told = [f"{escape(merchant)}: {escape(url)}" for merchant, url in known.items() if url]
        return f"<p>Addresses: {', '.join(told)}</p>" if told else "<p>No merchant has an address.</p>"

    def _faults(self) -> str:
        rows = []
        for rule in self._ask("GET", "faults", {})["faults"]:
            details = {name: rule[name] for name in rule if name not in ("id", "fault", "matched", "struck")}
            told = ", ".join(f"{name} {value}" for name, value in details.items())
            off = _button("delete_fault", "Switch off", id=str(rule["id"]))
            rows.append([escape(rule["fault"]), escape(told), str(rule["matched"]), str(rule["struck"]), off])
        return _table(("Fault", "Of", "Matched", "Struck", ""), rows, "No faults are on.")

    def _traffic(self) -> str:
        answer = self._ask("GET", "requests", {})
        counts = [
            [escape(each["route"]), escape(str(each["status"])), str(each["count"])]
            for each in answer["requests"]
            if not each["route"].endswith(" /_twin/")
        ]
        unhandled = [
            [escape(each["route"]), escape(each["field"]), escape(each["effect"]), str(each["count"])]
            for each in answer["unhandled_fields"]
        ]
        return (
            _table(("Route", "Status", "Requests"), counts, "No requests yet.")
            + "<h3>Fields without effect</h3>"
            + _table(("Route", "Field", "Effect", "Requests"), unhandled, "None were sent.")
        )


def _number(name: str, text: str) -> Any:
    """The value of a form's field: a number for the fields that are numbers."""
    kind = _NUMBERS.get(name)
    if kind is None:
        return text
    try:
        return kind(text)
    except ValueError:
        return text


def _span(seconds: float) -> str:
    """How far the clock is ahead, such as 31 days."""
    if not seconds:
        return "as the machine's clock"
    days, rest = divmod(round(seconds), 86400)
    return " ".join(part for part in (f"{days} days" if days else "", f"{rest} s" if rest else "") if part) + " ahead"


def _transaction_row(merchant: str, record: Transaction) -> Sequence[str]:
    card = record.card or {}
    instrument = f"{card['card_type']} {card['last_4']}" if card else record.kind.replace("_", " ")
    refusal = record.gateway_rejection_reason or ""
    if record.status in ("processor_declined", "failed"):
        refusal = record.processor_response_code or ""
    history = " → ".join(f"{each['status']} {each['timestamp']}" for each in record.history)
    status = f'<span title="{escape(history)}">{escape(record.status)} {escape(refusal)}</span>'
    waits = record.status in (*WAITING, "settlement_pending") and not record.partial_settlement_ids
    return (
        escape(record.created_at),
        f"<code>{escape(record.id)}</code>",
        escape(record.order_id or ""),
        escape(record.type),
        f"{escape(record.amount)}&nbsp;{escape(record.currency)}",
        escape(instrument),
        status,
        escape(merchant),
        _settle_form(record.id) if waits else "",
    )


def _settle_form(identifier: str) -> str:
    return (
        f'<form method="post" action="{ACTION_PATH}"><input type="hidden" name="transaction_id" '
        f'value="{escape(identifier)}"><select name="status" aria-label="status">{_options(SETTLEMENTS)}</select>'
        f'<button name="action" value="settle_one">Set</button></form>'
    )


def _delivery_row(merchant: str, record: Delivery) -> Sequence[str]:
    attempts = ", ".join(f"{each['outcome']}" for each in record.attempts)
    texts = (record.created_at, record.kind, record.status, attempts, record.url or "", merchant)
    return [escape(text) for text in texts]


def _button(action: str, label: str, **fields: str) -> str:
    hidden = "".join(f'<input type="hidden" name="{name}" value="{escape(text)}">' for name, text in fields.items())
    button = f'<button name="action" value="{action}">{label}</button>'
    return f'<form method="post" action="{ACTION_PATH}">{hidden}{button}</form>'


def _options(names: Iterable[str]) -> str:
    return "".join(f"<option>{escape(name)}</option>" for name in names)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], empty: str) -> str:
    if not rows:
        return f"<p>{empty}</p>"
    cells = "".join(f"<th>{name}</th>" for name in head)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f'<div class="wide"><table><thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table></div>'
