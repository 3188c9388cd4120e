"""Soak test: mixed calls from many threads against a new twin; then the ledger is checked against the answers.

python -m braintree_twin.soak --calls 10000 --threads 16
python -m braintree_twin.soak --sales 4000            # how many sales a second of the twin's CPU
"""

from __future__ import annotations

import argparse
import base64
import gzip
import http.client
import os
import random
import ssl
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from xml.etree import ElementTree

from braintree_twin.testing import Twin, start_twin
from braintree_twin.xml_writer import Elements, Node, write_xml

ACCOUNT = "twin_usd_no_duplicate_check"
CARD: dict[str, Node] = {"number": "4111111111111111", "expiration_date": "05/2030"}


@dataclass(slots=True)
class Expected:
    """The expected ledger entry of one transaction, from the answers to its calls."""

    type: str
    status: str
    cents: int
    parent: str | None = None
    refunded_cents: int = 0


@dataclass(slots=True)
class Outcome:
    calls: int = 0
    seconds: float = 0.0
    twin_cpu_seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    # Sums of the ledger's amounts, by type and status.
    totals: dict[str, Decimal] = field(default_factory=dict)
    # Differences between the ledger and the answers; empty if there are none.
    complaints: list[str] = field(default_factory=list)


class Client:
    """One thread's connection, and the ledger entries that its answers promised."""

    def __init__(self, twin: Twin, seed: int) -> None:
        self._draw = random.Random(seed)  # noqa: S311
        self._seed = seed
        self._connection = connect(twin)
        keys = base64.b64encode(f"{twin.public_key}:{twin.private_key}".encode()).decode()
        self._headers = {
            "Authorization": f"Basic {keys}",
            "Content-Type": "application/xml",
            "Accept-Encoding": "gzip",
            "X-ApiVersion": "6",
        }
        self._base = f"/merchants/{twin.merchant_id}"
        self.known: dict[str, Expected] = {}
        self.statuses: Counter[int] = Counter()
        self.complaints: list[str] = []
        self._customers: list[str] = []
        self._orders: list[str] = []

    def close(self) -> None:
        self._connection.close()

    def ask(self, method: str, path: str, root: str = "", fields: Node = None) -> tuple[int, ElementTree.Element]:
        body = write_xml(root, fields) if root else None
        self._connection.request(method, self._base + path, body, self._headers)
        response = self._connection.getresponse()
        content = response.read()
        self.statuses[response.status] += 1
        if response.headers["Content-Encoding"] == "gzip":
            content = gzip.decompress(content)
        # XML that the twin itself wrote.
        return response.status, ElementTree.fromstring(content or b"<nothing/>")  # noqa: S314

    def step(self) -> None:
        """Make one random call."""
        weights = {self.sell: 8, self.decline: 2, self.move: 8, self.find: 3, self.search: 1, self.enrol: 1}
        self._draw.choices(list(weights), list(weights.values()))[0]()

    def sell(self) -> None:
        cents = self._draw.randrange(100, 100_000)
        order_id = f"soak-{self._seed}-{len(self._orders)}"
        submit = self._draw.random() < 0.6
        fields: dict[str, Node] = {
            "type": "sale",
            "amount": _amount(cents),
            "order_id": order_id,
            "merchant_account_id": ACCOUNT,
            "options": {"submit_for_settlement": submit},
        }
        if self._customers and self._draw.random() < 0.3:
            fields["customer_id"] = self._draw.choice(self._customers)
        else:
            fields["credit_card"] = CARD
        status, answer = self.ask("POST", "/transactions", "transaction", fields)
        self._expect(status, 201, "a sale")
        self._orders.append(order_id)
        self._remember(answer, Expected("sale", "submitted_for_settlement" if submit else "authorized", cents))

    def decline(self) -> None:
        cents = self._draw.randrange(200_000, 200_400)
        fields: dict[str, Node] = {"type": "sale", "amount": _amount(cents), "merchant_account_id": ACCOUNT}
        status, answer = self.ask("POST", "/transactions", "transaction", {**fields, "credit_card": CARD})
        self._expect(status, 422, "a decline")
        declined = answer.find("transaction")
        self._remember(declined if declined is not None else answer, Expected("sale", "processor_declined", cents))

    def move(self) -> None:
        """Capture, void, settle or refund one of this thread's transactions."""
        chosen = [(each, self.known[each]) for each in self.known if self.known[each].type == "sale"]
        if not chosen:
            return self.sell()
        identifier, sale = self._draw.choice(chosen)
        match sale.status:
            case "authorized" if self._draw.random() < 0.5:
                self._put(identifier, sale, "submit_for_settlement", "submitted_for_settlement")
            case "authorized":
                self._put(identifier, sale, "void", "voided")
            case "submitted_for_settlement" if self._draw.random() < 0.8:
                self._put(identifier, sale, "settle", "settled")
            case "submitted_for_settlement":
                self._put(identifier, sale, "void", "voided")
            case "settled":
                self._refund(identifier, sale)
            case _:
                self._refused_void(identifier)
        return None

    def _put(self, identifier: str, sale: Expected, what: str, status: str) -> None:
        code, answer = self.ask("PUT", f"/transactions/{identifier}/{what}")
        self._expect(code, 200, what)
        if answer.findtext("status") != status:
            self.complaints.append(f"{what} of {identifier} answered {answer.findtext('status')}, not {status}")
        sale.status = status

    def _refund(self, identifier: str, sale: Expected) -> None:
        left = sale.cents - sale.refunded_cents
        cents = self._draw.randrange(1, sale.cents + 1)
        fields: Node = {"amount": _amount(cents)}
        code, answer = self.ask("POST", f"/transactions/{identifier}/refund", "transaction", fields)
        if cents > left:
            return self._expect(code, 422, "a refund of more than is left")
        self._expect(code, 201, "a refund")
        sale.refunded_cents += cents
        return self._remember(answer, Expected("credit", "submitted_for_settlement", cents, identifier))

    def _refused_void(self, identifier: str) -> None:
        code, _ = self.ask("PUT", f"/transactions/{identifier}/void")
        self._expect(code, 422, "a void of what cannot be voided")

    def find(self) -> None:
        if not self.known:
            return self.sell()
        identifier = self._draw.choice(list(self.known))
        code, answer = self.ask("GET", f"/transactions/{identifier}")
        self._expect(code, 200, "a find")
        if answer.findtext("status") != self.known[identifier].status:
            self.complaints.append(f"{identifier} was read as {answer.findtext('status')}")
        return None

    def search(self) -> None:
        if not self._orders:
            return self.sell()
        # A refund has its sale's order id.
        fields: Node = {"order_id": {"is": self._draw.choice(self._orders)}, "type": Elements("item", ["sale"])}
        code, answer = self.ask("POST", "/transactions/advanced_search_ids", "search", fields)
        self._expect(code, 200, "a search")
        if len(answer.findall("ids/item")) != 1:
            self.complaints.append(f"a search for one order found {len(answer.findall('ids/item'))}")
        return None

    def enrol(self) -> None:
        code, answer = self.ask("POST", "/customers", "customer", {"first_name": "Soak", "credit_card": CARD})
        self._expect(code, 201, "a customer")
        self._customers.append(answer.findtext("id") or "")

    def _expect(self, status: int, wanted: int, what: str) -> None:
        if status != wanted:
            self.complaints.append(f"{what} was answered {status}, not {wanted}")

    def _remember(self, answer: ElementTree.Element, expected: Expected) -> None:
        identifier = answer.findtext("id") or ""
        if identifier in self.known:
            self.complaints.append(f"the id {identifier} was given twice")
        self.known[identifier] = expected


