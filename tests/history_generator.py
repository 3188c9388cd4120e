"""Years of payments, put into a database as fast as it takes them: the store writes one of each kind, and the others
are copies of its rows that differ in their ids, times, amounts, cards and references.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Engine, Text, cast, select, type_coerce

from adapters.persistence.store import SqlStore
from adapters.persistence.tables import metadata
from application.ports.store import Store
from domain.customer import Customer
from domain.decline import CATALOGUE, DeclineReason
from domain.dispute import Dispute, DisputeKind, DisputeReason, DisputeReport, DisputeState
from domain.events import CaptureMode, EventContext, PaymentTerms
from domain.ids import CallerId, CustomerId, DisputeId, OperationId, PaymentId, PaymentMethodId, RequestId
from domain.instrument import CardExpiry, Instrument, InstrumentKind
from domain.money import Money
from domain.operation import FailureReason
from domain.payment import Payment
from domain.payment_method import PaymentMethod, PaymentMethodState
from domain.payment_state import PaymentState
from domain.transaction import GatewayDetails, TransactionSnapshot, TransactionStatus
from tests.encryption_keys import SEALER
from tests.fakes.ids import CountingIds

SHOP: Final = CallerId("shop")
MARKET: Final = CallerId("market")
# A caller of whom nobody has heard since the beginning.
MUSEUM: Final = CallerId("museum")
MUSEUM_PAYMENTS: Final = 100
LATEST: Final = datetime(2026, 6, 1, tzinfo=UTC)
EVERY: Final = timedelta(seconds=15)

# One payment in a hundred is this customer's, whose id comes before all others: that leads estimates astray.
WHOLESALER: Final = CustomerId(f"cus_{0:026}")
# The number of payments of this caller, independent of the whole.
REGULAR: Final = CustomerId(f"cus_{1:026}")
REGULAR_PAYMENTS: Final = 500
# One in a hundred is paid with a card that ends so, and costs so much.
USUAL_LAST_FOUR: Final = "4242"
USUAL_MINOR_UNITS: Final = 4_990
# There are three payments of each of these among any number, evenly spread.
RARE_BRAND: Final = "JCB"
RARE_LAST_FOUR: Final = "0000"
RARE_CURRENCY: Final = "KWD"
RARE_MINOR_UNITS: Final = 9_000_000_000
RARE_STATE: Final = PaymentState.EXPIRED
RARE_REFERENCE: Final = "needle"
# The outcome of the latest is not known yet.
PENDING_PAYMENTS: Final = 10

_PAYMENTS_A_CUSTOMER: Final = 20
# One payment in so many is disputed, and most of those are decided.
_PAYMENTS_A_DISPUTE: Final = 200
_OF_PAYMENTS: Final = ("payments", "operations", "payment_events", "feed_events", "movements")
_AT_ONCE: Final = 20_000
_PLACE: Final = "position"

# The placeholders of a template. None is a part of another, or of anything else in the rows.
_TOKENS: Final = {
    "pay_zzzzzzzzzzzzzzzzzzzzzzzzzp": "pay_%(number)026d",
    "mov_zzzzzzzzzzzzzzzzzzzzzzzzzp": "mov_%(number)026d",
    "op_zzzzzzzzzzzzzzzzzzzzzzzzzz": "op_%(number)026d",
    "cus_zzzzzzzzzzzzzzzzzzzzzzzzzc": "%(customer)s",
    "dis_zzzzzzzzzzzzzzzzzzzzzzzzzd": "dis_%(number)026d",
    "zz-dispute": "dp%(number)010d",
    "pm_zzzzzzzzzzzzzzzzzzzzzzzzzzm": "pm_%(number)026d",
    "zz-request": "00000000-0000-4000-8000-%(number)012d",
    "zz-transaction": "t%(number)010d",
    "zz-reference": "%(reference)s",
    "zz-caller": "%(caller)s",
    "zz-brand": "%(brand)s",
    "zz-four": "%(last_four)s",
    "876543210987": "%(minor_units)d",
    "XOF": "%(currency)s",
    "2001-02-03 04:05:06": "%(time)s",
    "2001-02-03 04:05:07": "%(after)s",
    "2001-02-04 04:05:06": "%(later)s",
}
_MINOR_UNITS: Final = 876543210987
_START: Final = datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC)

# How many of a thousand payments are in each state.
_STATES: Final = {
    PaymentState.CAPTURED: 550,
    PaymentState.SETTLED: 250,
    PaymentState.DECLINED: 120,
    PaymentState.VOIDED: 50,
    PaymentState.FAILED: 20,
    PaymentState.AUTHORIZED: 10,
}
_STATE_OF: Final = [state for state, count in _STATES.items() for _ in range(count)]


@dataclass(frozen=True, slots=True)
class LongHistory:
    """The content that was written to a database."""

    count: int

    def time_of(self, number: int) -> datetime:
        return LATEST - (self.count - number) * EVERY

    def payment_id(self, number: int) -> PaymentId:
        return PaymentId(f"pay_{number:026}")

    @property
    def rare(self) -> list[int]:
        """The numbers of the payments that are unlike all others."""
        return [self.count // 4 + 1, self.count // 2 + 1, 3 * self.count // 4 + 1]

    def facts(self, number: int) -> dict[str, Any]:
        # Spreads the numbers over 32 bits.
        dice = number * 2_654_435_761 & 0xFFFFFFFF
        is_rare = number in self.rare
        a_hundredth = dice >> 8 & 0xFFFF
        customer = 0 if dice % 100 == 7 else 2 + dice % max(1, self.count // _PAYMENTS_A_CUSTOMER - 1)
        if number % (self.count // REGULAR_PAYMENTS) == 0:
            customer = 1
        time = self.time_of(number)
        return {
            "number": number,
            "is_rare": is_rare,
            "is_guest": customer > 1 and dice % 100 in range(10, 40),
            "customer": f"cus_{customer:026d}",
            "caller": MUSEUM
            if number <= MUSEUM_PAYMENTS
            else MARKET
            if dice % 10 == 1 and not is_rare and customer > 1
            else SHOP,
            "reference": f"order-{RARE_REFERENCE}-{number}" if is_rare else f"order-{number}",
            "brand": RARE_BRAND if is_rare else ("Visa", "Visa", "MasterCard")[dice % 3],
            "last_four": RARE_LAST_FOUR
            if is_rare
            else USUAL_LAST_FOUR
            if a_hundredth % 100 == 3
            else f"{1 + a_hundredth % 9998:04d}",
            "minor_units": RARE_MINOR_UNITS
            if is_rare
            else USUAL_MINOR_UNITS
            if a_hundredth % 100 == 5
            else 100 + dice % 90_000,
            "currency": RARE_CURRENCY if is_rare else ("USD", "USD", "USD", "EUR", "IDR")[dice % 5],
            "time": time.strftime("%Y-%m-%d %H:%M:%S"),
            "after": (time + timedelta(seconds=1)).strftime("%Y-%m-%d %H:%M:%S"),
            "later": (time + timedelta(days=1)).strftime("%Y-%m-%d %H:%M:%S"),
        }

    def state_of(self, number: int) -> PaymentState:
        if number > self.count - PENDING_PAYMENTS:
            return PaymentState.PENDING
        return RARE_STATE if number in self.rare else _STATE_OF[number * 7919 % 1000]

    def dispute_of(self, number: int) -> DisputeState | None:
        """The state of the payment's dispute. None: it has none."""
        if number in self.rare:
            return DisputeState.OPEN
        if number % _PAYMENTS_A_DISPUTE:
            return None
        return DisputeState.OPEN if number % (10 * _PAYMENTS_A_DISPUTE) == 0 else DisputeState.WON


