"""A slow reader of a stream makes the service wait, not buffer."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import grpc
from dependency_injector import providers
from google.protobuf.timestamp_pb2 import Timestamp

from application.payments.export_payments import ExportPayments
from bayar.payments.v1.admin_service_pb2 import ExportPaymentsRequest
from bayar.payments.v1.admin_service_pb2_grpc import AdminServiceStub
from bayar.payments.v1.payment_service_pb2 import ListDeclineReasonsRequest
from bayar.payments.v1.payment_service_pb2_grpc import PaymentServiceStub
from domain.payment import Payment
from tests.adapters.grpc.serving import a_house, serving
from tests.contract import random_payments

PAGES = 2_000
# The amount in flight: some 4 MB, at 25 KB a message.
AHEAD = 400


class EndlessExport(ExportPayments):
    """As many pages as one likes, and how many were fetched."""

    fetched = 0

    def __call__(self, start: datetime | None, end: datetime | None) -> Iterator[list[Payment]]:
        page = [random_payments.started() for _ in range(200)]
        for _ in range(PAGES):
            EndlessExport.fetched += 1
            yield page


def test_an_export_goes_on_only_as_fast_as_it_is_read() -> None:
    house = a_house()
    EndlessExport.fetched = 0
    house.container.export_payments.override(providers.Object(EndlessExport(house.container.store())))
    with serving(house) as channel:
        window = ExportPaymentsRequest(
            from_time=_stamp(random_payments.START), until_time=_stamp(random_payments.START, days=1)
        )
        answers: Any = AdminServiceStub(channel).ExportPayments(window, timeout=60)
        next(answers)
        # Meanwhile the service has the time to do all sorts of things.
        for _ in range(500):
            PaymentServiceStub(channel).ListDeclineReasons(ListDeclineReasonsRequest(), timeout=30)
        assert EndlessExport.fetched < AHEAD
        for read in range(2, 600):
            next(answers)
            assert EndlessExport.fetched < read + AHEAD
        answers.cancel()
        assert answers.code() is grpc.StatusCode.CANCELLED


def _stamp(moment: datetime, *, days: int = 0) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(moment + timedelta(days=days))
    return stamp
