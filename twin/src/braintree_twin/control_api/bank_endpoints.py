"""The control API's endpoints of banks: returns, deposits of micro-transfers, local payments."""

from __future__ import annotations

from typing import Any

from braintree_twin.app import App
from braintree_twin.control_api.errors import InvalidField, reject_unknown
from braintree_twin.graphql_api.local_payments import KIND
from braintree_twin.ids import global_id
from braintree_twin.ledger import local_payments
from braintree_twin.ledger.lifecycle import AT_BANK, return_by_bank
from braintree_twin.rules.bank_accounts import BANK_KINDS, REJECTED, RETURN_CODE


class BankEndpoints:
    def __init__(self, app: App) -> None:
        self._app = app

    def return_payment(self, fields: dict[str, Any]) -> dict[str, Any]:
        """The customer's bank returns a payment of a bank account, before or after its settlement."""
        reject_unknown(fields, "transaction_id", "reason_code", "reject_reason")
        code = fields.get("reason_code", "R01")
        if not isinstance(code, str) or not RETURN_CODE.fullmatch(code):
            raise InvalidField("reason_code", f"must be like R01 (ACH) or AC04 (SEPA), or {REJECTED}")
        reason = fields.get("reject_reason")
        if reason is not None and (not isinstance(reason, str) or code != REJECTED):
            raise InvalidField("reject_reason", f"must be a text, with the reason_code {REJECTED}")
        if code == REJECTED and not reason:
            raise InvalidField("reject_reason", f"is needed with the reason_code {REJECTED}")
        for merchant in self._app.merchants:
            call = self._app.call(merchant)
            record = self._app.store.transactions.get(merchant.id, str(fields.get("transaction_id")))
            if record is None:
                continue
            if record.kind not in BANK_KINDS or record.status not in (*AT_BANK, "settled"):
                raise InvalidField("transaction_id", "must be a pending or settled payment of a bank account")
            with self._app.store.change():
                return_by_bank(call, record, code, reason)
            return {"id": record.id, "status": record.status}
        raise InvalidField("transaction_id", "no transaction has it")

    def list_verifications(self, _: dict[str, Any]) -> dict[str, Any]:
        """The verifications of bank accounts, with the deposits that their owners have to confirm."""
        store = self._app.store
        found = [one for merchant in self._app.merchants for one in store.bank_verifications.find(merchant.id)]
        return {
            "verifications": [
                {"id": one.id, "token": one.token, "method": one.method, "status": one.status, "deposits": one.deposits}
                for one in found
            ]
        }

    def act_on_local_payment(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Approve, fund, expire or reverse a local payment, by its id, its legacy id or its payment id."""
        reject_unknown(fields, "id", "action")
        action = fields.get("action", "approve")
        if action not in local_payments.ACTIONS:
            raise InvalidField("action", f"must be one of {', '.join(local_payments.ACTIONS)}")
        for merchant in self._app.merchants:
            call = self._app.call(merchant)
            for record in call.store.local_payments.find(merchant.id):
                if fields.get("id") not in (record.id, record.payment_id, global_id(KIND, record.id)):
                    continue
                if record.status != local_payments.ACTIONS[action]:
                    raise InvalidField("action", f"is impossible: the local payment is {record.status}")
                with self._app.store.change():
                    local_payments.act(call, record, action)
                return {"id": record.id, "status": record.status, "nonce": record.nonce}
        raise InvalidField("id", "no local payment has it")