_Lines = Mapping[tuple[PaymentState, bool], str]


def fill(engine: Engine, count: int) -> LongHistory:
    """Fills a migrated database that holds nothing else, and drops nothing for good. Of each payment there are the
    operations, the history and the feed; of every twentieth a customer; of every fortieth a method."""
    history = LongHistory(count)
    of_payments, of_customers = _templates(engine)
    of_disputes = _dispute_templates(engine)
    with engine.begin() as connection:
        _empty(connection)
        put_back = _take_indexes_away(connection)
        for table, lines in of_payments.items():
            _copy(connection, table, _payment_lines(history, lines))
        _copy(connection, "disputes", _dispute_lines(history, of_disputes))
        for table, line in of_customers.items():
            _copy(connection, table, _customer_lines(history, line, 1 if table == "customers" else 2))
        for statement in put_back:
            connection.exec_driver_sql(statement)
    with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql("SET statement_timeout = 0")
            connection.exec_driver_sql("VACUUM ANALYZE")
            connection.invalidate()
    return history


def _payment_lines(history: LongHistory, lines: _Lines) -> Iterator[str]:
    for number in range(1, history.count + 1):
        facts = history.facts(number)
        yield lines[history.state_of(number), facts["is_guest"]] % facts


def _dispute_lines(history: LongHistory, lines: Mapping[DisputeState, str]) -> Iterator[str]:
    for number in sorted({*range(0, history.count + 1, _PAYMENTS_A_DISPUTE)[1:], *history.rare}):
        state = history.dispute_of(number)
        assert state is not None
        yield lines[state] % history.facts(number)


