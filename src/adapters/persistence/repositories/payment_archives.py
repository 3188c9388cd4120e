"""Archives payment histories: one compressed and sealed row for each payment that has been final for long.

The oldest events come first by their ids, which sort by time. So a run finds the remaining old events at the beginning,
and skips those of payments that are still under way.
"""

import json
import zlib
from base64 import b85decode, b85encode
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, exists, insert, or_, select, update

from adapters.persistence.encryption.sealing import Sealer, associated_data
from adapters.persistence.mapping import Values, event_from_values, opened_event
from adapters.persistence.tables import operations, payment_archives, payment_events, payments
from application.ports.feed import HistoryEntry
from application.ports.store import Archived
from domain.operation import OperationState
from domain.payment_state import PaymentState
from domain.personal_data import erased_from_json

# The compression dictionary: the common parts of most histories. Permanent, since archived rows were made with it.
_DICTIONARY: Final = (
    b'"type":"operation_declined","payload":{"decline":{"reason":"insufficient_funds","fixer":"customer","retry":"'
    b'retry_later","retry_after":"type":"operation_failed","failure_reason":"gateway_unreachable","detail":""type":"'
    b'gateway_status_changed","actor":"service","state":"voided""expired""authorized","status":"voided""standing":{'
    b'"status":"settled","settle_time":"2026-01-01T00:00:00+00:00","disburse_date":"settlement_amount":{"minor_units":'
    b'"kind":"capture""kind":"refund""kind":"void","target_transaction_id":"note":"in_part":true,"final":true'
    b'[{"event_id":"evt_01","sequence":1,"type":"created","time":"2026-01-01T00:00:00.000000+00:00","actor":"default/key_01'
    b'","state":"pending","payload":{"terms":{"payment_id":"pay_01","caller_id":"default","reference":"order-","amount":{'
    b'"minor_units":1000,"currency_code":"USD"},"capture_mode":"automatic","customer_id":"cus_01","payment_method_id":"pm_01'
    b'","billing_address":{"street_address":"","locality":"","region":"","postal_code":"","country_code":""},"metadata":{'
    b'}}}},{"event_id":"evt_01","sequence":2,"type":"operation_started","time":"2026-01-01T00:00:00.000000+00:00","actor":"'
    b'","state":"pending","payload":{"operation_id":"op_01","kind":"authorize","amount":{"minor_units":1000,"currency_code":'
    b'"EUR"},"request_id":""}},{"event_id":"evt_01","sequence":3,"type":"operation_succeeded","time":"2026-01-01T00:00:00.00'
    b'0000+00:00","actor":"","state":"captured","payload":{"operation_id":"op_01","amount":{"minor_units":1000,"currency_code'
    b'":"USD"},"transaction_id":"","standing":{"status":"submitted"},"details":{"transaction_id":"","status":"'
    b'submitted_for_settlement","processor_response_code":"1000","processor_response_text":"Approved","'
    b'avs_postal_code_response":"M","avs_street_address_response":"M","cvv_response":"M","network_transaction_id":""},'
    b'"instrument":{"kind":"card","brand":"MasterCard""Visa","last_four":"1111","expiry":{"year":2030,"month":12},'
    b'"cardholder_name":"","issuer_country":"USA","issuer":"","unique_number_identifier":""}}}]'
)

_archives: Final = payment_archives.c
_events: Final = payment_events.c


def archive_batch(connection: Connection, sealer: Sealer, before: datetime, *, after: str, limit: int) -> Archived:
    """Reads up to `limit` events, and archives the histories that they belong to."""
    oldest = select(_events.event_id, _events.payment_id, _events.time).where(_events.event_id > after)
    looked_at = connection.execute(oldest.order_by(_events.event_id).limit(limit)).all()
    resting = _claim_final(connection, {row.payment_id for row in looked_at if row.time < before}, before)
    count = _archive(connection, sealer, resting) if resting else 0
    is_over = len(looked_at) < limit or looked_at[-1].time >= before
    return Archived(len(resting), count, None if is_over else looked_at[-1].event_id)


