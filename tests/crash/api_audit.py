"""Reads everything through the API after the storm, and compares it with the database and the gateway."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from bayar.messages import BayarError, Customer, PaymentMethod
from bayar.messages import PaymentMethodState as ToldMethodState
from bayar.payments.v1.dispute_pb2 import Dispute, DisputeAction, DisputeState
from bayar.payments.v1.payment_service_pb2 import VerificationOutcome
from braintree_twin.control import DisputeEntry
from tests.crash.database_records import Record
from tests.crash.findings import Findings
from tests.crash.payment_views import PaymentView, view_of_answer
from tests.crash.request_log import CallerClient, RecordedRequest

_THREADS: Final = 8
_DISPUTE_STATES: Final[Mapping[str, int]] = {
    "open": DisputeState.DISPUTE_STATE_OPEN,
    "disputed": DisputeState.DISPUTE_STATE_UNDER_REVIEW,
    "under_review": DisputeState.DISPUTE_STATE_UNDER_REVIEW,
    "won": DisputeState.DISPUTE_STATE_WON,
    "lost": DisputeState.DISPUTE_STATE_LOST,
    "accepted": DisputeState.DISPUTE_STATE_ACCEPTED,
    "auto_accepted": DisputeState.DISPUTE_STATE_ACCEPTED,
    "expired": DisputeState.DISPUTE_STATE_EXPIRED,
}


class ApiAudit:
    """The comparison of the API at the end. Adds to the findings."""

    def __init__(self, findings: Findings, clients: Sequence[CallerClient]) -> None:
        self._findings = findings
        self._clients = clients

    def _with(self, key: str) -> CallerClient:
        return self._clients[int(key[-1], 36) % len(self._clients)]

    def payments(self, records: Sequence[Record]) -> None:
        """Each payment must be the same in GetPayment, ListPayments, its history and VerifyPayment."""
        by_id = {str(record.payment.terms.payment_id): record for record in records}
        listed = list(self._clients[0].list_payments())
        counts = Counter(payment.payment_id for payment in listed)
        if counts != Counter(by_id.keys()):
            missing, more = by_id.keys() - counts.keys(), counts - Counter(by_id.keys())
            self._findings.wrong_answers.append(f"list_payments leaves out {missing}, and tells of {more} besides")
        views = {payment.payment_id: view_of_answer(payment) for payment in listed}
        self._each(by_id, lambda payment_id: self._payment(by_id[payment_id], views.get(payment_id)))

    def _payment(self, record: Record, listed: PaymentView | None) -> Iterator[str]:
        payment_id, client = str(record.payment.terms.payment_id), self._with(record.payment.terms.payment_id)
        expected = record.snapshots.last
        verified = client.verify_payment(payment_id=payment_id)
        if verified.outcome != VerificationOutcome.VERIFICATION_OUTCOME_MATCHES:
            differences = [(d.field, d.recorded, d.at_gateway) for d in verified.differences]
            yield f"verify_payment of {payment_id} says {VerificationOutcome.Name(verified.outcome)}: {differences}"
        told = {
            "get_payment": view_of_answer(client.get_payment(payment_id=payment_id)),
            "verify_payment": view_of_answer(verified.payment),
            "list_payments": listed,
        }
        for method, view in told.items():
            if view is not None and view != expected:
                yield f"{method} tells {payment_id}: {view.difference(expected)}"
        events = [(event.sequence, event.event_id) for event in client.list_payment_events(payment_id=payment_id)]
        if events != list(enumerate(record.event_ids, 1)):
            yield f"list_payment_events of {payment_id} has {len(events)} of {len(record.event_ids)} events"

    def methods(
        self, asked: Sequence[RecordedRequest], vault: Mapping[str, str | None], tokens: Mapping[str, str]
    ) -> None:
        """Each stored method must be as it was answered, and at the gateway if it is active.

        `tokens` tells under which token the gateway keeps each.
        """
        customers = {str(request.arguments["customer_id"]) for request in asked if request.arguments.get("customer_id")}
        known: dict[str, PaymentMethod] = {}
        for customer_id in customers:
            for method in self._with(customer_id).list_payment_methods(customer_id=customer_id):
                known[method.payment_method_id] = method
        told = {
            answer.payment_method_id: answer
            for request in asked
            for answer in request.answers
            if isinstance(answer, PaymentMethod)
        }
        for method_id in told.keys() - known.keys():
            if told[method_id].state == ToldMethodState.PAYMENT_METHOD_STATE_ACTIVE:
                self._findings.lost_payments.append(f"the method {method_id} was answered, and is gone")
        for method in (*told.values(), *known.values()):
            self._findings.wrong_states += _method_at_gateway(method, vault, tokens)
        self._findings.unresolved += [
            f"the method {method.payment_method_id}"
            for method in known.values()
            if method.state == ToldMethodState.PAYMENT_METHOD_STATE_PENDING
        ]

    def disputes(
        self, asked: Sequence[RecordedRequest], entries: Sequence[DisputeEntry], ids: Mapping[str, str]
    ) -> None:
        """Each dispute of the gateway must be recorded in its state. `ids` has our id for each gateway id."""
        told = {dispute.dispute_id: dispute for dispute in self._clients[0].list_disputes()}
        by_id = {ids.get(entry.id, ""): entry for entry in entries}
        for dispute_id, entry in by_id.items():
            if dispute_id in told:
                self._findings.wrong_states += _dispute_at_gateway(told[dispute_id], entry)
            else:
                self._findings.lost_payments.append(f"nobody was told of {entry}")
        self._findings.wrong_answers += [f"list_disputes tells of {each}" for each in told.keys() - by_id.keys()]
        for request in asked:
            for answer in request.answers:
                if isinstance(answer, Dispute) and answer.dispute_id in told:
                    entry = by_id[answer.dispute_id]
                    self._findings.wrong_answers += _untrue_answers(request, answer, told[answer.dispute_id], entry)

    def customers(self, asked: Sequence[RecordedRequest]) -> None:
        """Each answered customer must exist, with its last update."""
        made = {
            answer.customer_id: request.arguments
            for request in asked
            if request.method == "create_customer"
            for answer in request.answers
            if isinstance(answer, Customer)
        }
        listed = {customer.customer_id: customer for customer in self._clients[0].list_customers()}
        for customer_id, wanted in made.items():
            customer = listed.get(customer_id)
            if customer is None:
                self._findings.lost_payments.append(f"the customer {customer_id} was answered, and is gone")
            elif customer.given_name != wanted["given_name"]:
                self._findings.wrong_answers.append(f"{customer_id} is {customer.given_name}, not {wanted}")
        self._findings.wrong_answers += _lost_updates(asked, listed)

    def _each(self, keys: Mapping[str, Any], check: Callable[[str], Iterator[str]]) -> None:
        def findings(key: str) -> list[str]:
            try:
                return list(check(key))
            except BayarError as error:
                return [f"{key} cannot be read: {error}"]

        with ThreadPoolExecutor(_THREADS) as pool:
            for found in pool.map(findings, keys):
                self._findings.wrong_answers += found


def _method_at_gateway(
    method: PaymentMethod, vault: Mapping[str, str | None], tokens: Mapping[str, str]
) -> Iterator[str]:
    method_id = method.payment_method_id
    owner = vault.get(tokens.get(method_id, method_id))
    if method.state == ToldMethodState.PAYMENT_METHOD_STATE_ACTIVE and owner != method.customer_id:
        yield f"the method {method_id} was told as active, and at the gateway it is {owner or 'nobody'}'s"
    gone = (ToldMethodState.PAYMENT_METHOD_STATE_FAILED, ToldMethodState.PAYMENT_METHOD_STATE_DECLINED)
    if method.state in gone and vault.get(method_id):
        yield f"the method {method_id} was told as {ToldMethodState.Name(method.state)}, and the gateway keeps it"


def _dispute_at_gateway(told: Dispute, entry: DisputeEntry) -> Iterator[str]:
    if told.state != _DISPUTE_STATES[entry.status]:
        yield f"{told.dispute_id} is {DisputeState.Name(told.state)}, at the gateway {entry.status}"
    texts = sorted(evidence.text for evidence in told.evidence)
    if texts != sorted(entry.texts):
        yield f"{told.dispute_id} has the evidence {texts}, at the gateway {entry.texts}"


def _untrue_answers(request: RecordedRequest, answer: Dispute, now: Dispute, entry: DisputeEntry) -> Iterator[str]:
    """Findings: states that the dispute never had, and answers that were confirmed but do not show."""
    if answer.state not in {_DISPUTE_STATES[status] for status in entry.statuses}:
        yield f"{answer.dispute_id} was told as {DisputeState.Name(answer.state)}, at the gateway {entry.statuses}"
    if answer.pending_action != DisputeAction.DISPUTE_ACTION_UNSPECIFIED:
        return
    match request.method:
        case "accept_dispute":
            shows = now.state == DisputeState.DISPUTE_STATE_ACCEPTED
        case "finalize_dispute":
            shows = now.state != DisputeState.DISPUTE_STATE_OPEN
        case _:
            shows = request.arguments["text"] in entry.texts
    if not shows:
        yield f"{request.request_id} was told as done, and {entry} does not show it"


def _lost_updates(asked: Sequence[RecordedRequest], listed: Mapping[str, Any]) -> Iterator[str]:
    """Findings: customers without a confirmed change of the phone number."""
    wanted: dict[str, set[str]] = {}
    answered: set[str] = set()
    for request in asked:
        if request.method == "update_customer":
            customer_id = request.arguments["customer_id"]
            wanted.setdefault(customer_id, set()).add(request.arguments["phone"])
            if any(not isinstance(answer, BayarError) for answer in request.answers):
                answered.add(customer_id)
    for customer_id in answered:
        phone = listed[customer_id].phone if customer_id in listed else ""
        if phone not in wanted[customer_id]:
            yield f"{customer_id} was changed, and has the phone number {phone!r}"