def _customer_lines(history: LongHistory, line: str, every: int) -> Iterator[str]:
    customers = history.count // _PAYMENTS_A_CUSTOMER
    for number in range(0, customers + 1, every):
        time = (LATEST - (customers - number) * EVERY).strftime("%Y-%m-%d %H:%M:%S")
        yield line % {"number": number, "customer": f"cus_{number:026d}", "caller": SHOP, "time": time}


def _templates(engine: Engine) -> tuple[Mapping[str, _Lines], dict[str, str]]:
    """Lines to be filled in for each table: of payments in each state, with and without a customer; of customers."""
    tables = _OF_PAYMENTS
    found: dict[str, dict[tuple[PaymentState, bool], str]] = {table: {} for table in tables}
    store = SqlStore(engine, CountingIds(), SEALER)
    for state in (*_STATES, RARE_STATE, PaymentState.PENDING):
        for is_guest in (False, True):
            _make(store, state, is_guest=is_guest)
            with store.begin() as work:
                work.feed.relay(100)
            with engine.begin() as connection:
                for table in tables:
                    found[table][state, is_guest] = _lines_of(connection, table)
                _empty(connection)
    _make_customer(store)
    with engine.begin() as connection:
        of_customers = {table: _lines_of(connection, table) for table in ("customers", "payment_methods")}
        _empty(connection)
    return found, of_customers


def _dispute_templates(engine: Engine) -> dict[DisputeState, str]:
    found = {}
    store = SqlStore(engine, CountingIds(), SEALER)
    for state in (DisputeState.OPEN, DisputeState.WON):
        _make(store, PaymentState.SETTLED, is_guest=False)
        report = DisputeReport(
            gateway_dispute_id="zz-dispute",
            transaction_id="zz-transaction",
            kind=DisputeKind.CHARGEBACK,
            state=state,
            reason=DisputeReason.FRAUD,
            amount=Money(_MINOR_UNITS, "XOF"),
            change_time=_START + timedelta(days=1),
            receive_time=_START + timedelta(days=1),
        )
        with store.begin() as work:
            work.disputes.add(
                Dispute(
                    dispute_id=DisputeId("dis_zzzzzzzzzzzzzzzzzzzzzzzzzd"),
                    caller_id=CallerId("zz-caller"),
                    payment_id=PaymentId("pay_zzzzzzzzzzzzzzzzzzzzzzzzzp"),
                    report=report,
                    create_time=_START + timedelta(days=1),
                    update_time=_START + timedelta(days=1),
                )
            )
        with engine.begin() as connection:
            found[state] = _lines_of(connection, "disputes")
            _empty(connection)
    return found