def archived_events(connection: Connection, sealer: Sealer, payment_id: str) -> list[HistoryEntry]:
    """Oldest first; empty if the history is not archived."""
    row = connection.execute(select(payment_archives).where(_archives.payment_id == payment_id)).first()
    return [event_from_values(_event_of(payment_id, kept)) for kept in _decompress(row, sealer)] if row else []


def erase_personal_data(connection: Connection, sealer: Sealer, payment_id: str) -> None:
    row = connection.execute(select(payment_archives).where(_archives.payment_id == payment_id)).first()
    if row is None:
        return
    then = _decompress(row, sealer)
    now = [{**kept, "payload": erased_from_json(kept["payload"])} for kept in then]
    if now != then:
        bare = update(payment_archives).where(_archives.payment_id == payment_id)
        connection.execute(bare.values(events=_compress(now, payment_id, sealer)))


def _claim_final(connection: Connection, payment_ids: set[str], before: datetime) -> list[str]:
    """Locks those of the payments on which nothing is under way, and skips those that others have locked."""
    if not payment_ids:
        return []
    table = payments.c
    is_open = operations.c.state.in_((OperationState.SCHEDULED.value, OperationState.STARTED.value))
    is_under_way = exists().where(operations.c.payment_id == table.payment_id, is_open)
    is_unpublished = exists().where(_events.payment_id == table.payment_id, _events.position.is_(None))
    resting = (
        select(table.payment_id)
        .where(
            table.payment_id.in_(payment_ids),
            table.update_time < before,
            # Settled payments are still polled for refunds made elsewhere, which are rare.
            or_(table.follow_time.is_(None), table.state == PaymentState.SETTLED.value),
            table.state != PaymentState.PENDING.value,
            ~is_under_way,
            ~is_unpublished,
        )
        .order_by(table.payment_id)
        .with_for_update(skip_locked=True)
    )
    return list(connection.execute(resting).scalars())


def _archive(connection: Connection, sealer: Sealer, payment_ids: Sequence[str]) -> int:
    """Returns the number of events moved."""
    own = select(payment_events).where(_events.payment_id.in_(payment_ids))
    rows = connection.execute(own.order_by(_events.payment_id, _events.sequence)).all()
    earlier = {
        row.payment_id: _decompress(row, sealer)
        for row in connection.execute(select(payment_archives).where(_archives.payment_id.in_(payment_ids)))
    }
    new: list[Values] = []
    for payment_id, history in groupby(rows, lambda row: str(row.payment_id)):
        kept = [*earlier.get(payment_id, []), *(_kept_of(opened_event(row, sealer)) for row in history)]
        packed = _compress(kept, payment_id, sealer)
        values = {"payment_id": payment_id, "event_count": len(kept), "events": packed}
        if payment_id in earlier:
            connection.execute(update(payment_archives).where(_archives.payment_id == payment_id).values(values))
        else:
            new.append(values)
    if new:
        connection.execute(insert(payment_archives), new)
    connection.execute(delete(payment_events).where(_events.payment_id.in_(payment_ids)))
    return len(rows)


def _kept_of(values: Values) -> Values:
    return {**values, "time": values["time"].astimezone(UTC).isoformat()}


def _event_of(payment_id: str, kept: Values) -> Values:
    return {**kept, "payment_id": payment_id, "time": datetime.fromisoformat(kept["time"])}


def _compress(history: list[Values], payment_id: str, sealer: Sealer) -> str:
    text = json.dumps(history, ensure_ascii=False, separators=(",", ":"))
    compressor = zlib.compressobj(9, zdict=_DICTIONARY)
    compressed = compressor.compress(text.encode()) + compressor.flush()
    return sealer.seal(b85encode(compressed).decode(), _associated_data(payment_id))


def _decompress(row: Row[Any], sealer: Sealer) -> list[Values]:
    packed = sealer.open(row.events, _associated_data(row.payment_id))
    unpacked: list[Values] = json.loads(zlib.decompressobj(zdict=_DICTIONARY).decompress(b85decode(packed)))
    return unpacked


def _associated_data(payment_id: str) -> str:
    return associated_data("payment_archives", "events", payment_id)
