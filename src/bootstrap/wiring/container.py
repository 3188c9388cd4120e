"""The dependency injection container: the composition root of the service."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import timedelta
from functools import partial
from typing import Any

from dependency_injector import containers, providers
from sqlalchemy import Engine

from adapters import cooperation
from adapters.braintree.codes.declines import codes_by_reason
from adapters.braintree.gateway import BraintreeAdapter
from adapters.braintree.order_ids import OrderIds
from adapters.braintree.settings import BraintreeSettings
from adapters.braintree.webhooks import BraintreeWebhooks, topic_of
from adapters.checkout.answers import Answers
from adapters.checkout.server import CheckoutHandlers, CheckoutServer
from adapters.event_webhooks.sender import HttpWebhookSender
from adapters.grpc.middleware.authorization import current_caller
from adapters.grpc.scheduling.stream_pool import StreamPool
from adapters.grpc.server.server import GrpcServer, Servicers
from adapters.grpc.services.admin_service import AdminServicer
from adapters.grpc.services.checkout_service import CheckoutServicer
from adapters.grpc.services.customer_service import CustomerServicer
from adapters.grpc.services.dispute_service import DisputeServicer
from adapters.grpc.services.event_service import EventServicer
from adapters.grpc.services.payment_method_service import PaymentMethodServicer
from adapters.grpc.services.payment_service import PaymentServicer
from adapters.grpc.translate.checkouts import CheckoutMapper
from adapters.grpc.translate.events import event_json
from adapters.http.server import HttpHandlers, HttpServer
from adapters.http.worker_pool_status import WorkerPoolStatus
from adapters.persistence.backlog import read_backlog
from adapters.persistence.encryption.sealing import Sealer, SealingKey
from adapters.persistence.repositories.deployment import mark_of
from adapters.persistence.sql.engine import Limits, create_engine
from adapters.persistence.store import SqlStore
from application.access.authenticate import ApiKeyCache, OperatorCache, OperatorLoginCache
from application.access.last_used_recorder import LastUsedRecorder
from application.audit.audit_log import Audit
from application.audit.refused_calls import RefusedCalls
from application.card_testing.lift_abuse_block import LiftAbuseBlock
from application.card_testing.list_abuse_blocks import ListAbuseBlocks
from application.card_testing.purge_velocity_counters import PurgeVelocityCounters
from application.card_testing.velocity_limiter import VelocityLimiter, VelocityLimits
from application.checkouts.create_checkout import CreateCheckout
from application.checkouts.expire_checkout import ExpireCheckout
from application.checkouts.follow_checkouts import FollowCheckouts
from application.checkouts.get_checkout import GetCheckout
from application.checkouts.list_checkouts import ListCheckouts
from application.checkouts.offered_methods import CreateMethodNonce, OfferedMethods
from application.checkouts.pay_checkout import PayCheckout
from application.checkouts.result_keys import ResultKeys
from application.checkouts.view_checkout import ViewCheckout
from application.common.lease import LeasePolicy
from application.common.not_found_horizon import NotFoundTimer
from application.common.pagination import PageTokens
from application.customers.create_customer import CreateCustomer
from application.customers.delete_customer import DeleteCustomer
from application.customers.find_preferred_language import FindLanguage
from application.customers.get_customer import GetCustomer
from application.customers.list_customers import ListCustomers
from application.customers.update_customer import UpdateCustomer
from application.disputes.accept_dispute import AcceptDispute
from application.disputes.add_dispute_evidence import AddDisputeEvidence
from application.disputes.answer_dispute import AnswerDispute
from application.disputes.finalize_dispute import FinalizeDispute
from application.disputes.find_new_disputes import FindNewDisputes
from application.disputes.get_dispute import GetDispute
from application.disputes.list_disputes import ListDisputes
from application.disputes.poll_open_disputes import PollOpenDisputes
from application.disputes.record_dispute import RecordDispute
from application.events.archive_events import ArchiveEvents, ArchiveOldEvents
from application.events.deliver_events import DeliverEvents
from application.events.read_feed import ReadFeed
from application.events.relay_events import RelayEvents
from application.events.resend_events import ListDeliveries, ListEndpoints, ResendEvents
from application.gateway_webhooks.list_gateway_webhooks import ListGatewayWebhooks
from application.gateway_webhooks.process_gateway_webhooks import ProcessGatewayWebhooks
from application.gateway_webhooks.purge_gateway_webhooks import PurgeGatewayWebhooks
from application.gateway_webhooks.receive_gateway_webhook import ReceiveGatewayWebhook
from application.gateway_webhooks.retry_gateway_webhook import RetryGatewayWebhook
from application.idempotency.fingerprint import Fingerprinter
from application.idempotency.idempotency_guard import IdempotencyGuard
from application.idempotency.in_flight_requests import InFlightRequests
from application.payment_methods.add_payment_method import AddPaymentMethod
from application.payment_methods.change_payment_method import (
    DeletePaymentMethod,
    MethodChanger,
    SetDefaultPaymentMethod,
    UpdatePaymentMethod,
)
from application.payment_methods.create_client_token import CreateClientToken
from application.payment_methods.find_default_method import FindDefaultMethod
from application.payment_methods.get_payment_method import GetPaymentMethod
from application.payment_methods.list_payment_methods import ListPaymentMethods
from application.payment_methods.resolve_unknown_methods import ResolveUnknownMethods
from application.payment_methods.sync_payment_methods import SyncPaymentMethods
from application.payments.adjust_authorization import AdjustAuthorization
from application.payments.book_movements import BookMovements
from application.payments.capture_payment import CapturePayment
from application.payments.create_payment import CreatePayment
from application.payments.erase_guest import EraseGuest
from application.payments.export_movements import ExportMovements
from application.payments.export_payments import ExportPayments
from application.payments.get_payment import GetPayment
from application.payments.list_merchant_accounts import ListMerchantAccounts
from application.payments.list_payment_events import ListPaymentEvents
from application.payments.list_payments import ListPayments
from application.payments.payment_call import PaymentRecorder
from application.payments.poll_schedule import SettlementPollPolicy
from application.payments.poll_settlements import PollSettlements
from application.payments.refund_payment import RefundPayment
from application.payments.sync_from_gateway import SyncPayment
from application.payments.verify_payment import VerifyPayment
from application.payments.void_payment import VoidPayment
from application.ports.deliveries import Endpoint
from application.recovery.check_backoff import CheckBackoff
from application.recovery.compare_settlements import CompareSettlements
from application.recovery.explain_settlements import ExplainSettlements
from application.recovery.explain_transactions import ExplainTransactions
from application.recovery.list_unresolved_operations import ListUnresolvedOperations
from application.recovery.reconcile import Reconcile
from application.recovery.resolve_operation import ResolveOperation
from application.recovery.resolve_operations import ResolveOperations
from application.recovery.resolve_outcome import ResolveOutcome
from application.recovery.reverse_orphans import ReverseOrphans
from application.recovery.send_scheduled_refund import SendScheduledRefund
from application.recovery.service_hold import HoldWatch
from application.recovery.settlement_ledger import SettlementLedger
from application.search.index_payments import IndexPayments
from application.search.search_payments import SearchPayments
from application.statistics.count_payments import CountPayments
from application.statistics.summarize_payments import SummarizePayments
from bootstrap.config.event_webhooks import read_endpoints
from bootstrap.config.merchant_accounts import read_accounts
from bootstrap.config.payment_settings import RawCards
from bootstrap.config.settings import Settings
from bootstrap.config.three_d_secure import read_rules
from bootstrap.logging.trace_ids import trace_headers
from bootstrap.observability import catalogue
from bootstrap.observability.decorators import MeasuredReconcile, MeasuredWebhookSender
from bootstrap.observability.instruments import Instruments
from bootstrap.observability.readings import DatabaseReadings, gateway_readings, pool_readings, process_readings
from bootstrap.observability.scrape import Scrape
from bootstrap.wiring import traces
from bootstrap.wiring.admission_limits import admission_limits
from bootstrap.wiring.authentication import authentication, closed_services, tls_files
from bootstrap.wiring.checkout_page import checkout_site, client_token_of, decline_text, protocol_server
from bootstrap.wiring.clock_and_ids import SystemClock, UlidSource
from domain.merchant_account import MerchantAccounts


def _braintree_settings(settings: Settings) -> BraintreeSettings:
    return BraintreeSettings(
        environment=settings.braintree_environment.value,
        merchant_id=settings.braintree_merchant_id,
        public_key=settings.braintree_public_key,
        private_key=settings.braintree_private_key.get_secret_value(),
        merchant_accounts=_merchant_accounts(settings),
        url=settings.braintree_url,
        ca_file=str(settings.braintree_ca_file or ""),
        connect_timeout_seconds=settings.braintree_connect_timeout_seconds,
        read_timeout_seconds=settings.braintree_read_timeout_seconds,
        max_connections=settings.gateway_calls,
        max_waiting=settings.gateway_waiting,
        breaker_failures=settings.braintree_breaker_failures,
        use_api_request_key=settings.braintree_use_api_request_key,
        stock_parser=settings.braintree_stock_parser,
    )


def _merchant_accounts(settings: Settings) -> MerchantAccounts:
    """None of them where the setting is not set: the gateway is asked for them at the start."""
    named = settings.braintree_merchant_accounts
    return read_accounts(named) if named else MerchantAccounts()


def _order_ids(engine: Engine, shows_reference: bool) -> OrderIds:
    return OrderIds(partial(mark_of, engine), shows_reference)


def _sealer(settings: Settings) -> Sealer:
    keys = [SealingKey(name, key) for name, key in settings.keys_at_rest()]
    return Sealer(keys, settings.key_for("lookups of sealed values"))


def _endpoints(settings: Settings) -> list[Endpoint]:
    return read_endpoints(settings.event_webhooks_file, allow_private=settings.allow_private_webhooks)


def _webhook_sender(settings: Settings, clock: SystemClock) -> HttpWebhookSender:
    return HttpWebhookSender(
        lambda item: event_json(item, clock.now().date()),
        allow_private=settings.allow_private_webhooks,
        trace_headers=trace_headers,
    )


def _idempotency_guard(settings: Settings, in_flight: InFlightRequests) -> IdempotencyGuard:
    return IdempotencyGuard(Fingerprinter(settings.key_for("fingerprints")), in_flight, settings.lease)


def _leases(settings: Settings) -> LeasePolicy:
    return LeasePolicy(settings.lease, timedelta(seconds=settings.first_check_seconds))


def _velocity_limiter(settings: Settings, store: SqlStore, clock: SystemClock, ids: UlidSource) -> VelocityLimiter:
    limits = VelocityLimits(
        window=_window(settings),
        per_card=settings.declines_per_card,
        per_customer=settings.declines_per_customer,
        per_client_address=settings.declines_per_client_address,
        per_caller=settings.declines_per_caller,
        cards_per_customer=settings.cards_per_customer,
        cards_per_client_address=settings.cards_per_client_address,
    )
    return VelocityLimiter(store, clock, ids, limits, settings.key_for("attempts"))


def _days(count: int) -> timedelta | None:
    """None for 0, which means for ever."""
    return timedelta(days=count) if count else None


def _window(settings: Settings) -> timedelta:
    return timedelta(seconds=settings.decline_window_seconds)


def _threads_of_requests(settings: Settings) -> int:
    """The threads for gateway calls: all except half of those that no gateway request can take, which serve reads."""
    return settings.grpc_threads - max(1, settings.spare_threads // 2)


def _poll_policy(settings: Settings) -> SettlementPollPolicy:
    return SettlementPollPolicy(
        shortest=timedelta(seconds=settings.follow_interval_seconds), watch=timedelta(days=settings.watch_refunds_days)
    )


def _not_found_timer(settings: Settings) -> NotFoundTimer:
    return NotFoundTimer(time.monotonic, timedelta(seconds=settings.absence_horizon_seconds))


def _metrics(instruments: Instruments, engine: Engine, gateway: BraintreeAdapter) -> Instruments:
    """The instruments, with the numbers that others keep."""
    instruments.read(process_readings, lambda: pool_readings(engine), lambda: gateway_readings(gateway.stats))
    return instruments


def _check_database(store: SqlStore) -> Callable[[], None]:
    """Raises StoreUnavailable."""

    def check() -> None:
        store.hold()

    return check


def _count(instruments: Instruments, metric: catalogue.Metric) -> Callable[[str, str], None]:
    """Counts webhooks of the gateway by kind and outcome."""
    counter = instruments.counter(metric)
    return lambda kind, outcome: counter.labels(kind, outcome).inc()


def _database_readings(settings: Settings, store: SqlStore, clock: SystemClock) -> DatabaseReadings:
    return DatabaseReadings(partial(read_backlog, store, settings.lease), clock.now)


def _servicer(kind: type[Any], named: Mapping[str, Any]) -> providers.Factory[Any]:
    """A servicer whose fields are the providers of the same names."""
    return providers.Factory(kind, **{field.name: named[field.name] for field in fields(kind)})


class Container(containers.DeclarativeContainer):
    """All objects of the service. `settings` must be overridden first."""

    settings = providers.Dependency(instance_of=Settings)

    clock = providers.Singleton(SystemClock)
    ids = providers.Singleton(UlidSource)
    in_flight = providers.Singleton(
        InFlightRequests, providers.Callable(_threads_of_requests, settings), event=providers.Object(cooperation.Event)
    )
    current_caller = providers.Object(current_caller)
    limits = providers.Factory(Limits, pool_size=settings.provided.database_connections)
    engine = providers.Singleton(create_engine, settings.provided.database_url, limits)
    sealer = providers.Singleton(_sealer, settings)
    instruments = providers.Singleton(Instruments)
    tracing = providers.Singleton(traces.tracing, settings)
    store_observers = providers.Singleton(traces.store_observers, instruments, tracing, engine)
    gateway_observers = providers.Singleton(traces.gateway_observers, instruments, tracing)
    store = providers.Singleton(SqlStore, engine, ids, sealer, store_observers)
    braintree_settings = providers.Callable(_braintree_settings, settings)
    order_ids = providers.Singleton(_order_ids, engine, settings.provided.braintree_order_reference)
    gateway = providers.Singleton(BraintreeAdapter, braintree_settings, order_ids, observer=gateway_observers)
    merchant_accounts = providers.Callable(lambda gateway: gateway.accounts, gateway)

    api_key_cache = providers.Singleton(ApiKeyCache, store, settings.provided.credential_seconds)
    operator_cache = providers.Singleton(OperatorCache, store, settings.provided.credential_seconds)
    operator_login_cache = providers.Singleton(OperatorLoginCache, store, settings.provided.credential_seconds)
    last_used_recorder = providers.Singleton(LastUsedRecorder, store)
    hold = providers.Singleton(HoldWatch, store, providers.Object(time.monotonic))
    audit = providers.Singleton(Audit, store, clock, ids)
    refused_calls = providers.Singleton(RefusedCalls, store, clock, ids, providers.Object(time.monotonic))
    authenticate = providers.Singleton(
        authentication, settings, api_key_cache, operator_cache, operator_login_cache, last_used_recorder, clock
    )

    guard = providers.Singleton(_idempotency_guard, settings, in_flight)
    leases = providers.Singleton(_leases, settings)
    executor = providers.Singleton(traces.executor, tracing, store, clock, guard, leases)
    poll_policy = providers.Singleton(_poll_policy, settings)
    recorder = providers.Singleton(PaymentRecorder, store, clock, leases, poll_policy)
    page_tokens = providers.Singleton(PageTokens, settings.provided.key_for.call("page tokens"))
    sync_payment = providers.Singleton(SyncPayment, store, gateway, clock, ids, poll_policy)
    not_found_timer = providers.Singleton(_not_found_timer, settings)
    dispute_interval = providers.Callable(lambda settings: timedelta(seconds=settings.dispute_poll_seconds), settings)
    # Set once the process has been asked to stop.
    stopping = providers.Singleton(threading.Event)

    velocity_limiter = providers.Singleton(_velocity_limiter, settings, store, clock, ids)
    purge_velocity_counters = providers.Singleton(
        PurgeVelocityCounters, store, clock, providers.Callable(_window, settings)
    )
    lift_abuse_block = providers.Singleton(LiftAbuseBlock, store, clock, guard)
    list_abuse_blocks = providers.Singleton(ListAbuseBlocks, store, page_tokens)

    sync_methods = providers.Singleton(SyncPaymentMethods, store, gateway, clock)
    accepts_cards = providers.Callable(lambda settings: settings.raw_cards is RawCards.ACCEPT, settings)
    three_d_secure_rules = providers.Callable(read_rules, settings.provided.three_d_secure)
    create_payment = providers.Singleton(
        CreatePayment,
        store,
        gateway,
        clock,
        ids,
        guard,
        executor,
        recorder,
        velocity_limiter,
        sync_methods,
        merchant_accounts,
        accepts_cards,
        three_d_secure_rules,
    )
    erase_guest = providers.Singleton(EraseGuest, store, clock, guard)
    list_merchant_accounts = providers.Singleton(ListMerchantAccounts, gateway)
    capture_payment = providers.Singleton(CapturePayment, store, gateway, ids, executor, recorder)
    adjust_authorization = providers.Singleton(AdjustAuthorization, store, gateway, ids, executor, recorder)
    void_payment = providers.Singleton(VoidPayment, gateway, ids, executor, recorder)
    refund_payment = providers.Singleton(
        RefundPayment, store, gateway, clock, ids, guard, executor, recorder, leases, sync_payment
    )
    get_payment = providers.Singleton(GetPayment, store)
    list_payments = providers.Singleton(ListPayments, store, page_tokens)
    search_payments = providers.Singleton(
        SearchPayments, store, page_tokens, audit, settings.provided.key_for.call("searches in the audit log")
    )
    index_payments = providers.Singleton(IndexPayments, store)
    summarize_payments = providers.Singleton(SummarizePayments, store, clock)
    count_payments = providers.Singleton(CountPayments, store)
    verify_payment = providers.Singleton(VerifyPayment, store, gateway, clock, ids, poll_policy)
    list_payment_events = providers.Singleton(ListPaymentEvents, store, page_tokens)
    book_movements = providers.Singleton(BookMovements, store, is_stopping=stopping.provided.is_set)
    export_movements = providers.Singleton(ExportMovements, store, book_movements)
    export_payments = providers.Singleton(ExportPayments, store)
    decline_codes = providers.Singleton(codes_by_reason)

    create_customer = providers.Singleton(CreateCustomer, store, clock, ids, guard)
    get_customer = providers.Singleton(GetCustomer, store)
    update_customer = providers.Singleton(UpdateCustomer, store, gateway, clock, guard, leases)
    delete_customer = providers.Singleton(DeleteCustomer, store, gateway, clock, guard, leases)
    list_customers = providers.Singleton(ListCustomers, store, page_tokens)

    find_default_method = providers.Singleton(FindDefaultMethod, store)
    find_language = providers.Singleton(FindLanguage, store)

    create_client_token = providers.Singleton(
        CreateClientToken, store, gateway, merchant_accounts, sync_methods, leases
    )
    add_payment_method = providers.Singleton(
        AddPaymentMethod,
        store,
        gateway,
        clock,
        ids,
        guard,
        executor,
        leases,
        velocity_limiter,
        sync_methods,
        merchant_accounts,
        accepts_cards,
    )
    get_payment_method = providers.Singleton(GetPaymentMethod, store)
    list_payment_methods = providers.Singleton(ListPaymentMethods, store, page_tokens)
    get_dispute = providers.Singleton(GetDispute, store)
    list_disputes = providers.Singleton(ListDisputes, store, page_tokens)
    record_dispute = providers.Singleton(RecordDispute, store, gateway, clock, ids, poll_policy, dispute_interval)
    answer_dispute = providers.Singleton(AnswerDispute, store, clock, ids, guard, executor, leases, record_dispute)
    accept_dispute = providers.Singleton(AcceptDispute, gateway, answer_dispute)
    add_dispute_evidence = providers.Singleton(AddDisputeEvidence, gateway, answer_dispute)
    finalize_dispute = providers.Singleton(FinalizeDispute, gateway, answer_dispute)
    poll_open_disputes = providers.Singleton(
        PollOpenDisputes,
        store,
        clock,
        leases,
        record_dispute,
        not_found_timer,
        surround=providers.Factory(traces.dispute_surround, tracing, store),
    )
    find_new_disputes = providers.Singleton(FindNewDisputes, store, gateway, clock, record_dispute)

    result_keys = providers.Singleton(ResultKeys, settings.provided.key_for.call("checkout results"))
    checkout_mapper = providers.Singleton(
        CheckoutMapper, settings.provided.checkout_base_url, result_keys.provided.key_of
    )
    create_checkout = providers.Singleton(
        CreateCheckout,
        store,
        clock,
        ids,
        guard,
        merchant_accounts,
        providers.Object(partial(secrets.token_urlsafe, 24)),
        settings.provided.serves_checkouts,
    )
    get_checkout = providers.Singleton(GetCheckout, store)
    list_checkouts = providers.Singleton(ListCheckouts, store, page_tokens)
    expire_checkout = providers.Singleton(ExpireCheckout, store, clock, guard)
    view_checkout = providers.Singleton(ViewCheckout, store, clock)
    pay_checkout = providers.Singleton(PayCheckout, store, clock, create_payment, view_checkout)
    follow_checkouts = providers.Singleton(FollowCheckouts, store, clock, view_checkout)

    method_changer = providers.Singleton(MethodChanger, store, clock, guard, leases)
    update_payment_method = providers.Singleton(UpdatePaymentMethod, gateway, clock, method_changer)
    set_default_payment_method = providers.Singleton(SetDefaultPaymentMethod, gateway, method_changer)
    delete_payment_method = providers.Singleton(DeletePaymentMethod, gateway, method_changer)

    check_backoff = providers.Singleton(CheckBackoff, store, clock, leases, not_found_timer.provided.horizon)
    send_scheduled_refund = providers.Singleton(
        SendScheduledRefund, store, gateway, clock, leases, recorder, poll_policy, sync_payment, check_backoff
    )
    resolve_outcome = providers.Singleton(
        ResolveOutcome,
        store,
        gateway,
        clock,
        ids,
        leases,
        poll_policy,
        not_found_timer,
        check_backoff,
        send_scheduled_refund,
    )
    resolve_operations = providers.Singleton(
        ResolveOperations,
        store,
        clock,
        leases,
        providers.Factory(traces.resolution, tracing, resolve_outcome, store),
        providers.Factory(traces.scheduled_refund, tracing, send_scheduled_refund, store),
        check_backoff,
        is_stopping=stopping.provided.is_set,
    )
    resolve_unknown_methods = providers.Singleton(
        ResolveUnknownMethods,
        store,
        gateway,
        clock,
        leases,
        not_found_timer,
        is_stopping=stopping.provided.is_set,
        surround=providers.Factory(traces.method_surround, tracing, store),
    )
    poll_settlements = providers.Singleton(PollSettlements, store, gateway, clock, ids, poll_policy)

    # The metrics of this process. Those of the database are read at each scrape, by one process.
    metrics = providers.Singleton(_metrics, instruments, engine, gateway)
    # The status of the worker pool, if other processes answer the calls.
    worker_pool_status = providers.Singleton(WorkerPoolStatus)
    gateway_webhook_reader = providers.Singleton(BraintreeWebhooks, braintree_settings)
    receive_gateway_webhook = providers.Singleton(ReceiveGatewayWebhook, store, gateway_webhook_reader, clock)
    process_gateway_webhooks = providers.Singleton(
        ProcessGatewayWebhooks,
        store,
        gateway,
        clock,
        leases,
        sync_payment,
        record_dispute,
        sync_methods,
        resolve_outcome,
        providers.Object(topic_of),
        providers.Factory(_count, instruments, providers.Object(catalogue.INBOX_PROCESSED)),
        settings.provided.webhook_attempts,
    )
    list_gateway_webhooks = providers.Singleton(ListGatewayWebhooks, store, page_tokens)
    retry_gateway_webhook = providers.Singleton(RetryGatewayWebhook, store, clock, guard)

    relay_events = providers.Singleton(RelayEvents, store)
    archive_events = providers.Singleton(ArchiveEvents, store)
    archive_old_events = providers.Singleton(
        ArchiveOldEvents,
        archive_events,
        clock,
        providers.Callable(lambda settings: _days(settings.archive_events_days), settings),
        is_stopping=stopping.provided.is_set,
    )
    purge_gateway_webhooks = providers.Singleton(
        PurgeGatewayWebhooks,
        store,
        clock,
        providers.Callable(lambda settings: _days(settings.keep_webhooks_days), settings),
    )
    read_feed = providers.Singleton(ReadFeed, store)

    endpoints = providers.Singleton(_endpoints, settings)
    webhook_sender = providers.Singleton(
        MeasuredWebhookSender,
        providers.Factory(traces.webhook_sender, tracing, providers.Factory(_webhook_sender, settings, clock), store),
        instruments,
    )
    deliver_events = providers.Singleton(
        DeliverEvents, store, read_feed, webhook_sender, clock, endpoints, is_stopping=stopping.provided.is_set
    )
    list_endpoints = providers.Singleton(ListEndpoints, store, endpoints)
    list_deliveries = providers.Singleton(ListDeliveries, store, endpoints)
    resend_events = providers.Singleton(ResendEvents, store, clock, guard, endpoints)

    list_unresolved_operations = providers.Singleton(ListUnresolvedOperations, store, page_tokens)
    resolve_operation = providers.Singleton(
        ResolveOperation,
        store,
        gateway,
        clock,
        guard,
        leases,
        poll_policy,
        resolve_outcome,
        not_found_timer.provided.horizon,
    )
    settlement_ledger = providers.Singleton(SettlementLedger, store, merchant_accounts)
    compare_settlements = providers.Singleton(
        CompareSettlements,
        settlement_ledger,
        gateway,
        providers.Singleton(ExplainSettlements, store, gateway, gateway, settlement_ledger),
        book_movements,
    )
    explain_transactions = providers.Singleton(ExplainTransactions, store)
    reconcile = providers.Singleton(
        MeasuredReconcile,
        providers.Factory(
            Reconcile,
            store,
            gateway,
            explain_transactions,
            providers.Factory(ReverseOrphans, gateway, ids, leases, explain_transactions),
        ),
        instruments,
    )

    offered_methods = providers.Singleton(OfferedMethods, store, clock)
    checkout_server = providers.Singleton(
        CheckoutServer,
        providers.Factory(
            CheckoutHandlers,
            view=view_checkout,
            pay=pay_checkout,
            client_token=providers.Callable(client_token_of, create_client_token),
            method_nonce=providers.Singleton(CreateMethodNonce, offered_methods, gateway, leases),
            stored_methods=offered_methods,
            policy=providers.Callable(
                lambda rules: lambda checkout: rules.policy_for(checkout.terms.amount), three_d_secure_rules
            ),
            must_take_changes=hold.provided.must_take_changes,
            answers=providers.Factory(Answers, providers.Object(decline_text), result_keys, clock.provided.now),
        ),
        providers.Callable(checkout_site, settings),
        providers.Callable(protocol_server, settings),
    )

    stream_pool = providers.Singleton(StreamPool, "stream")
    servicers = providers.Factory(
        Servicers,
        payments=_servicer(PaymentServicer, locals()),
        customers=_servicer(CustomerServicer, locals()),
        payment_methods=_servicer(PaymentMethodServicer, locals()),
        disputes=_servicer(DisputeServicer, locals()),
        checkouts=_servicer(CheckoutServicer, locals()),
        events=providers.Factory(
            EventServicer, current_caller, clock, read_feed, settings.provided.feed_interval_seconds, stream_pool
        ),
        # With threads of its own: its streams wait for the gateway, and must not delay those of others.
        admin=_servicer(AdminServicer, locals() | {"stream_pool": providers.Singleton(StreamPool, "administration")}),
    )
    http_server = providers.Singleton(
        HttpServer,
        providers.Factory(
            HttpHandlers,
            receive=receive_gateway_webhook,
            answer_challenge=gateway_webhook_reader.provided.answer_challenge,
            check_database=providers.Factory(_check_database, store),
            scrape=providers.Singleton(
                Scrape, metrics, providers.Factory(_database_readings, settings, store, clock), worker_pool_status
            ),
            count_received=providers.Factory(_count, instruments, providers.Object(catalogue.INBOX_REQUESTS)),
            worker_pool=worker_pool_status,
        ),
    )
    server = providers.Singleton(
        GrpcServer,
        servicers,
        authenticate,
        audit,
        refused_calls.provided.note,
        hold.provided.must_take_changes,
        providers.Callable(admission_limits, settings),
        providers.Callable(tls_files, settings),
        providers.Callable(closed_services, settings),
        observer=providers.Singleton(traces.call_observer, instruments, tracing),
    )