def _make(store: Store, state: PaymentState, *, is_guest: bool) -> None:
    """A payment in the state, with the tokens for what differs."""
    payment_id, operation_id = PaymentId("pay_zzzzzzzzzzzzzzzzzzzzzzzzzp"), OperationId("op_zzzzzzzzzzzzzzzzzzzzzzzzzz")
    amount, caller, transaction_id = Money(_MINOR_UNITS, "XOF"), CallerId("zz-caller"), "zz-transaction"
    asked, answered, later = (
        EventContext(_START, "zz-caller"),
        EventContext(_START + timedelta(seconds=1), "zz-caller"),
        EventContext(_START + timedelta(days=1), "service"),
    )
    card = Instrument(
        InstrumentKind.CARD,
        brand="zz-brand",
        last_four="zz-four",
        expiry=CardExpiry(2030, 12),
        issuer_country="USA",
        issuer="A bank",
    )
    details = GatewayDetails(transaction_id=transaction_id, processor_response_code="1000", status="authorized")
    payment = Payment.create(
        PaymentTerms(
            payment_id=payment_id,
            caller_id=caller,
            reference="zz-reference",
            amount=amount,
            capture_mode=CaptureMode.AUTOMATIC,
            customer_id=None if is_guest else CustomerId("cus_zzzzzzzzzzzzzzzzzzzzzzzzzc"),
            metadata={"channel": "web", "cart": "zz-reference"},
        ),
        context=asked,
    )
    payment.authorize(operation_id, RequestId("zz-request"), context=asked)
    with store.begin() as work:
        work.payments.add(payment)
        ends = {
            PaymentState.CAPTURED: TransactionStatus.SUBMITTED,
            PaymentState.SETTLED: TransactionStatus.SUBMITTED,
            PaymentState.VOIDED: TransactionStatus.AUTHORIZED,
            PaymentState.EXPIRED: TransactionStatus.AUTHORIZED,
            PaymentState.AUTHORIZED: TransactionStatus.AUTHORIZED,
        }
        if state in ends:
            told: dict[str, Any] = {"amount": amount, "transaction_id": transaction_id, "details": details}
            payment.succeed(
                operation_id, standing=TransactionSnapshot(ends[state]), instrument=card, context=answered, **told
            )
        then = {
            PaymentState.SETTLED: TransactionStatus.SETTLED,
            PaymentState.VOIDED: TransactionStatus.VOIDED,
            PaymentState.EXPIRED: TransactionStatus.EXPIRED,
        }
        if state in then:
            payment.apply_gateway_status(
                transaction_id, TransactionSnapshot(then[state]), amount=amount, details=details, context=later
            )
        if state is PaymentState.DECLINED:
            decline = CATALOGUE[DeclineReason.INSUFFICIENT_FUNDS]
            payment.decline(operation_id, decline, details=details, instrument=card, context=answered)
        if state is PaymentState.FAILED:
            payment.fail(operation_id, FailureReason.GATEWAY_UNREACHABLE, context=answered)
        work.payments.save(payment)
    assert payment.state is state


def _make_customer(store: Store) -> None:
    customer_id, caller = CustomerId("cus_zzzzzzzzzzzzzzzzzzzzzzzzzc"), CallerId("zz-caller")
    with store.begin() as work:
        work.customers.add(Customer(customer_id=customer_id, caller_id=caller, create_time=_START, update_time=_START))
        work.payment_methods.add(
            PaymentMethod(
                payment_method_id=PaymentMethodId("pm_zzzzzzzzzzzzzzzzzzzzzzzzzzm"),
                caller_id=caller,
                customer_id=customer_id,
                state=PaymentMethodState.ACTIVE,
                create_time=_START,
                update_time=_START,
                instrument=Instrument(InstrumentKind.CARD, brand="Visa", last_four="1111"),
            )
        )


