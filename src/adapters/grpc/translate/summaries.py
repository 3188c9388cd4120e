"""Summaries of payments, from and into messages."""

from adapters.grpc.translate.enums import DECLINE_REASON, MOVEMENT_KIND, PAYMENT_STATE
from adapters.grpc.translate.resources import moment, money
from application.ports.statistics import Sum
from application.statistics.summarize_payments import DaySummary, RawSummaryQuery, Summary
from bayar.payments.v1 import payment_service_pb2, payment_summary_pb2
from domain.money import Money


def raw_summary_query(request: payment_service_pb2.SummarizePaymentsRequest) -> RawSummaryQuery:
    return RawSummaryQuery(
        start=request.from_date,
        end=request.until_date,
        time_zone=request.time_zone,
        caller_id=request.caller_id,
        currency_code=request.currency_code,
    )


def summary_response(summary: Summary) -> payment_service_pb2.SummarizePaymentsResponse:
    return payment_service_pb2.SummarizePaymentsResponse(
        summaries=map(_day, summary.days),
        complete_from_time=moment(summary.complete_from),
        uncounted_event_count=summary.uncounted,
    )


def _day(one: DaySummary) -> payment_summary_pb2.PaymentSummary:
    code, way = one.currency_code, one.on_its_way

    def total(found: Sum) -> payment_summary_pb2.Total:
        return payment_summary_pb2.Total(count=found.count, amount=money(Money(found.minor_units, code)))

    return payment_summary_pb2.PaymentSummary(
        date=one.day.isoformat(),
        currency_code=code,
        states=[
            payment_summary_pb2.PaymentStateTotal(state=number, total=total(found))
            for state, number in PAYMENT_STATE.items()
            if (found := one.state(state)).count
        ],
        attempted_count=one.attempted_count,
        approved_count=one.approved_count,
        declined_count=one.declined_count,
        declines=[
            payment_summary_pb2.DeclineTotal(reason=number, total=total(found))
            for reason, number in DECLINE_REASON.items()
            if (found := one.decline(reason)).count
        ],
        disputes_opened=total(one.opened),
        disputes_won=total(one.won),
        disputes_lost=total(one.lost),
        movements=[
            payment_summary_pb2.MovementTotal(kind=number, total=total(found))
            for kind, number in MOVEMENT_KIND.items()
            if (found := one.moved(kind)).count
        ],
        awaiting_settlement_amount=money(Money(way.awaiting_settlement, code)),
        awaiting_payout_amount=money(Money(way.awaiting_payout, code)),
        refunds_awaiting_settlement_amount=money(Money(way.refunds_awaiting_settlement, code)),
        refunds_awaiting_payout_amount=money(Money(way.refunds_awaiting_payout, code)),
    )