def connect(twin: Twin) -> http.client.HTTPConnection:
    if twin.ca_file is None:
        return http.client.HTTPConnection(twin.host, twin.port, timeout=60)
    context = ssl.create_default_context(cafile=str(twin.ca_file))
    return http.client.HTTPSConnection(twin.host, twin.port, timeout=60, context=context)


def run(twin: Twin, calls: int, threads: int, seed: int = 1, *, sales_only: bool = False) -> Outcome:
    """Make the calls, spread evenly over the threads; then compare the ledger with the answers."""
    clients = [Client(twin, seed * 1000 + number) for number in range(threads)]
    cpu_before, started = cpu_seconds(twin.pid), time.monotonic()
    workers = [
        threading.Thread(target=_work, args=(client, calls // threads + (number < calls % threads), sales_only))
        for number, client in enumerate(clients)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    outcome = Outcome(seconds=time.monotonic() - started, twin_cpu_seconds=cpu_seconds(twin.pid) - cpu_before)
    for client in clients:
        outcome.statuses += client.statuses
        outcome.complaints += client.complaints
        client.close()
    outcome.calls = sum(outcome.statuses.values())
    _compare(twin, clients, outcome)
    return outcome


def _work(client: Client, calls: int, sales_only: bool) -> None:
    try:
        for _ in range(calls):
            client.sell() if sales_only else client.step()
    except Exception as error:  # a thread must not end unheard
        client.complaints.append(f"a call broke: {error!r}")


def _compare(twin: Twin, clients: list[Client], outcome: Outcome) -> None:
    complaints = outcome.complaints
    expected = {identifier: each for client in clients for identifier, each in client.known.items()}
    if len(expected) != sum(len(client.known) for client in clients):
        complaints.append("two threads were given the same id")
    ledger = {entry.id: entry for entry in twin.control.ledger()}
    complaints += [f"{each} was never answered" for each in ledger.keys() - expected.keys()]
    complaints += [f"{each} was answered and is gone" for each in expected.keys() - ledger.keys()]
    refunds: Counter[str] = Counter()
    for identifier, entry in ledger.items():
        cents = int(Decimal(entry.amount) * 100)
        each = expected.get(identifier)
        if each and (entry.type, entry.status, cents, entry.parent) != (
            each.type,
            each.status,
            each.cents,
            each.parent,
        ):
            complaints.append(f"{entry} should be {each}")
        if entry.type == "credit" and entry.parent:
            refunds[entry.parent] += cents
        name = f"{entry.type} {entry.status}"
        outcome.totals[name] = outcome.totals.get(name, Decimal(0)) + Decimal(entry.amount)
    for parent, cents in refunds.items():
        if parent not in ledger or cents > int(Decimal(ledger[parent].amount) * 100):
            complaints.append(f"more than {parent} was refunded")
    complaints += [f"{status} was answered" for status in outcome.statuses if status >= 500]


def cpu_seconds(pid: int) -> float:
    """The CPU seconds that the process has used; 0 if the system does not report them."""
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")


def _amount(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02}"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=10_000)
    parser.add_argument("--threads", type=int, default=16)
    parser.add_argument("--sales", type=int, help="only so many sales, to measure")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--plain", action="store_true", help="http instead of https")
    options = parser.parse_args(arguments)
    with start_twin(plain=options.plain) as twin:
        outcome = run(
            twin, options.sales or options.calls, options.threads, options.seed, sales_only=bool(options.sales)
        )
    say = sys.stdout.write
    by_clock = f"{outcome.seconds:.1f} s, {outcome.calls / outcome.seconds:.0f} a second by the clock"
    say(f"{outcome.calls} calls from {options.threads} threads in {by_clock}\n")
    if outcome.twin_cpu_seconds:
        say(f"{outcome.calls / outcome.twin_cpu_seconds:.0f} calls a second of the twin's CPU\n")
    say(f"answers: {dict(sorted(outcome.statuses.items()))}\n")
    for name, total in sorted(outcome.totals.items()):
        say(f"  {name}: {total}\n")
    for complaint in outcome.complaints[:20]:
        say(f"WRONG: {complaint}\n")
    say("the ledger adds up\n" if not outcome.complaints else f"{len(outcome.complaints)} things are wrong\n")
    return 1 if outcome.complaints else 0


if __name__ == "__main__":
    sys.exit(main())