def _lines_of(connection: Connection, table: str) -> str:
    """The rows as lines of PostgreSQL's COPY, with places for what differs."""
    columns = [column.name for column in metadata.tables[table].columns]
    order = "sequence" if "sequence" in columns else columns[0]
    # SQLite has texts of nearly everything; times are to stay as they are there.
    as_text = cast if connection.dialect.name == "postgresql" else type_coerce
    own = metadata.tables[table]
    rows = connection.execute(select(*(as_text(column, Text) for column in own.columns)).order_by(own.c[order]))
    lines = []
    for place, row in enumerate(rows, 1):
        cells = dict(zip(columns, row, strict=True))
        if "event_id" in cells:
            cells["event_id"] = f"evt_%(number)025d{place}"
            cells[_PLACE] = f"%(number)d{place}"
        line = "\t".join("\\N" if cell is None else _with_places(str(cell)) for cell in cells.values())
        assert line.count("\t") == len(columns) - 1, "no cell has a tab in it"
        lines.append(line + "\n")
    # Payments that moved no money have no movements.
    assert lines or table == "movements"
    return "".join(lines)


def _with_places(cell: str) -> str:
    if cell.startswith(("evt_%", "%(number)")):
        return cell
    assert "\\" not in cell, cell
    cell = cell.replace("%", "%%")
    for token, place in _TOKENS.items():
        cell = cell.replace(token, place)
    return cell


def _empty(connection: Connection) -> None:
    for table in ("disputes", "payment_methods", "customers", *reversed(_OF_PAYMENTS)):
        # Truncated and filled in one transaction, a table needs no log on a server that keeps little of one.
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(f"TRUNCATE {table} CASCADE")
        else:
            connection.execute(metadata.tables[table].delete())


def _copy(connection: Connection, table: str, lines: Iterable[str]) -> None:
    # Migrations and metadata differ in their order.
    columns = ", ".join(f'"{column.name}"' for column in metadata.tables[table].columns)
    if connection.dialect.name == "postgresql":
        cursor: Any = connection.connection.cursor()
        with cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
            for batch in _batches(lines):
                copy.write("".join(batch))
        return
    insert = str(metadata.tables[table].insert().compile(dialect=connection.dialect))
    for batch in _batches(lines):
        rows = [
            tuple(None if cell == "\\N" else cell for cell in line.split("\t")) for line in "".join(batch).splitlines()
        ]
        connection.exec_driver_sql(insert, rows)


def _batches(lines: Iterable[str]) -> Iterator[Sequence[str]]:
    batch: list[str] = []
    for line in lines:
        batch.append(line)
        if len(batch) == _AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch


_POSTGRESQL_INDEXES: Final = """
    SELECT 'DROP INDEX ' || indexname, indexdef, 2 FROM pg_indexes
    WHERE schemaname = 'public' AND tablename = ANY(%s) AND indexname NOT IN (SELECT conname FROM pg_constraint)
    UNION ALL
    SELECT format('ALTER TABLE %%s DROP CONSTRAINT %%I', conrelid::regclass, conname),
        format('ALTER TABLE %%s ADD CONSTRAINT %%I %%s', conrelid::regclass, conname, pg_get_constraintdef(oid)),
        CASE contype WHEN 'f' THEN 1 ELSE 3 END
    FROM pg_constraint
    WHERE contype IN ('p', 'u', 'f') AND connamespace = 'public'::regnamespace AND (conrelid::regclass::text = ANY(%s)
        OR confrelid::regclass::text = ANY(%s))
    ORDER BY 3
"""


def _take_indexes_away(connection: Connection) -> list[str]:
    """Rows are written much faster without. Returns the statements that put them back."""
    names = [*_OF_PAYMENTS, "disputes", "customers", "payment_methods"]
    if connection.dialect.name == "postgresql":
        found = connection.exec_driver_sql(_POSTGRESQL_INDEXES, (names, names, names)).all()
        connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
        connection.exec_driver_sql("SET LOCAL maintenance_work_mem = '1GB'")
        connection.exec_driver_sql("SET LOCAL synchronous_commit = off")
        drops = [row[0] for row in found]
        # Keys before what refers to them.
        makes = [row[1] for row in reversed(found)]
    else:
        indexes = "SELECT 'DROP INDEX ' || name, sql FROM sqlite_master WHERE type = 'index' AND sql > ''"
        found = connection.exec_driver_sql(indexes).all()
        drops, makes = [row[0] for row in found], [row[1] for row in found]
    for drop in drops:
        connection.exec_driver_sql(drop)
    return makes
