"""The endpoints of the control API under /_twin/, in JSON."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any, NoReturn, Protocol

from braintree_twin.app import App
from braintree_twin.control_api.aliases import canonical_clock_fields, canonical_fault_fields
from braintree_twin.control_api.bank_endpoints import BankEndpoints
from braintree_twin.control_api.errors import InvalidField, reject_unknown
from braintree_twin.control_api.faults import FaultRule, FaultRules
from braintree_twin.control_api.idempotency import IdempotencyCache
from braintree_twin.control_api.state_page import ACTION_PATH, StatePage
from braintree_twin.control_api.traffic import TrafficCounter
from braintree_twin.control_api.webhook_endpoints import WebhookEndpoints
from braintree_twin.http_messages import Request, Response
from braintree_twin.ledger.lifecycle import SETTLEMENTS, WAITING, settle_as
from braintree_twin.ledger.settlement import advance_due, run_batch
from braintree_twin.merchants import Merchant
from braintree_twin.state.records import Transaction

PREFIX = "/_twin/"
MAX_ADVANCE_SECONDS = 10 * 366 * 86400

_log = logging.getLogger(__name__)


class ListenerGate(Protocol):
    """Closes and reopens the listening socket, for the fault `refuse`."""

    def refuse(self, rule: FaultRule) -> None: ...

    def resume_accepting(self) -> None: ...


class ControlApi:
    def __init__(
        self,
        app: App,
        faults: FaultRules,
        traffic: TrafficCounter,
        gate: ListenerGate,
        authority: Callable[[], bytes | None] = lambda: None,
    ) -> None:
        self._authority = authority
        self._app = app
        self._faults = faults
        self._traffic = traffic
        self._gate = gate
        self._webhooks = WebhookEndpoints(app)
        self._banks = BankEndpoints(app)
        self._page = StatePage(app, self._ask)
        self._answered = IdempotencyCache()
        self._routes: dict[tuple[str, str], Callable[[dict[str, Any]], dict[str, Any]]] = {
            ("POST", "faults"): self._add_fault,
            ("GET", "faults"): self._list_faults,
            ("DELETE", "faults"): self._clear_faults,
            ("POST", "clock"): self._advance,
            ("GET", "clock"): self._show_time,
            ("POST", "settle"): self._settle,
            ("POST", "bank_returns"): self._banks.return_payment,
            ("GET", "bank_verifications"): self._banks.list_verifications,
            ("POST", "local_payments"): self._banks.act_on_local_payment,
            ("POST", "reset"): self._reset,
            ("GET", "ledger"): self._ledger,
            ("GET", "requests"): self._requests,
            ("GET", "request_log"): lambda _: self._traffic.log.as_json(),
            ("POST", "webhooks"): self._webhooks.configure_or_send,
            ("GET", "webhooks"): self._webhooks.list_deliveries,
            ("DELETE", "webhooks"): self._webhooks.clear,
            ("POST", "disputes"): self._webhooks.move_dispute,
            ("GET", "disputes"): self._disputes,
            ("GET", "vault"): self._vault,
            ("GET", "health"): lambda _: {"status": "ok"},
        }

    def handle(self, request: Request) -> Response:
        """Answer the request. A repeat with the same idempotency key gets the first answer again."""
        return self._answered.answer(request, self._handle)

    def _handle(self, request: Request) -> Response:
        name = request.path[len(PREFIX) :].strip("/")
        try:
            if name == "" and request.method == "GET":
                # Relative addresses in the page need the slash.
                return self._page.show() if request.path == PREFIX else Response(308, headers={"Location": PREFIX})
            if name == "ca.pem" and request.method == "GET":
                pem = self._authority()
                return Response(404 if pem is None else 200, pem or b"", {"Content-Type": "application/x-pem-file"})
            if name == ACTION_PATH and request.method == "POST":
                return self._page.act(request)
            route = self._route(request.method, name)
            if route is None:
                known = sorted(f"{method} {PREFIX}{path}" for method, path in self._routes)
                return _json(404, {"error": f"no {request.method} {request.path} here", "known": known})
            return _json(200, route(_fields(request)))
        except InvalidField as invalid:
            return _json(400, {"field": invalid.field, "remedy": invalid.remedy})
        except Exception as failure:
            _log.exception("the control API failed: %s %s", request.method, request.path)
            return _json(500, {"error": f"the twin failed: {failure!r}; it may be done in part"})

    def _route(self, method: str, name: str) -> Callable[[dict[str, Any]], dict[str, Any]] | None:
        if method == "DELETE" and name.startswith("faults/"):
            return lambda _: self._delete_fault(name.removeprefix("faults/"))
        return self._routes.get((method, name))

    def _ask(self, method: str, name: str, fields: dict[str, Any]) -> dict[str, Any]:
        """A call that the page makes."""
        route = self._route(method, name)
        if route is None:
            raise InvalidField("action", "is none of this page's")
        return route(fields)

    def _add_fault(self, fields: dict[str, Any]) -> dict[str, Any]:
        rule = self._faults.add(canonical_fault_fields(fields))
        if rule.fault == "refuse" and rule.method is None and rule.path is None:
            rule.triggers()
            if rule.probability is None and rule.next is None:
                # It happens now and once: a request after its end does not begin it again.
                rule.next = rule.struck
            self._gate.refuse(rule)
        return {"fault": rule.as_json()}

    def _list_faults(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"faults": [rule.as_json() for rule in self._faults]}

    def _clear_faults(self, _: dict[str, Any]) -> dict[str, Any]:
        return self._removed(self._faults.remove())

    def _delete_fault(self, rule_id: str) -> dict[str, Any]:
        if not rule_id.isascii() or not rule_id.isdigit():
            raise InvalidField("id", "must be the number that adding the rule answered")
        removed = self._faults.remove(int(rule_id))
        if not removed:
            raise InvalidField("id", f"no rule has it; GET {PREFIX}faults lists those that are in force")
        return self._removed(removed)

    def _removed(self, rules: list[FaultRule]) -> dict[str, Any]:
        if any(rule.fault == "refuse" for rule in rules):
            self._gate.resume_accepting()
        return {"removed": [rule.as_json() for rule in rules]}

    def _show_time(self, _: dict[str, Any]) -> dict[str, Any]:
        clock = self._app.clock
        return {"now": clock.stamp(), "offset_seconds": clock.offset_seconds}

    def _advance(self, fields: dict[str, Any]) -> dict[str, Any]:
        fields = canonical_clock_fields(fields)
        reject_unknown(fields, "advance_seconds")
        seconds = fields.get("advance_seconds")
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds <= MAX_ADVANCE_SECONDS:
            raise InvalidField(
                "advance_seconds", f"must be a number of seconds from 0 to {MAX_ADVANCE_SECONDS}, such as 86400"
            )
        with self._app.store.change():
            self._app.clock.advance(seconds)
            changed = sum(advance_due(self._app.call(merchant)) for merchant in self._app.merchants)
        return {**self._show_time({}), "changed": changed}

    def _settle(self, fields: dict[str, Any]) -> dict[str, Any]:
        outcome: dict[str, int] = {}
        if "transaction_id" in fields:
            return self._settle_one(fields)
        with self._app.store.change():
            for merchant in self._selected_merchants(fields):
                advance_due(self._app.call(merchant))
                for status, count in run_batch(self._app.call(merchant)).items():
                    outcome[status] = outcome.get(status, 0) + count
        return {"settled": outcome.get("settled", 0), "by_status": outcome}

    def _settle_one(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Give one transaction that was submitted, or that waits for its bank, a status of settlement."""
        reject_unknown(fields, "transaction_id", "status")
        identifier, status = fields["transaction_id"], fields.get("status", "settled")
        if status not in SETTLEMENTS:
            raise InvalidField("status", f"must be one of {', '.join(SETTLEMENTS)}")
        for merchant in self._app.merchants:
            call = self._app.call(merchant)
            record = self._app.store.transactions.get(merchant.id, str(identifier))
            if record is None:
                continue
            if record.status not in (*WAITING, "settlement_pending"):
                raise InvalidField("transaction_id", f"is {record.status}; only a submitted transaction can settle")
            with self._app.store.change():
                settle_as(call, record, status)
            return {"settled": int(status == "settled"), "by_status": {status: 1}}
        raise InvalidField("transaction_id", "no transaction has it")

    def _reset(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Bring everything back to the seed."""
        reject_unknown(fields)
        self._clear_faults({})
        self._app.reset()
        self._traffic.reset()
        return self._show_time({})

    def _selected_merchants(self, fields: dict[str, Any]) -> list[Merchant]:
        reject_unknown(fields, "merchant_id")
        merchant_id = fields.get("merchant_id")
        if merchant_id is None:
            return list(self._app.merchants)
        merchant = self._app.merchants.get(merchant_id) if isinstance(merchant_id, str) else None
        if merchant is None:
            raise InvalidField("merchant_id", "no merchant has it; leave it out for all of them")
        return [merchant]

    def _ledger(self, _: dict[str, Any]) -> dict[str, Any]:
        entries = [
            _entry(merchant.id, record)
            for merchant in self._app.merchants
            for record in self._app.store.transactions.find(merchant.id)
        ]
        return {"transactions": entries}

    def _disputes(self, _: dict[str, Any]) -> dict[str, Any]:
        found = [one for merchant in self._app.merchants for one in self._app.store.disputes.find(merchant.id)]
        return {
            "disputes": [
                {
                    "id": one.id,
                    "transaction_id": one.transaction_id,
                    "status": one.status,
                    "amount": one.amount,
                    "currency": one.currency,
                    "statuses": [str(each["status"]) for each in one.history],
                    "texts": [str(each["comments"] or "") for each in one.evidence],
                }
                for one in found
            ]
        }

    def _vault(self, _: dict[str, Any]) -> dict[str, Any]:
        store = self._app.store
        found = [one for merchant in self._app.merchants for one in store.payment_methods.find(merchant.id)]
        return {"payment_methods": [{"token": one.token, "customer_id": one.customer_id} for one in found]}

    def _requests(self, _: dict[str, Any]) -> dict[str, Any]:
        return {**self._traffic.as_json(), "unhandled_fields": self._app.unhandled.as_json()}


def _entry(merchant_id: str, record: Transaction) -> dict[str, Any]:
    return {
        "merchant_id": merchant_id,
        "merchant_account_id": record.merchant_account_id,
        "id": record.id,
        "order_id": record.order_id,
        "type": record.type,
        "status": record.status,
        "amount": record.amount,
        "currency": record.currency,
        "parent": record.parent_id,
        "created_at": record.created_at,
        "history": [[each["status"], each["timestamp"]] for each in record.history],
    }


def _fields(request: Request) -> dict[str, Any]:
    if not request.body.strip():
        return {}
    try:
        fields = json.loads(request.body, parse_constant=_reject_constant)
        # A lone surrogate could be neither stored nor answered.
        json.dumps(fields, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise InvalidField("body", "must be JSON") from None
    if not isinstance(fields, dict):
        raise InvalidField("body", "must be a JSON object")
    return fields


def _reject_constant(constant: str) -> NoReturn:
    raise ValueError(constant)


def _json(status: int, content: dict[str, Any]) -> Response:
    body = json.dumps(content, separators=(",", ":")).encode()
    return Response(status, body, {"Content-Type": "application/json; charset=utf-8"})
