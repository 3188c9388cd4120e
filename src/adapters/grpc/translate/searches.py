"""Searches, from and into messages."""

from adapters.grpc.translate.enums import SEARCH_FIELD
from adapters.grpc.translate.requests import payment_filter
from application.common.validator import RawMoney
from application.search.matching_payments import Hit
from application.search.search_payments import RawSearch
from bayar.payments.v1 import payment_pb2, payment_service_pb2


def raw_search(request: payment_service_pb2.SearchPaymentsRequest) -> RawSearch:
    """Raises InvalidRequest with every invalid time of the filter."""
    asked = request.fields
    return RawSearch(
        query=request.query,
        which=payment_filter(request.filter),
        name=asked.name,
        email=asked.email,
        gateway_transaction_id=asked.gateway_transaction_id,
        network_transaction_id=asked.network_transaction_id,
        metadata=dict(asked.metadata),
        amount=RawMoney(asked.amount.minor_units, asked.amount.currency_code) if asked.HasField("amount") else None,
        caller_id=asked.caller_id,
    )


def search_hit(hit: Hit, payment: payment_pb2.Payment) -> payment_service_pb2.PaymentSearchHit:
    return payment_service_pb2.PaymentSearchHit(
        payment=payment,
        matches=[
            payment_service_pb2.PaymentSearchMatch(
                query_words=match.written,
                field=SEARCH_FIELD[match.found_in.field],
                metadata_key=match.found_in.metadata_key,
            )
            for match in hit.matches
        ],
    )
