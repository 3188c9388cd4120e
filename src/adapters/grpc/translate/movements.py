"""Translates movements of money into messages, and requests for them into commands."""

from collections.abc import Iterator, Sequence

from adapters.grpc.translate.enums import (
    FINDING_REMEDY,
    MOVEMENT_KIND,
    SETTLEMENT_DIFFERENCE,
    SETTLEMENT_STAGE,
    movement_kind_from,
)
from adapters.grpc.translate.requests import times_of
from adapters.grpc.translate.resources import known_moment, money
from application.payments.export_movements import ExportMovementsCommand
from application.ports.gateway import TransactionKind
from application.ports.movements import BookedMovement
from application.recovery.compare_settlements import CompareSettlementsCommand
from application.recovery.settlement_comparison import Group, GroupTotals, SettlementDifference
from bayar.payments.v1 import admin_service_pb2, movement_pb2
from domain.money import Money


def export_command(request: admin_service_pb2.ExportMovementsRequest) -> ExportMovementsCommand:
    start, end, recorded_from = times_of(
        "",
        request,
        from_time=request.from_time,
        until_time=request.until_time,
        recorded_from_time=request.recorded_from_time,
    )
    kinds = tuple(movement_kind_from(number) for number in request.kinds)
    return ExportMovementsCommand(start=start, end=end, kinds=kinds, recorded_from=recorded_from)


def export_messages(pages: Iterator[Sequence[BookedMovement]]) -> Iterator[admin_service_pb2.ExportMovementsResponse]:
    """One message for each page: its size is within the contract's limit."""
    for page in pages:
        yield admin_service_pb2.ExportMovementsResponse(movements=[_movement(one) for one in page])


def _movement(booked: BookedMovement) -> movement_pb2.Movement:
    movement = booked.movement
    amount, paid = movement.amount, movement.payout_amount
    return movement_pb2.Movement(
        movement_id=booked.movement_id,
        move_time=known_moment(movement.time),
        record_time=known_moment(booked.record_time),
        kind=MOVEMENT_KIND[movement.kind],
        amount=money(amount),
        net_amount=money(Money(amount.minor_units * movement.kind.sign, amount.currency_code)),
        payout_amount=money(Money(paid.minor_units * movement.kind.payout_sign, paid.currency_code)) if paid else None,
        payment_id=booked.payment_id,
        reference=booked.reference,
        customer_id=booked.customer_id,
        operation_id=movement.operation_id,
        dispute_id=movement.dispute_id,
        gateway_transaction_id=movement.transaction_id,
        settlement_batch_id=movement.settlement_batch_id,
        merchant_account_id=booked.merchant_account_id,
        brand=booked.brand,
        last_four=booked.last_four,
        caller_id=booked.caller_id,
    )


def comparison_command(request: admin_service_pb2.CompareSettlementsRequest) -> CompareSettlementsCommand:
    return CompareSettlementsCommand(
        start=request.from_date, end=request.until_date, every_transaction=request.every_transaction
    )


def comparison_message(found: GroupTotals | SettlementDifference) -> admin_service_pb2.CompareSettlementsResponse:
    if isinstance(found, GroupTotals):
        return admin_service_pb2.CompareSettlementsResponse(
            totals=admin_service_pb2.SettlementTotals(
                group=_group(found.group),
                recorded_amount=money(found.recorded_amount),
                recorded_count=found.recorded.count,
                gateway_amount=money(found.gateway_amount),
                gateway_count=found.at_gateway.count,
                agrees=found.agrees,
            )
        )
    return admin_service_pb2.CompareSettlementsResponse(
        difference=admin_service_pb2.SettlementDifference(
            kind=SETTLEMENT_DIFFERENCE[found.kind],
            group=_group(found.group),
            gateway_transaction_id=found.transaction_id,
            payment_id=found.payment_id or "",
            recorded_amount=money(found.recorded_amount) if found.recorded_amount else None,
            gateway_amount=money(found.gateway_amount) if found.gateway_amount else None,
            summary=found.summary,
            remedy=FINDING_REMEDY[found.remedy] if found.remedy else admin_service_pb2.FINDING_REMEDY_UNSPECIFIED,
            needs_attention=not found.kind.is_explained,
        )
    )


def _group(group: Group) -> admin_service_pb2.SettlementGroup:
    return admin_service_pb2.SettlementGroup(
        date=group.day.isoformat(),
        stage=SETTLEMENT_STAGE[group.stage],
        merchant_account_id=group.merchant_account_id,
        currency_code=group.currency_code,
        refunds=group.kind is TransactionKind.CREDIT,
    )
